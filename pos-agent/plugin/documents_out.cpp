#include "documents.hpp"

#include "structs.hpp"

namespace mudi::pos {
namespace {

using nlohmann::json;

tl::unexpected<Fault> nonsense() {
    return fault(MUDI_E_AGENT, "agent.answer", "the agent answered something unexpected");
}

const json* member(const json& document, const char* key) {
    if (!document.is_object()) return nullptr;
    const auto found = document.find(key);
    return found == document.end() ? nullptr : &*found;
}

mudi_offer offer_out(const json& document) {
    mudi_offer out{};
    out.applicable = flag_of(document, "applicable") ? 1 : 0;
    for (const json& effect : list_of(document, "effects")) {
        if (__builtin_add_overflow(out.saves, integer_of(effect, "amount"), &out.saves)) out.saves = 0;
    }
    out.missing = integer_of(document, "missing");
    out.amount_off = integer_of(document, "amount_off");
    out.valid_to_us = integer_of(document, "valid_to_us");
    out.percent = static_cast<std::int32_t>(integer_of(document, "percent"));
    copy_text(out.offer, text_of(document, "offer"));
    copy_text(out.kind, text_of(document, "kind"));
    copy_text(out.why_not, text_of(document, "why_not"));
    copy_text(out.title, text_of(document, "title"));
    copy_text(out.reason, text_of(document, "reason"));
    copy_text(out.item, text_of(document, "item"));
    copy_text(out.category, text_of(document, "category"));
    return out;
}

mudi_receipt receipt_head(const json& document) {
    mudi_receipt out{};
    out.training = flag_of(document, "training") ? 1 : 0;
    out.total = integer_of(document, "total");
    copy_text(out.number, text_of(document, "number"));
    copy_text(out.business_day, text_of(document, "business_day"));
    copy_text(out.currency, text_of(document, "currency"));
    return out;
}

} // namespace

std::string text_of(const json& document, const char* key) {
    const json* value = member(document, key);
    return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

std::int64_t integer_of(const json& document, const char* key) {
    const json* value = member(document, key);
    return value != nullptr && value->is_number_integer() ? value->get<std::int64_t>() : 0;
}

bool flag_of(const json& document, const char* key) {
    const json* value = member(document, key);
    return value != nullptr && value->is_boolean() && value->get<bool>();
}

const json& list_of(const json& document, const char* key) {
    static const json* const none =
        new json(json::array()); // never destroyed: a host's other threads may outlive its main()
    const json* value = member(document, key);
    return value != nullptr && value->is_array() ? *value : *none;
}

Outcome<mudi_customer> customer_out(const json& document) {
    if (!flag_of(document, "found")) return nonsense();
    mudi_customer out{};
    out.found = 1;
    out.stale = flag_of(document, "stale") ? 1 : 0;
    out.offers = static_cast<std::int32_t>(list_of(document, "offers").size());
    out.profile = integer_of(document, "profile");
    out.points = integer_of(document, "points");
    copy_text(out.name, text_of(document, "name"));
    copy_text(out.language, text_of(document, "language"));
    copy_text(out.tier, text_of(document, "tier"));
    copy_text(out.greeting, text_of(document, "greeting"));
    return out;
}

Outcome<std::vector<mudi_offer>> offers_out(const json& document) {
    const json* list = member(document, "offers");
    if (list == nullptr || !list->is_array()) return nonsense();
    std::vector<mudi_offer> out;
    for (const json& offer : *list) out.push_back(offer_out(offer));
    return out;
}

Outcome<std::vector<mudi_effect>> effects_out(const json& document, const std::vector<Line>& lines) {
    const json* list = member(document, "effects");
    if (list == nullptr || !list->is_array()) return nonsense();
    std::vector<mudi_effect> out;
    for (const json& effect : *list) {
        mudi_effect each{};
        each.kind = MUDI_EFFECT_DISCOUNT;
        each.line = static_cast<std::int32_t>(integer_of(effect, "line"));
        each.amount = integer_of(effect, "amount");
        for (const Line& line : lines) {
            if (line.number == each.line) copy_text(each.line_id, line.id);
        }
        copy_text(each.offer, text_of(effect, "offer"));
        copy_text(each.name, text_of(effect, "promotion"));
        out.push_back(each);
    }
    return out;
}

Outcome<mudi_effect> hold_out(const json& document) {
    const std::string hold = text_of(document, "hold");
    if (hold.empty()) return nonsense();
    mudi_effect out{};
    out.kind = MUDI_EFFECT_TENDER;
    out.tender = MUDI_TENDER_LOYALTY_POINTS;
    out.amount = integer_of(document, "amount");
    out.points = integer_of(document, "points");
    out.expires_us = integer_of(document, "expires_us");
    copy_text(out.hold, hold);
    return out;
}

Outcome<mudi_receipt> receipt_out(const json& document) {
    if (!flag_of(document, "saved") || text_of(document, "event").empty()) return nonsense();
    mudi_receipt out = receipt_head(document);
    out.saved = 1;
    out.repeated = flag_of(document, "repeated") ? 1 : 0;
    out.points_earned = integer_of(document, "points_earned");
    out.points_redeemed = integer_of(document, "points_redeemed");
    const json* balance = member(document, "points_balance");
    out.has_balance = balance != nullptr && balance->is_number_integer() ? 1 : 0;
    out.points_balance = integer_of(document, "points_balance");
    copy_text(out.store, text_of(document, "store"));
    copy_text(out.workstation, text_of(document, "workstation"));
    copy_text(out.event, text_of(document, "event"));
    if (const json* customer = member(document, "customer"))
        copy_text(out.customer, text_of(*customer, "name"));
    return out;
}

mudi_receipt pending_receipt(const json& sale) {
    mudi_receipt out = receipt_head(sale);
    copy_text(out.event, text_of(sale, "event_id"));
    return out;
}

} // namespace mudi::pos
