#include "answers.hpp"

#include <mudi/crm/offers.hpp>

namespace mudi::till {
namespace {

using nlohmann::json;

std::string_view offer_kind_word(crm::OfferKind kind) {
    switch (kind) {
    case crm::OfferKind::usual_item: return "usual_item";
    case crm::OfferKind::favourite_category: return "favourite_category";
    case crm::OfferKind::welcome: return "welcome";
    }
    return "other";
}

json offer_json(const OfferView& view, std::string_view language) {
    const crm::Offer& offer = view.offer;
    json out{{"offer", to_hex(offer.id.value)},
             {"kind", offer_kind_word(offer.kind)},
             {"title", crm::offer_title(offer, language)},
             {"reason", crm::offer_reason(offer, language)},
             {"item", offer.item_id},
             {"category", offer.category},
             {"percent", offer.percent.value},
             {"amount_off", offer.amount_off.minor},
             {"valid_to_us", to_us(offer.valid_to)},
             {"applicable", view.applicable},
             {"effects", effects_json(view.effects)}};
    if (!view.applicable) {
        out["why_not"] = view.why_not;
        out["missing"] = view.missing.minor;
    }
    return out;
}

json line_json(const crm::LineItem& line) {
    json discounts = json::array();
    for (const crm::Discount& discount : line.discounts) {
        json each{{"promotion", discount.promotion}, {"amount", discount.amount.minor}};
        if (discount.offer) each["offer"] = to_hex(discount.offer->value);
        discounts.push_back(std::move(each));
    }
    json out{{"line", line.number},
             {"type", crm::to_string(line.type)},
             {"item", line.item_id},
             {"description", line.description},
             {"category", line.category},
             {"unit", line.unit},
             {"quantity", line.quantity.thousandths},
             {"amount", line.amount.minor},
             {"tax_rate", line.tax_rate.value},
             {"tax", line.tax.minor},
             {"goods", line.goods},
             {"discounts", std::move(discounts)}};
    if (line.unit_price) out["unit_price"] = line.unit_price->minor;
    if (line.link) {
        const crm::BusinessKey& key = line.link->original;
        out["original"] = {{"number", key.number},
                           {"business_day", format_business_day(key.day)},
                           {"store", key.store.value},
                           {"workstation", key.workstation.value},
                           {"line", line.link->line}};
    }
    return out;
}

} // namespace

std::int64_t to_us(Time time) { return to_ms(time) * 1000; }

json effects_json(std::span<const crm::OfferEffect> effects, std::string_view promotion) {
    json out = json::array();
    for (const crm::OfferEffect& effect : effects) {
        out.push_back(
            {{"line", effect.line}, {"amount", effect.amount.minor}, {"offer", to_hex(effect.offer.value)}});
        if (!promotion.empty()) out.back()["promotion"] = promotion;
    }
    return out;
}

json offers_json(const std::vector<OfferView>& offers, std::string_view language) {
    json out = json::array();
    for (const OfferView& offer : offers) out.push_back(offer_json(offer, language));
    return out;
}

json customer_json(const CustomerView& customer, std::string_view language) {
    const std::string_view spoken =
        customer.language.empty() ? language : std::string_view(customer.language);
    return {{"found", true},
            {"profile", customer.profile.value},
            {"name", customer.name},
            {"language", customer.language},
            {"tier", customer.tier},
            {"points", customer.points.value},
            {"greeting", crm::greeting(customer.name, spoken)},
            {"offers", offers_json(customer.offers, spoken)},
            {"stale", customer.stale}};
}

json receipt_json(const Receipt& receipt, std::string_view language) {
    return {{"number", receipt.key.number},
            {"business_day", format_business_day(receipt.key.day)},
            {"store", receipt.key.store.value},
            {"workstation", receipt.key.workstation.value},
            {"event", to_hex(receipt.event.value)},
            {"saved", true},
            {"repeated", receipt.repeated},
            {"kind", crm::to_string(receipt.kind)},
            {"total", receipt.total.minor},
            {"currency", currency_code(receipt.total.currency)},
            {"points_earned", receipt.points_earned.value},
            {"points_redeemed", receipt.points_redeemed.value},
            {"points_balance", receipt.points_balance ? json(receipt.points_balance->value) : json(nullptr)},
            {"customer", receipt.customer ? customer_json(*receipt.customer, language) : json(nullptr)},
            {"training", receipt.training}};
}

json hold_json(const HoldView& view) {
    return {{"hold", to_hex(view.hold.id.value)},     {"points", view.hold.points.value},
            {"amount", view.hold.amount.minor},       {"tender", "loyalty_points"},
            {"expires_us", to_us(view.hold.expires)}, {"stale", view.stale}};
}

json open_transaction_json(const OpenTransaction& open, json customer) {
    json lines = json::array();
    for (const crm::LineItem& line : open.lines) lines.push_back(line_json(line));
    json tenders = json::array();
    for (const crm::Tender& tender : open.tenders) {
        tenders.push_back({{"kind", crm::to_string(tender.kind)},
                           {"amount", tender.amount.minor},
                           {"reference", tender.reference}});
    }
    json applied = json::array();
    for (const AppliedOffer& each : open.applied) {
        applied.push_back({{"offer", to_hex(each.offer.id.value)}, {"effects", effects_json(each.effects)}});
    }
    return {{"txn", open.key.number},
            {"business_day", format_business_day(open.key.day)},
            {"open", true},
            {"operator", open.operator_id},
            {"host", open.host},
            {"training", open.training},
            {"suspended", open.suspended},
            {"begin_us", to_us(open.begin)},
            {"identified", open.member.has_value()},
            {"customer", std::move(customer)},
            {"lines", std::move(lines)},
            {"total", open.total ? json(open.total->minor) : json(nullptr)},
            {"tenders", std::move(tenders)},
            {"applied", std::move(applied)},
            {"hold", open.hold ? hold_json({*open.hold, false}) : json(nullptr)}};
}

} // namespace mudi::till
