#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <mudi/base/hash.hpp>
#include <mudi/base/id.hpp>
#include <mudi/base/money.hpp>
#include <mudi/base/time.hpp>
#include <mudi/crm/transaction.hpp>

namespace mudi::crm {

enum class Consent : std::uint8_t { unknown = 0, given = 1, refused = 2 };

/// What one source (a till, an import, a web form) said of one person. Immutable once stored: a correction is
/// a new record of the same source and source_key.
struct SourceRecord {
    std::string source;     ///< "import", "till:7", …
    std::string source_key; ///< the source's own key for this person; unique within the source
    std::string name;       ///< as written, any script
    std::string language;   ///< BCP 47: bn, mr, hi, en; empty = unknown
    std::string phone;      ///< E.164, or empty
    bool phone_verified{false};
    std::string email;
    std::vector<std::string> cards; ///< normal form
    StoreId home_store;             ///< may be empty
    std::string birthday;           ///< YYYY-MM-DD, or empty
    std::string address;
    std::string pincode;
    Consent marketing{Consent::unknown};

    friend bool operator==(const SourceRecord&, const SourceRecord&) = default;
};

enum class OfferKind : std::uint8_t {
    usual_item = 1, ///< something she buys regularly is overdue
    favourite_category = 2,
    welcome = 3, ///< for the new
};

/// Why this offer, as data, so that every reader gets it in their own language (mudi/crm/offers.hpp).
struct OfferReason {
    std::string item;          ///< item description, for usual_item
    std::string category;      ///< for favourite_category
    std::int32_t days_usual{}; ///< usually bought every so many days
    std::int32_t days_since{}; ///< last bought so many days ago
    std::int32_t times{};      ///< bought so often

    friend bool operator==(const OfferReason&, const OfferReason&) = default;
};

/// A promotion made out to one profile.
struct Offer {
    OfferId id;
    OfferKind kind{OfferKind::welcome};
    std::string item_id;  ///< restricts to one item; empty = any
    std::string category; ///< restricts to one category; empty = any
    BasisPoints percent;  ///< taken off the matching lines; 0 when `amount_off` is used
    Money amount_off;     ///< taken off the basket once
    Money basket_min;     ///< the basket's total must reach it
    Money discount_max;   ///< cap of what one use may cost the shop; 0 = none
    Time valid_from;
    Time valid_to;
    OfferReason reason;

    friend bool operator==(const Offer&, const Offer&) = default;
};

/// How many points one holder may spend without asking, as counts that only grow, so that a repeat or a loss
/// of any message does no harm.
struct Right {
    RightsHolder holder;
    Points granted;  ///< in all since the holder began
    Points recalled; ///< of these the server would like to have so many back, in all

    friend bool operator==(const Right&, const Right&) = default;
};

/// The least of a customer that a till needs to greet and serve.
struct ProfileSlice {
    ProfileId id;
    std::string name; ///< as to be greeted
    std::string language;
    std::string tier;
    Points balance; ///< at the server when the slice was made
    std::vector<IdentifierHash> identifiers;
    std::vector<Offer> offers;
    std::vector<Right> rights{}; ///< of the holders in the store

    friend bool operator==(const ProfileSlice&, const ProfileSlice&) = default;
};

struct Product {
    std::string item_id;
    std::string name;
    std::string category;
    std::string unit;
    Money price;
    BasisPoints tax_rate;

    friend bool operator==(const Product&, const Product&) = default;
};

/// Earn 1 point per `per_point` spent on goods; a point pays `point_value` at redemption.
struct LoyaltyRules {
    Money per_point{10'000, inr};
    Money point_value{25, inr};
    Points redeem_min{20};
    /// What one customer may spend at one till while the server cannot be asked.
    Points redeem_offline_max{200};

    friend bool operator==(const LoyaltyRules&, const LoyaltyRules&) = default;
};

/// How points are spent while the server cannot be asked.
enum class OfflinePoints : std::uint8_t {
    escrow = 1, ///< only under a right granted before: never more than there is
    floor_limit =
        2, ///< up to LoyaltyRules::redeem_offline_max per customer, till and outage: the owner bears the risk
};

/// The till that keeps its store's rights and serves the others over the shop's own network.
struct LeadTill {
    TillId till;     ///< 0: the store has none
    std::string url; ///< where it listens, as for the server's; may be empty

    friend bool operator==(const LeadTill&, const LeadTill&) = default;
};

/// What the server tells every till of a store.
struct StoreSettings {
    Key256 identifier_key; ///< for identifier_hash
    std::array<unsigned char, 32> member_code_key{};
    LoyaltyRules loyalty;
    OfflinePoints offline_points{OfflinePoints::escrow};
    LeadTill lead{};

    friend bool operator==(const StoreSettings&, const StoreSettings&) = default;
};

} // namespace mudi::crm
