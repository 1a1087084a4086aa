#include <algorithm>
#include <string>

#include <mudi/http/json.hpp>

#include "border.hpp"
#include "documents.hpp"
#include "handles.hpp"
#include "structs.hpp"
#include "system.hpp"

/// The border, third part: what happens to sales that are completed.
namespace mudi::pos {
namespace {

using nlohmann::json;

constexpr std::string_view void_suffix = "-void";

/// Lines of a return are return lines, of the original named for all unless they name their own.
std::vector<mudi_line> as_returns(std::vector<mudi_line> lines, const mudi_return_info& info) {
    for (mudi_line& line : lines) {
        line.type = MUDI_LINE_RETURN;
        const bool named = line.original_number != nullptr && *line.original_number != '\0';
        if (named || info.original_number == nullptr || *info.original_number == '\0') continue;
        line.original_number = info.original_number;
        line.original_day = info.original_day;
        line.original_store = info.original_store;
        line.original_workstation = info.original_workstation;
    }
    return lines;
}

/// What the lines come to; past any amount of money we take, the agent refuses it.
std::int64_t sum_of(const std::vector<mudi_line>& lines, bool tax_excluded) {
    std::int64_t sum = 0;
    for (const mudi_line& line : lines) {
        bool overflow = __builtin_add_overflow(sum, line.amount, &sum);
        if (tax_excluded) overflow = __builtin_add_overflow(sum, line.tax, &sum) || overflow;
        if (overflow) return INT64_MAX;
    }
    return sum;
}

Outcome<json> content_in(const mudi_pos& pos, const mudi_return_info& info,
                         const std::vector<mudi_line>& given) {
    const std::vector<mudi_line> returned = as_returns(given, info);
    const auto lines = lines_in(returned);
    if (!lines) return tl::make_unexpected(lines.error());
    const std::int64_t refund = info.refund != 0 ? info.refund : sum_of(returned, info.tax_excluded != 0);
    if (refund < 0)
        return fault(MUDI_E_ARG, "arg.refund", "refund is what goes back to the customer, not below 0");
    json out{{"kind", "return"},
             {"lines", documents_of(*lines)},
             {"total", -refund},
             {"tax_included", info.tax_excluded == 0},
             {"tenders", json::array()}};
    if (refund != 0) {
        mudi_tender_info tender{sizeof(mudi_tender_info), info.refund_kind, -refund, info.refund_reference};
        auto document = tender_in(tender);
        if (!document) return document;
        out["tenders"].push_back(*std::move(document));
    }
    if (info.id_kind != 0) {
        auto presented = presented_in(info.id_kind, info.id_value);
        if (!presented) return presented;
        out["customer"] = *std::move(presented);
    }
    auto operator_id = text_in(info.operator_id, 200, "operator_id");
    if (!operator_id) return tl::make_unexpected(operator_id.error());
    if (!operator_id->empty()) out["operator"] = *std::move(operator_id);
    if (!pos.host.empty()) out["host"] = pos.host;
    return out;
}

using Returns = std::list<mudi_pos::Returned>;

Returns::iterator find(Returns& returned, const mudi_pos::Key& key, const std::string& content) {
    return std::ranges::find_if(returned,
                                [&](const auto& each) { return each.key == key && each.content == content; });
}

/// A new one, or the same as before when the host says the same again.
Delivery delivery_for(mudi_pos& pos, const mudi_pos::Key& key, const std::string& text, json content,
                      std::int64_t now) {
    const std::lock_guard lock(pos.returned_mutex);
    if (const auto before = find(pos.returned, key, text); before != pos.returned.end())
        return before->delivery;
    content["number"] = key.second;
    content["business_day"] = key.first;
    content["begin_us"] = now;
    content["end_us"] = now;
    if (const std::string id = random_id(); !id.empty()) content["event_id"] = id;
    const bool sure = !content.contains("customer");
    if (pos.returned.size() >= mudi_pos::returned_max) pos.returned.pop_front();
    return pos.returned.emplace_back(key, text, Delivery(std::move(content), sure)).delivery;
}

/// How far it has come; or nothing any more, when it was refused and may be corrected.
void keep(mudi_pos& pos, const mudi_pos::Key& key, const std::string& text, const Delivery* delivery) {
    const std::lock_guard lock(pos.returned_mutex);
    const auto found = find(pos.returned, key, text);
    if (found == pos.returned.end()) return;
    if (delivery != nullptr)
        found->delivery = *delivery;
    else
        pos.returned.erase(found);
}

Outcome<mudi_rc> take_return(mudi_pos* pos, const char* host_txn, const mudi_return_info* given,
                             const mudi_line* lines, size_t n) {
    if (pos == nullptr) return null_argument("pos");
    const auto info = struct_in(given, "info");
    if (!info) return tl::make_unexpected(info.error());
    auto number = number_in(host_txn);
    if (!number) return tl::make_unexpected(number.error());
    const std::int64_t now = now_us();
    auto day = day_in(info->business_day, now, pos->utc_offset_minutes);
    if (!day) return tl::make_unexpected(day.error());
    const auto structs = structs_in(lines, n, MUDI_LINES_MAX, "lines");
    if (!structs) return tl::make_unexpected(structs.error());
    auto content = content_in(*pos, *info, *structs);
    if (!content) return tl::make_unexpected(content.error());

    const mudi_pos::Key key{*std::move(day), *std::move(number)};
    const std::string text = http::to_text(*content);
    Delivery delivery = delivery_for(*pos, key, text, *std::move(content), now);
    const auto delivered = delivery.go(pos->link, pos->spool, "/v1/returns", Deadline(MUDI_TIMEOUT_MAX_MS));
    const bool refused = !delivered && delivered.error().refused() && !delivery.spooled();
    keep(*pos, key, text, refused ? nullptr : &delivery);
    if (!delivered) return tl::make_unexpected(delivered.error());
    return delivered->rc == MUDI_OK ? MUDI_OK : remember(delivered->why, delivered->rc);
}

Outcome<mudi_rc> post_void(mudi_pos* pos, const char* host_txn) {
    if (pos == nullptr) return null_argument("pos");
    const auto number = number_in(host_txn);
    if (!number) return tl::make_unexpected(number.error());
    const auto day = day_in(nullptr, now_us(), pos->utc_offset_minutes);
    if (!day) return tl::make_unexpected(day.error());
    const std::string own = *number + std::string(void_suffix);
    const auto fits = number_in(own.c_str());
    if (!fits) return fault(MUDI_E_ARG, "arg.number", "the number is too long for its post-void's number");
    json body{{"number", own}, {"business_day", *day}, {"original_day", *day}};
    if (!pos->host.empty()) body["host"] = pos->host;
    const auto answer =
        pos->link.ask({"POST", "/v1/txn/" + http::percent_encode(*number) + "/void", std::move(body), {}},
                      Deadline(MUDI_TIMEOUT_MAX_MS));
    if (!answer) return tl::make_unexpected(answer.error());
    const auto receipt = receipt_out(*answer);
    if (!receipt) return tl::make_unexpected(receipt.error());
    return MUDI_OK;
}

} // namespace
} // namespace mudi::pos

using namespace mudi::pos;

extern "C" {

mudi_rc mudi_return(mudi_pos* pos, const char* host_txn, const mudi_return_info* info, const mudi_line* lines,
                    size_t n) {
    return guarded([&] { return take_return(pos, host_txn, info, lines, n); });
}

mudi_rc mudi_post_void(mudi_pos* pos, const char* host_txn) {
    return guarded([&] { return post_void(pos, host_txn); });
}

} // extern "C"
