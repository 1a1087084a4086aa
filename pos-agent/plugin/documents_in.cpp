#include <algorithm>
#include <charconv>
#include <chrono>

#include <mudi/base/text.hpp>
#include <mudi/base/time.hpp>

#include "documents.hpp"

namespace mudi::pos {
namespace {

using nlohmann::json;

constexpr std::size_t number_bytes_max = 64;
constexpr std::size_t presented_bytes_max = 1024;
constexpr std::size_t text_bytes_max = 200;
constexpr std::size_t line_id_bytes_max = sizeof(mudi_effect::line_id) - 1;
constexpr int utc_offset_minutes_max = 14 * 60;

/// Puts members into a document and remembers the first text that is none.
class Writer {
public:
    void text(const char* key, const char* value) {
        auto checked = text_in(value, text_bytes_max, key);
        if (!checked) {
            if (!fault_) fault_ = checked.error();
        } else if (!checked->empty()) {
            document[key] = *std::move(checked);
        }
    }
    Outcome<json> take() {
        if (fault_) return tl::make_unexpected(*fault_);
        return std::move(document);
    }
    json document = json::object();

private:
    std::optional<Fault> fault_;
};

bool passes_gs1(std::string_view digits) {
    int sum = 0;
    int weight = 1;
    for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, weight = 4 - weight)
        sum += (*digit - '0') * weight;
    return sum % 10 == 0;
}

std::optional<int> two_digits(std::string_view text) {
    if (text.size() != 2 || !is_digits(text)) return std::nullopt;
    return (text[0] - '0') * 10 + (text[1] - '0');
}

} // namespace

Outcome<std::string> text_in(const char* text, std::size_t bytes_max, const char* name) {
    if (text == nullptr) return std::string();
    const std::string_view view(text, ::strnlen(text, bytes_max + 1));
    if (view.size() > bytes_max) return fault(MUDI_E_ARG, "arg.text", std::string(name) + " is too long");
    if (!is_utf8(view)) return fault(MUDI_E_ARG, "arg.utf8", std::string(name) + " is not UTF-8");
    return std::string(view);
}

Outcome<std::string> number_in(const char* text) {
    auto number = text_in(text, number_bytes_max, "host_txn");
    if (!number) return number;
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    if (number->empty() || std::any_of(number->begin(), number->end(), is_control)) {
        return fault(MUDI_E_ARG, "arg.number", "a transaction needs a number of 1 to 64 bytes");
    }
    return number;
}

Outcome<std::string> day_in(const char* day, std::int64_t now_us, int utc_offset_minutes) {
    if (day == nullptr || *day == '\0') {
        const Time now = time_from_ms(now_us / 1000);
        return format_business_day(business_day_at(now, std::chrono::minutes{utc_offset_minutes}));
    }
    const auto parsed = parse_business_day(std::string_view(day, ::strnlen(day, 11)));
    if (!parsed) return fault(MUDI_E_ARG, "arg.day", "the business day must be a date such as 2026-11-21");
    return format_business_day(*parsed);
}

Outcome<int> utc_offset_in(const char* text) {
    constexpr int india = 330;
    if (text == nullptr || *text == '\0') return india;
    const std::string_view view(text, ::strnlen(text, 7));
    if (view == "Z") return 0;
    const auto hours = view.size() == 6 ? two_digits(view.substr(1, 2)) : std::nullopt;
    const auto minutes = view.size() == 6 ? two_digits(view.substr(4, 2)) : std::nullopt;
    const bool sign = view.front() == '+' || view.front() == '-';
    if (!hours || !minutes || !sign || view[3] != ':' || *minutes > 59 ||
        *hours * 60 + *minutes > utc_offset_minutes_max) {
        return fault(MUDI_E_ARG, "arg.utc_offset", "utc_offset must be like +05:30");
    }
    const int offset = *hours * 60 + *minutes;
    return view.front() == '-' ? -offset : offset;
}

Outcome<json> presented_in(std::int32_t kind, const char* raw) {
    if (raw == nullptr) return fault(MUDI_E_ARG, "arg.null", "raw is NULL");
    auto value = text_in(raw, presented_bytes_max, "raw");
    if (!value) return tl::make_unexpected(value.error());
    switch (kind) {
    case MUDI_ID_CARD:
    case MUDI_ID_MSR:
    case MUDI_ID_NFC: return json{{"kind", "card"}, {"value", *value}};
    case MUDI_ID_PHONE: return json{{"kind", "phone"}, {"value", *value}};
    case MUDI_ID_QR: return json{{"kind", "qr"}, {"value", *value}};
    default: return fault(MUDI_E_ARG, "arg.kind", "no such kind of identifier");
    }
}

