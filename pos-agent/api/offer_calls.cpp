#include "context.hpp"

#include <mudi/crm/offers.hpp>
#include <mudi/http/json.hpp>

#include "answers.hpp"
#include "documents.hpp"

namespace mudi::till {
namespace {

using nlohmann::json;

/// The language offers are written in: the customer's own where they have one.
std::string spoken(Context& context, const TransactionName& name, const Ask& ask, std::string_view fallback) {
    const auto customer = context.parts.desk.customer(name, ask.now);
    if (customer && *customer && !(*customer)->language.empty()) return (*customer)->language;
    return std::string(fallback);
}

/// Told only when something a page shows is different: a host sends its basket with every key.
void tell_offers(Context& context, const TransactionName& name, const std::vector<OfferView>& offers,
                 std::string_view language) {
    json shown = offers_json(offers, language);
    const Panel& panel = context.panel;
    if (panel.customer.is_object() && panel.txn == name.number && panel.customer["offers"] == shown) return;
    if (shown.empty() && !panel.customer.is_object()) return;
    context.tell("offers_changed", {{"txn", name.number}, {"offers", std::move(shown)}});
}

std::int64_t basket_total(const OpenTransaction& open) {
    if (open.total) return open.total->minor;
    std::int64_t total = 0;
    for (const crm::LineItem& line : open.lines) {
        total += line.type == crm::LineType::return_ ? -line.amount.minor : line.amount.minor;
    }
    return total;
}

Result<http::Response> set_basket(Context& context, const Ask& ask) {
    MUDI_TRY(const TransactionName name, name_from(context, ask));
    MUDI_TRY(const json body, body_of(ask));
    MUDI_TRY(Basket basket, basket_from(body, context.currency()));
    MUDI_TRY(const BasketView view,
             context.parts.desk.set_basket(name, std::move(basket.lines), basket.total, ask.now));
    MUDI_TRY(const OpenTransaction* open, context.parts.desk.find(name, ask.now));
    context.tell("basket", {{"txn", name.number},
                            {"lines", open->lines.size()},
                            {"total", basket_total(*open)},
                            {"points_preview", view.points_preview.value}});
    tell_offers(context, name, view.offers, spoken(context, name, ask, context.options.language));
    return http::json_response(
        {{"offers", offers_json(view.offers, spoken(context, name, ask, ask.language))},
         {"points_preview", view.points_preview.value}});
}

Result<http::Response> list_offers(Context& context, const Ask& ask) {
    MUDI_TRY(const TransactionName name, name_from(context, ask));
    MUDI_TRY(const auto offers, context.parts.desk.offers(name, ask.now));
    return http::json_response({{"offers", offers_json(offers, spoken(context, name, ask, ask.language))}});
}

Result<OfferId> offer_of(const Ask& ask) {
    const auto bits = bits128_from_hex(ask.request.capture("oid"));
    if (!bits) return fail(Code::not_found, "offer.unknown", "no such offer");
    return OfferId{*bits};
}

std::string promotion_of(Context& context, const TransactionName& name, OfferId offer, const Ask& ask) {
    const std::string language = spoken(context, name, ask, ask.language);
    const auto open = context.parts.desk.find(name, ask.now);
    if (!open) return {};
    for (const AppliedOffer& applied : (*open)->applied) {
        if (applied.offer.id == offer) return crm::offer_title(applied.offer, language);
    }
    return {};
}

Result<http::Response> apply(Context& context, const Ask& ask) {
    MUDI_TRY(const TransactionName name, name_from(context, ask));
    MUDI_TRY(const OfferId offer, offer_of(ask));
    MUDI_TRY(const auto effects, context.parts.desk.apply_offer(name, offer, ask.now));
    return http::json_response({{"effects", effects_json(effects, promotion_of(context, name, offer, ask))}});
}

Result<http::Response> take_back(Context& context, const Ask& ask) {
    MUDI_TRY(const TransactionName name, name_from(context, ask));
    MUDI_TRY(const OfferId offer, offer_of(ask));
    MUDI_CHECK(context.parts.desk.take_back_offer(name, offer, ask.now));
    return no_content();
}

Result<http::Response> release(Context& context, const Ask& ask) {
    MUDI_TRY(const TransactionName name, name_from(context, ask));
    const auto bits = bits128_from_hex(ask.request.capture("hold"));
    if (!bits) return fail(Code::not_found, "hold.unknown", "no such hold");
    MUDI_CHECK(context.parts.desk.release(name, HoldId{*bits}, ask.now));
    return no_content();
}

} // namespace

void add_offer_calls(Context& context) {
    context.add("PUT", "/v1/txn/{id}/basket",
                [&context](const Ask& ask) { return set_basket(context, ask); });
    context.add("GET", "/v1/txn/{id}/offers",
                [&context](const Ask& ask) { return list_offers(context, ask); });
    context.add("POST", "/v1/txn/{id}/offers/{oid}/apply",
                [&context](const Ask& ask) { return apply(context, ask); });
    context.add("DELETE", "/v1/txn/{id}/offers/{oid}/apply",
                [&context](const Ask& ask) { return take_back(context, ask); });
    context.add("DELETE", "/v1/txn/{id}/holds/{hold}",
                [&context](const Ask& ask) { return release(context, ask); });
}

} // namespace mudi::till
