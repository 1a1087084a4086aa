#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mudi/base/id.hpp>
#include <mudi/base/money.hpp>
#include <mudi/base/time.hpp>
#include <mudi/crm/customer.hpp>
#include <mudi/crm/offers.hpp>
#include <mudi/crm/transaction.hpp>

/// What goes into the till's desk and what comes out of it. Values only.
namespace mudi::till {

/// Names a transaction of this till. Without a day: today in the shop's zone.
struct TransactionName {
    std::string number;
    std::optional<BusinessDay> day;
};

/// The same with the day settled.
struct TransactionKey {
    BusinessDay day;
    std::string number;

    friend auto operator<=>(const TransactionKey&, const TransactionKey&) = default;
};

enum class PresentedKind : std::uint8_t { card, phone, qr };

/// What the customer showed, as scanned or keyed; any script's digits.
struct Presented {
    PresentedKind kind{PresentedKind::card};
    std::string value;
};

/// A sale, return or adjustment as the host says it. What is absent is taken from the open transaction of
/// that name, else from the default named here. Amounts are in `currency`.
struct SaleDocument {
    TransactionName name;
    crm::TransactionKind kind{crm::TransactionKind::sale}; ///< post_void has a call of its own
    std::optional<EventId> event;                          ///< from a spooling client: used as it is
    std::optional<std::string> host;
    std::optional<std::string> operator_id;
    std::optional<Time> begin;        ///< default: when the transaction was opened, else now
    std::optional<Time> end;          ///< default: now
    std::optional<Currency> currency; ///< default: the shop's
    std::optional<bool> training;
    std::optional<Presented> customer;
    std::optional<bool> tax_included; ///< default: true
    /// `number` 0 = position; `unit` empty = "EA"; a link without store or workstation means this till.
    std::optional<std::vector<crm::LineItem>> lines;
    std::optional<std::vector<crm::Tender>> tenders;
    std::optional<std::vector<OfferId>> offers;
    std::optional<HoldId> hold;
    std::optional<Money> total;     ///< default: the basket's, else the sum of the lines
    std::optional<Money> tax_total; ///< default: the sum of the lines' tax, returns taken off
};

struct OfferView {
    crm::Offer offer;
    bool applicable{false};
    std::vector<crm::OfferEffect> effects;
    std::string_view why_not; ///< a stable word, empty when applicable
    Money missing;            ///< with basket_min
};

struct CustomerView {
    ProfileId profile;
    std::string name;
    std::string language;
    std::string tier;
    Points points; ///< spendable here and now: never overstated
    std::vector<OfferView> offers;
    bool stale{false};
};

/// Who was asked for the points of a hold, and so has to be told when they are not spent.
enum class AskedOf : std::uint8_t {
    nobody = 0, ///< the floor limit, or this till's own right
    server = 1,
    lead = 2, ///< the store's lead till
};

/// Points taken before they are spent.
struct Hold {
    HoldId id;
    TransactionKey transaction;
    ProfileId profile;
    Points points;
    Money amount; ///< what they pay
    Time expires;
    RightsHolder lender{}; ///< under whose right; 0: the server's word, or the floor limit
    AskedOf asked{AskedOf::nobody};
    bool granted{true}; ///< false: asked for, and not answered

    friend bool operator==(const Hold&, const Hold&) = default;
};

/// May these points be spent? Whoever was asked may have set them aside even when no answer comes.
struct RedeemQuestion {
    HoldId hold;
    ProfileId profile;
    Points points;
    Money amount; ///< what they would pay
};

struct HoldView {
    Hold hold;
    bool stale{false};
};

struct AppliedOffer {
    crm::Offer offer;
    std::vector<crm::OfferEffect> effects;
};

/// A transaction under way; only in memory until it is suspended or completed.
struct OpenTransaction {
    TransactionKey key;
    std::string operator_id;
    std::string host;
    bool training{false};
    bool suspended{false};
    Time begin;
    Time touched;
    std::optional<crm::Member> member; ///< without profile: nobody known here; the server may learn from it
    std::vector<crm::LineItem> lines;
    std::optional<Money> total; ///< as the host said with the basket
    std::vector<crm::Tender> tenders;
    std::vector<AppliedOffer> applied;
    std::optional<Hold> hold;     ///< at most one at a time
    std::optional<HoldId> asking; ///< points that are being asked for
};

struct BasketView {
    std::vector<OfferView> offers;
    Points points_preview; ///< what this basket would earn
};

struct TenderView {
    Money tendered;
    Money due;
};

struct Receipt {
    crm::BusinessKey key;
    EventId event;
    EventSeq seq;
    bool repeated{false};
    crm::TransactionKind kind{crm::TransactionKind::sale};
    Money total;
    Points points_earned;                 ///< negative: taken back by a return or void
    Points points_redeemed;               ///< negative: given back by a void
    std::optional<Points> points_balance; ///< absent when the customer is not known here
    std::optional<CustomerView> customer; ///< offers left out
    bool training{false};
};

/// A customer who joins at the till.
struct JoinDocument {
    std::string name;
    std::string phone; ///< as keyed; empty = none
    std::string card;  ///< as scanned; empty = none
    std::string language;
    bool phone_verified{false};
    crm::Consent marketing{crm::Consent::unknown};
};

} // namespace mudi::till
