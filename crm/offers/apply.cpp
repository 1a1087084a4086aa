#include <mudi/crm/offers.hpp>

#include <algorithm>

#include "allocate.hpp"

namespace mudi::crm {
namespace {

/// A line the offer may reduce, with its amount as if this offer had not been applied yet: hosts send the
/// basket again with the reduction inside, and the answer must stay the same.
struct Target {
    std::int32_t line{};
    std::int64_t minor{};
};

std::int64_t own_discount(const Offer& offer, const LineItem& line) {
    Wide minor = 0;
    for (const Discount& discount : line.discounts)
        if (discount.offer == offer.id) minor += discount.amount.minor;
    return static_cast<std::int64_t>(std::min<Wide>(minor, money_minor_max));
}

bool matches(const Offer& offer, const LineItem& line) {
    return line.type == LineType::sale && line.goods &&
           (offer.item_id.empty() || line.item_id == offer.item_id) &&
           (offer.category.empty() || line.category == offer.category);
}

std::vector<Target> targets_of(const Offer& offer, std::span<const LineItem> lines) {
    std::vector<Target> targets;
    for (const LineItem& line : lines) {
        const Wide minor =
            std::min<Wide>(Wide{line.amount.minor} + own_discount(offer, line), money_minor_max);
        if (matches(offer, line) && minor > 0)
            targets.push_back({line.number, static_cast<std::int64_t>(minor)});
    }
    return targets;
}

bool other_currency(const Offer& offer, Currency currency) {
    const auto differs = [&](Money money) { return money.minor != 0 && money.currency != currency; };
    return differs(offer.amount_off) || differs(offer.basket_min) || differs(offer.discount_max);
}

OfferApplication blocked(std::string_view why_not, Money missing) { return {{}, why_not, missing}; }

std::vector<std::int64_t> percent_of(BasisPoints percent, const std::vector<Target>& targets) {
    std::vector<std::int64_t> out;
    out.reserve(targets.size());
    const auto rate = std::min<std::int64_t>(percent.value, 10'000); // nobody is paid to take goods
    for (const Target& target : targets) out.push_back(round_half_even(Wide{target.minor} * rate, 10'000));
    return out;
}

Wide sum(std::span<const std::int64_t> amounts) {
    Wide total = 0;
    for (const std::int64_t amount : amounts) total += amount;
    return total;
}

/// How much comes off each target.
std::vector<std::int64_t> reductions(const Offer& offer, const std::vector<Target>& targets) {
    std::vector<std::int64_t> weights;
    weights.reserve(targets.size());
    for (const Target& target : targets) weights.push_back(target.minor);
    const Wide cap = offer.discount_max.minor > 0 ? Wide{offer.discount_max.minor} : sum(weights);
    if (offer.percent.value > 0) {
        std::vector<std::int64_t> amounts = percent_of(offer.percent, targets);
        return sum(amounts) <= cap ? amounts : allocate(cap, amounts);
    }
    return allocate(std::clamp<Wide>(offer.amount_off.minor, 0, std::min(cap, sum(weights))), weights);
}

} // namespace

OfferApplication apply_offer(const Offer& offer, std::span<const LineItem> lines, Money basket_total,
                             Time now) {
    const Money nothing{0, basket_total.currency};
    if (now < offer.valid_from) return blocked("not_yet", nothing);
    if (now >= offer.valid_to) return blocked("expired", nothing);
    if (other_currency(offer, basket_total.currency)) return blocked("currency", nothing);
    std::vector<Target> targets = targets_of(offer, lines);
    if (targets.empty()) return blocked("no_matching_line", nothing);
    Wide total = basket_total.minor;
    for (const LineItem& line : lines) total += own_discount(offer, line);
    const auto missing = static_cast<std::int64_t>(Wide{offer.basket_min.minor} - total);
    if (missing > 0) return blocked("basket_min", {missing, basket_total.currency});

    const bool whole_basket = offer.percent.value <= 0 && offer.item_id.empty() && offer.category.empty();
    if (whole_basket) {
        Wide goods = 0;
        for (const Target& target : targets) goods += target.minor;
        targets = {{0, static_cast<std::int64_t>(std::min({goods, total, Wide{money_minor_max}}))}};
    }
    OfferApplication application{{}, {}, nothing};
    if (targets.front().minor > 0) {
        const std::vector<std::int64_t> amounts = reductions(offer, targets);
        for (std::size_t i = 0; i < targets.size(); ++i)
            if (amounts[i] > 0)
                application.effects.push_back(
                    {offer.id, targets[i].line, {amounts[i], basket_total.currency}});
    }
    if (application.effects.empty()) application.why_not = "no_matching_line";
    return application;
}

} // namespace mudi::crm
