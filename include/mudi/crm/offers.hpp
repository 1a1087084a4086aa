#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <mudi/base/random.hpp>
#include <mudi/base/result.hpp>
#include <mudi/crm/customer.hpp>
#include <mudi/crm/transaction.hpp>

namespace mudi::crm {

/// Buying history of one profile, per item, as the offers rules need it.
struct ItemHabit {
    std::string item_id;
    std::string description;
    std::string category;
    std::int32_t times{}; ///< transactions that had it
    Time first;
    Time last;
    Money spent;
};

struct OfferHistory {
    ProfileId profile;
    Time joined; ///< first record or purchase
    std::int32_t visits{};
    std::vector<ItemHabit> items;
    /// Still out: kept while valid, so that a customer sees one offer for its whole life.
    std::vector<Offer> current;
};

struct OfferPolicy {
    Currency currency{inr};
    BasisPoints usual_percent{1000};
    BasisPoints category_percent{500};
    Money welcome_amount{5'000, inr};
    Money welcome_basket_min{50'000, inr};
    Money discount_max{10'000, inr};
    Duration valid_for{std::chrono::hours{24 * 7}};
    std::size_t offers_max{3};
};

/// The offers a profile should hold now. Deterministic: ids come from the profile, the kind, what it is for
/// and the day (UTC) it starts, so two runs of one day make the same offers, whatever order the history is
/// in. First rules: the usual item now overdue (3 purchases or more, 3 days or more apart on average, last
/// one 1.2 to 5 such intervals ago), a favourite category (5 purchases or more, none of the usual items'
/// own), a welcome for the new (one visit at most). Offers still out are kept while they are valid and their
/// reason holds; at most `offers_max`. `items` are goods only.
std::vector<Offer> choose_offers(const OfferHistory& history, const OfferPolicy& policy, Time now);

/// What an offer does to this basket: which line gets how much off. Empty when it does not apply; `why_not`
/// says why as a stable word ("expired", "not_yet", "currency", "basket_min", "no_matching_line"; error_text
/// knows it as "offer.expired" and so on). `percent` is rounded half to even on each line, `amount_off`
/// shared out over the matching lines, or taken off the basket (line 0) when the offer names neither item nor
/// category. `discount_max` caps the sum exactly; no line goes below 0; return lines and what is no goods
/// count as no match. Reductions of this very offer inside the lines are added back first: the answer for a
/// basket that already has it is the same.
struct OfferEffect {
    OfferId offer;
    std::int32_t line{}; ///< 0 = the whole basket
    Money amount;        ///< > 0
};
struct OfferApplication {
    std::vector<OfferEffect> effects;
    std::string_view why_not;
    Money missing; ///< with basket_min: how much more would do
};
OfferApplication apply_offer(const Offer& offer, std::span<const LineItem> lines, Money basket_total,
                             Time now);

/// Offer title and reason as one sentence each, in en, bn, mr or hi, with or without region ("bn-IN");
/// others: en. Also the greeting (an empty name is greeted too). Numbers are written in the language's own
/// digits. Plain text: whoever shows it escapes it.
std::string offer_title(const Offer& offer, std::string_view language);
std::string offer_reason(const Offer& offer, std::string_view language);
std::string greeting(std::string_view name, std::string_view language);
/// A refusal or blocked offer in the reader's language; falls back to English, then to `fallback`.
std::string error_text(std::string_view error_name, std::string_view language, std::string_view fallback);

} // namespace mudi::crm