bool is_beyond_doubt(const json& presented) {
    std::string digits = text_of(presented, "value");
    std::erase_if(digits, [](char c) { return c == ' ' || c == '-'; });
    if (text_of(presented, "kind") == "phone") {
        if (digits.starts_with("+91")) digits.erase(0, 3);
        return digits.size() == 10 && is_digits(digits) && digits.front() >= '6';
    }
    return digits.size() == 13 && is_digits(digits) && digits.front() == '2' && passes_gs1(digits);
}

std::optional<std::string_view> tender_word(std::int32_t kind) {
    switch (kind) {
    case MUDI_TENDER_CASH: return "cash";
    case MUDI_TENDER_CARD: return "card";
    case MUDI_TENDER_UPI: return "upi";
    case MUDI_TENDER_KHATA: return "khata";
    case MUDI_TENDER_GIFT_CARD: return "gift_card";
    case MUDI_TENDER_LOYALTY_POINTS: return "loyalty_points";
    case MUDI_TENDER_VOUCHER: return "voucher";
    case MUDI_TENDER_CHEQUE: return "cheque";
    case MUDI_TENDER_BANK_TRANSFER: return "bank_transfer";
    case MUDI_TENDER_OTHER: return "other";
    default: return std::nullopt;
    }
}

Outcome<json> tender_in(const mudi_tender_info& tender) {
    const auto word = tender_word(tender.kind);
    if (!word) return fault(MUDI_E_ARG, "arg.kind", "no such kind of tender");
    Writer writer;
    writer.document = {{"kind", *word}, {"amount", tender.amount}};
    writer.text("reference", tender.reference);
    return writer.take();
}

namespace {

Outcome<json> original_in(const mudi_line& line) {
    Writer writer;
    writer.document["line"] = line.original_line;
    writer.text("number", line.original_number);
    writer.text("business_day", line.original_day);
    writer.text("store", line.original_store);
    writer.text("workstation", line.original_workstation);
    return writer.take();
}

Outcome<json> discount_in(const mudi_line& line) {
    Writer writer;
    writer.document["amount"] = line.discount;
    writer.text("promotion", line.discount_name);
    writer.text("offer", line.discount_offer);
    return writer.take();
}

} // namespace

Outcome<Line> line_in(const mudi_line& line, std::int32_t number) {
    auto id = text_in(line.line_id, line_id_bytes_max, "line_id");
    if (!id) return tl::make_unexpected(id.error());
    if (line.type != MUDI_LINE_SALE && line.type != MUDI_LINE_RETURN)
        return fault(MUDI_E_ARG, "arg.type", "no such type of line");
    Writer writer;
    json& out = writer.document;
    out = {{"line", number},
           {"type", line.type == MUDI_LINE_RETURN ? "return" : "sale"},
           {"quantity", line.quantity},
           {"amount", line.amount},
           {"tax_rate", line.tax_rate},
           {"tax", line.tax},
           {"goods", line.not_goods == 0}};
    writer.text("item", line.item);
    writer.text("description", line.description);
    writer.text("category", line.category);
    writer.text("unit", line.unit);
    if (line.has_unit_price != 0) out["unit_price"] = line.unit_price;
    if (line.discount != 0) {
        auto discount = discount_in(line);
        if (!discount) return tl::make_unexpected(discount.error());
        out["discounts"] = json::array({*std::move(discount)});
    }
    if (line.original_number != nullptr && *line.original_number != '\0') {
        auto original = original_in(line);
        if (!original) return tl::make_unexpected(original.error());
        out["original"] = *std::move(original);
    }
    auto document = writer.take();
    if (!document) return tl::make_unexpected(document.error());
    return Line{id->empty() ? std::to_string(number) : *std::move(id), number, *std::move(document)};
}

Outcome<std::vector<Line>> lines_in(const std::vector<mudi_line>& lines) {
    std::vector<Line> out;
    std::vector<std::string_view> ids;
    out.reserve(lines.size());
    for (const mudi_line& line : lines) {
        auto read = line_in(line, static_cast<std::int32_t>(out.size()) + 1);
        if (!read) return tl::make_unexpected(read.error());
        out.push_back(*std::move(read));
    }
    for (const Line& line : out) ids.push_back(line.id);
    std::sort(ids.begin(), ids.end());
    if (std::adjacent_find(ids.begin(), ids.end()) != ids.end())
        return fault(MUDI_E_ARG, "arg.line_id", "a line_id comes twice");
    return out;
}

json documents_of(const std::vector<Line>& lines) {
    json out = json::array();
    for (const Line& line : lines) out.push_back(line.document);
    return out;
}

std::vector<Line> lines_from(const json& documents) {
    std::vector<Line> out;
    for (const json& document : documents) {
        const auto number = static_cast<std::int32_t>(integer_of(document, "line"));
        if (number > 0) out.push_back({std::to_string(number), number, document});
    }
    return out;
}

} // namespace mudi::pos
