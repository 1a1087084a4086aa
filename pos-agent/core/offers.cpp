#include <algorithm>
#include <utility>

#include "desk_impl.hpp"

namespace mudi::till {

Result<std::vector<crm::LineItem>> Desk::Impl::lines_with_categories(const OpenTransaction& transaction) {
    std::vector<crm::LineItem> lines = transaction.lines;
    for (crm::LineItem& line : lines) {
        if (!line.category.empty()) continue;
        MUDI_TRY(const auto product, storage.find_product(line.item_id));
        if (product) line.category = product->category;
    }
    return lines;
}

Result<std::vector<OfferView>> Desk::Impl::offers_of(const HeldProfile& profile,
                                                     const OpenTransaction& transaction, Time now) {
    std::vector<OfferView> views;
    if (transaction.training) return views;
    const auto& made_out = profile.slice.offers;
    const bool by_category =
        std::ranges::any_of(made_out, [](const crm::Offer& offer) { return !offer.category.empty(); });
    std::vector<crm::LineItem> filled;
    if (by_category) {
        MUDI_TRY(filled, lines_with_categories(transaction));
    }
    const auto& lines = by_category ? filled : transaction.lines;
    const Money total = transaction.total.value_or(Money{0, options.currency});
    for (const crm::Offer& offer : made_out) {
        if (now >= offer.valid_to) continue;
        auto application = crm::apply_offer(offer, lines, total, now);
        OfferView view;
        view.offer = offer;
        view.applicable = !application.effects.empty();
        view.effects = std::move(application.effects);
        view.why_not = application.why_not;
        view.missing = application.missing;
        views.push_back(std::move(view));
    }
    return views;
}

Result<std::vector<OfferView>> Desk::Impl::offers(const OpenTransaction& transaction, Time now) {
    if (!transaction.member) return std::vector<OfferView>{};
    MUDI_TRY(const auto profile, held(transaction.member->identifier));
    if (!profile) return std::vector<OfferView>{};
    return offers_of(*profile, transaction, now);
}

Result<std::vector<crm::OfferEffect>> Desk::Impl::apply_offer(OpenTransaction& transaction, OfferId id,
                                                              Time now) {
    const auto unknown = fail(Code::not_found, "offer.unknown", "the offer is not made out to this customer");
    if (!transaction.member || transaction.training) return unknown;
    MUDI_TRY(const auto profile, held(transaction.member->identifier));
    if (!profile) return unknown;
    const auto offer = std::ranges::find(profile->slice.offers, id, &crm::Offer::id);
    if (offer == profile->slice.offers.end()) return unknown;
    if (now >= offer->valid_to) return fail(Code::invalid, "offer.expired", "the offer has expired");
    MUDI_TRY(auto views, offers_of(*profile, transaction, now));
    const auto view = std::ranges::find(views, id, [](const OfferView& v) { return v.offer.id; });
    if (view == views.end() || !view->applicable) {
        const std::string why = view == views.end() ? "expired" : std::string(view->why_not);
        return fail(Code::invalid, "offer.not_applicable", "the offer does not apply to this basket: " + why);
    }
    std::erase_if(transaction.applied, [&](const AppliedOffer& applied) { return applied.offer.id == id; });
    transaction.applied.push_back({view->offer, view->effects});
    return view->effects;
}

/// An offer that was applied in the open transaction stays good, whatever the feed brought since.
Status Desk::Impl::check_offers(const Capture& capture, const OpenTransaction* transaction) const {
    const crm::RetailTransaction& sale = capture.draft.transaction;
    for (const OfferId id : sale.redeemed_offers) {
        const auto is_it = [&](const AppliedOffer& applied) { return applied.offer.id == id; };
        if (transaction != nullptr && std::ranges::any_of(transaction->applied, is_it)) continue;
        const auto unknown =
            fail(Code::not_found, "offer.unknown", "a redeemed offer is not made out to this customer");
        if (!capture.held) return unknown;
        const auto& made_out = capture.held->slice.offers;
        const auto offer = std::ranges::find(made_out, id, &crm::Offer::id);
        if (offer == made_out.end()) return unknown;
        if (sale.end < offer->valid_from || sale.begin >= offer->valid_to) {
            return fail(Code::invalid, "offer.expired",
                        "a redeemed offer was not valid at the time of the sale");
        }
    }
    return {};
}

} // namespace mudi::till
