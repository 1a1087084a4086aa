#include <algorithm>
#include <cstring>
#include <utility>

#include "system.hpp"
#include "txn.hpp"

/// What goes into the sale, and its end.
namespace mudi::pos {

using nlohmann::json;

Outcome<json> Txn::identify(const json& presented, const Deadline& deadline) {
    const auto open = must_be_open();
    if (!open) return tl::make_unexpected(open.error());
    const bool told = std::exchange(told_.customer, true);
    const auto answer = ask(call("POST", "/identify", presented), deadline);
    const bool unknown =
        !answer && answer.error().rc == MUDI_NOT_FOUND && answer.error().code != "txn.unknown";
    const bool away = !answer && !answer.error().refused();
    if (!answer && !unknown && !away) {
        told_.customer = told;
        return answer;
    }
    const std::int64_t profile = answer ? integer_of(*answer, "profile") : 0;
    const bool same = customer_ == presented || (profile != 0 && profile == profile_);
    // Offers and points of somebody else are nobody's any more; the agent sees it the same way.
    if (!same) drop_rewards();
    customer_ = presented;
    customer_sure_ = !away;
    profile_ = profile;
    told_.customer = !away;
    changed();
    return answer;
}

Outcome<mudi_rc> Txn::forget_customer(const Deadline& deadline) {
    const auto open = must_be_open();
    if (!open) return tl::make_unexpected(open.error());
    told_.customer = true;
    const auto rc = settled(ask(call("DELETE", "/customer"), deadline));
    told_.customer = rc && *rc == MUDI_OK;
    customer_ = nullptr;
    profile_ = 0;
    drop_rewards();
    changed();
    return rc;
}

void Txn::drop_rewards() {
    offers_.clear();
    hold_.clear();
}

json Txn::basket_document() const {
    json body{{"lines", documents_of(lines_)}};
    if (total_) body["total"] = *total_;
    return body;
}

Outcome<mudi_rc> Txn::set_basket(std::vector<Line> lines, std::optional<std::int64_t> total,
                                 const Deadline& deadline) {
    const auto open = must_be_open();
    if (!open) return tl::make_unexpected(open.error());
    json body{{"lines", documents_of(lines)}};
    if (total) body["total"] = *total;
    const bool told = std::exchange(told_.basket, true);
    const auto answer = ask(call("PUT", "/basket", std::move(body)), deadline);
    const auto rc = settled(answer);
    if (!rc) {
        told_.basket = told;
        return rc;
    }
    lines_ = std::move(lines);
    total_ = total;
    told_.basket = *rc == MUDI_OK;
    if (answer) follow_offers(*answer);
    changed();
    return rc;
}

/// An applied offer that no longer fits the basket has been taken back by the agent.
void Txn::follow_offers(const json& answer) {
    std::erase_if(offers_, [&](const std::string& id) {
        return std::ranges::none_of(list_of(answer, "offers"), [&](const json& offer) {
            return text_of(offer, "offer") == id && flag_of(offer, "applicable");
        });
    });
}

Outcome<mudi_rc> Txn::set_line(const std::string& id, mudi_line line, const Deadline& deadline) {
    std::vector<Line> lines = lines_;
    auto place = std::ranges::find(lines, id, &Line::id);
    std::int32_t number = 1;
    for (const Line& each : lines) number = std::max(number, each.number + 1);
    if (place != lines.end()) number = place->number;
    line.line_id = id.c_str();
    auto read = line_in(line, number);
    if (!read) return tl::make_unexpected(read.error());
    if (place != lines.end()) {
        *place = *std::move(read);
    } else {
        if (lines.size() >= MUDI_LINES_MAX) return fault(MUDI_E_ARG, "arg.count", "too many lines");
        lines.push_back(*std::move(read));
    }
    // The host names a total with the whole basket only.
    return set_basket(std::move(lines), std::nullopt, deadline);
}

Outcome<mudi_rc> Txn::void_line(const std::string& id, const Deadline& deadline) {
    std::vector<Line> lines = lines_;
    if (std::erase_if(lines, [&](const Line& line) { return line.id == id; }) == 0) {
        return fault(MUDI_NOT_FOUND, "line.unknown", "no such line in the basket");
    }
    return set_basket(std::move(lines), std::nullopt, deadline);
}

Outcome<json> Txn::apply_offer(const std::string& offer, const Deadline& deadline) {
    const auto open = must_be_open();
    if (!open) return tl::make_unexpected(open.error());
    auto answer = ask(call("POST", "/offers/" + http::percent_encode(offer) + "/apply"), deadline);
    if (answer && std::ranges::find(offers_, offer) == offers_.end()) {
        offers_.push_back(offer);
        changed();
    }
    return answer;
}

Outcome<mudi_rc> Txn::take_back_offer(const std::string& offer, const Deadline& deadline) {
    const auto open = must_be_open();
    if (!open) return tl::make_unexpected(open.error());
    const bool ours = std::erase(offers_, offer) > 0;
    if (ours) changed();
    const auto rc =
        settled(ask(call("DELETE", "/offers/" + http::percent_encode(offer) + "/apply"), deadline));
    return ours && !rc ? Outcome<mudi_rc>(MUDI_OK) : rc;
}

Outcome<json> Txn::redeem(std::int64_t points, const Deadline& deadline) {
    const auto open = must_be_open();
    if (!open) return tl::make_unexpected(open.error());
    // The same key until there is an answer: when only the answer was lost, the hold is found again.
    const std::string key =
        head_.event_id + "-redeem-" + std::to_string(redeems_) + "-" + std::to_string(points);
    auto answer = ask(call("POST", "/redeem", {{"points", points}}, key), deadline);
    if (answer || answer.error().refused()) ++redeems_;
    if (answer) {
        hold_ = text_of(*answer, "hold");
        changed();
    }
    return answer;
}

Outcome<mudi_rc> Txn::release(const std::string& hold, const Deadline& deadline) {
    const auto open = must_be_open();
    if (!open) return tl::make_unexpected(open.error());
    const bool ours = hold == hold_;
    if (ours) {
        hold_.clear();
        changed();
    }
    const auto rc = settled(ask(call("DELETE", "/holds/" + http::percent_encode(hold)), deadline));
    return ours && !rc ? Outcome<mudi_rc>(MUDI_OK) : rc;
}

Outcome<mudi_rc> Txn::add_tender(json tender, const Deadline& deadline) {
    const auto open = must_be_open();
    if (!open) return tl::make_unexpected(open.error());
    if (tenders_.size() >= MUDI_TENDERS_MAX) return fault(MUDI_E_ARG, "arg.count", "too many tenders");
    const std::string key = random_id();
    const auto rc = settled(ask(call("POST", "/tenders", tender, key), deadline));
    if (!rc) return rc;
    tenders_.push_back({std::move(tender), key, *rc == MUDI_OK});
    changed();
    return rc;
}

Outcome<mudi_rc> Txn::clear_tenders() {
    const auto open = must_be_open();
    if (!open) return tl::make_unexpected(open.error());
    tenders_.clear();
    changed();
    return MUDI_OK;
}

json Txn::sale_document(const mudi_totals& totals) const {
    json tenders = json::array();
    for (const Tender& tender : tenders_) tenders.push_back(tender.document);
    json out{{"number", head_.number},
             {"business_day", head_.business_day},
             {"kind", "sale"},
             {"begin_us", head_.begin_us},
             {"training", head_.training},
             {"tax_included", totals.tax_excluded == 0},
             {"lines", documents_of(lines_)},
             {"tenders", std::move(tenders)},
             {"offers", offers_},
             {"total", totals.total}};
    const std::int64_t end = totals.end_us != 0 ? totals.end_us : now_us();
    out["end_us"] = std::max(end, head_.begin_us); // the till's clock may have been set back
    if (!head_.event_id.empty()) out["event_id"] = head_.event_id;
    if (!head_.host.empty()) out["host"] = head_.host;
    if (!head_.operator_id.empty()) out["operator"] = head_.operator_id;
    if (!head_.currency.empty()) out["currency"] = head_.currency;
    if (!customer_.is_null()) out["customer"] = customer_;
    if (!hold_.empty()) out["hold"] = hold_;
    if (totals.has_tax_total != 0) out["tax_total"] = totals.tax_total;
    return out;
}

Outcome<Delivery::Delivered> Txn::complete(const mudi_totals& totals, const Deadline& deadline) {
    if (receipt_) {
        mudi_receipt again = *receipt_;
        again.repeated = 1;
        return Delivery::Delivered{MUDI_OK, again, {}};
    }
    if (state_ != State::spooled) {
        const auto open = must_be_open();
        if (!open) return tl::make_unexpected(open.error());
        if (totals_ && std::memcmp(&*totals_, &totals, sizeof totals) != 0) changed();
        totals_ = totals;
        if (!delivery_) delivery_.emplace(sale_document(totals), customer_.is_null() || customer_sure_);
    }
    // What the document leaves out, the agent takes from its own transaction: a customer whom it was not told
    // to forget.
    if (!told_.customer && customer_.is_null() && told_.begun)
        (void)link_.ask(call("DELETE", "/customer"), deadline).has_value();
    auto delivered = delivery_->go(link_, spool_, "/v1/complete", deadline);
    if (!delivered) {
        if (delivered.error().refused() && state_ != State::spooled) changed();
        return delivered;
    }
    state_ = delivered->rc == MUDI_OK ? State::completed : State::spooled;
    if (delivered->rc == MUDI_OK) receipt_ = delivered->receipt;
    return delivered;
}

} // namespace mudi::pos
