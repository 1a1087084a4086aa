#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <mudi/base/random.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/crm/identifier.hpp>
#include <mudi/sync/reserve.hpp>
#include <mudi/till/storage.hpp>
#include <mudi/till/values.hpp>

namespace mudi::till {

struct DeskOptions {
    TillId till;
    StoreId store;
    WorkstationId workstation;
    Currency currency{inr};
    std::chrono::minutes zone_offset{330}; ///< the shop's clock ahead of UTC
    std::vector<crm::CardRange> loyalty_ranges;
    std::string country_code{"91"};
    Duration hold_for{std::chrono::minutes{30}};
    Duration stale_after{std::chrono::minutes{15}};
    std::size_t open_max{500}; ///< beyond it the longest untouched unsuspended one is forgotten
};

/// What the last exchange with the server was; see Desk::server_seen.
struct ServerSeen {
    bool linked{false};
    std::optional<Time> level_at; ///< when the till was last level with the server
    std::optional<Time> heard{};  ///< when it last answered; default: level_at
};

/// The till's logic, without IO of its own: everything it remembers goes through Storage. Pure but for that:
/// time comes with each call, randomness with the constructor. Not thread-safe; one loop thread owns it.
/// References and pointers it gives out are valid until the next call that is not const.
///
/// Calls on a transaction that is not open answer `txn.unknown` (not_found), or `txn.completed` (conflict)
/// when it is completed. Identifier errors are those of mudi/crm/identifier.hpp. A fault of the storage is
/// passed through; nothing is then changed.
class Desk {
public:
    /// Takes up what the storage remembers: holds, suspended transactions, settings.
    static Result<std::unique_ptr<Desk>> open(DeskOptions options, Storage& storage, Random& random);
    Desk(const Desk&) = delete;
    Desk& operator=(const Desk&) = delete;
    ~Desk();

    struct Begin {
        TransactionName name;
        std::optional<std::string> operator_id;
        std::optional<std::string> host;
        std::optional<bool> training;
    };
    /// Opens, resumes, or goes on with the transaction of that name. sale.number (invalid), txn.completed,
    /// txn.training (conflict: the flag cannot change later).
    Result<const OpenTransaction*> begin(const Begin& request, Time now);
    Result<const OpenTransaction*> find(const TransactionName& name, Time now) const;

    /// customer.unknown (not_found): the identifier stays with the transaction all the same.
    Result<CustomerView> identify(const TransactionName& name, const Presented& presented, Time now);
    /// Forgets who it is; takes back offers and releases the hold.
    Status forget_customer(const TransactionName& name, Time now);
    /// The customer of an open transaction as things stand now; empty when nobody known.
    Result<std::optional<CustomerView>> customer(const TransactionName& name, Time now);

    /// Takes the whole basket as it stands. Lines may still lack what only complete demands; refuses those
    /// that no sale can have (line.number, line.quantity, line.amount_negative, sale.currency,
    /// sale.too_many_lines, sale.text; all invalid).
    Result<BasketView> set_basket(const TransactionName& name, std::vector<crm::LineItem> lines,
                                  std::optional<Money> total, Time now);
    Result<std::vector<OfferView>> offers(const TransactionName& name, Time now);
    /// offer.unknown (not_found), offer.expired, offer.not_applicable (invalid). The same offer again gives
    /// the same effects.
    Result<std::vector<crm::OfferEffect>> apply_offer(const TransactionName& name, OfferId offer, Time now);
    Status take_back_offer(const TransactionName& name, OfferId offer, Time now);

    /// Points are spent in two steps where somebody can be asked: this one checks and remembers, durably,
    /// that the question is about to be put; then exactly one of hold_granted, hold_refused and
    /// hold_unanswered follows. redeem.customer (invalid: nobody known), redeem.training, redeem.held
    /// (conflict: release the other hold first, or its answer is awaited), redeem.minimum, redeem.balance;
    /// till.disk_pressure (unavailable).
    Result<RedeemQuestion> prepare_redeem(const TransactionName& name, Points points, AskedOf asked,
                                          Time now);
    /// When the transaction or its customer went meanwhile, the points are given back: txn.unknown,
    /// hold.unknown (not_found).
    Result<HoldView> hold_granted(const TransactionName& name, const RedeemQuestion& question,
                                  RightsHolder lender, Time now);
    /// Nothing was set aside, for sure: it was refused, or never asked.
    Status hold_refused(const TransactionName& name, const RedeemQuestion& question, Time now);
    /// Nobody knows. The server is told to forget it; the lead has to be asked again, see unsettled().
    Status hold_unanswered(const TransactionName& name, const RedeemQuestion& question, Time now);
    /// In one step, when nobody (more) can be asked: under this till's own right, or within the floor limit
    /// where the owner chose that. As prepare_redeem, and redeem.offline, redeem.offline_cap (invalid).
    Result<HoldView> redeem(const TransactionName& name, Points points, Time now);
    /// What of the customer's points redeem() would give; 0 when nobody is known.
    Result<Points> own_right(const TransactionName& name, Time now);
    /// hold.unknown (not_found). What cannot be given back just now is given back later, see tidy().
    Status release(const TransactionName& name, HoldId hold, Time now);

    /// A neighbour asks this till, its store's lead. Durable when granted; the same hold again gets the same
    /// answer. till.not_lead (denied), points.amount (invalid).
    Result<sync::ReserveAnswer> lend(const sync::Reserve& asked, Time now);
    /// What the lead was asked and did not answer: to be put to it again.
    [[nodiscard]] std::vector<sync::Reserve> unsettled() const;
    /// It answered at last.
    Status settled(HoldId hold, const sync::ReserveAnswer& answer, Time now);
    /// Gives back what nobody is going to spend. To be called once a minute; true: there is more of it, call
    /// again in a second.
    Result<bool> tidy(Time now);
    /// tender.amount (invalid: 0), tender.reference (a bank card), sale.currency, tender.too_many.
    Result<TenderView> add_tender(const TransactionName& name, crm::Tender tender, Time now);

    /// Durable when it returns; the transaction stays open. till.disk_pressure (unavailable).
    Status suspend(const TransactionName& name, Time now);
    /// Forgets the transaction and releases its hold.
    Status cancel(const TransactionName& name, Time now);

    /// Completes a sale, return or adjustment, with or without an open transaction before it. The receipt is
    /// given after the commit. Errors, all leaving nothing behind: those of crm::validate and
    /// crm::check_return, of the identifier; sale.conflict (conflict: the number or the given event id has
    /// another content), sale.kind, offer.unknown (not_found), offer.expired, hold.unknown (not_found),
    /// hold.expired, hold.missing (a loyalty_points tender without hold), hold.amount (tender and hold
    /// differ), hold.customer, tender.points_back, return.voided, return.training, sale.too_large (all
    /// invalid). A return whose original is not stored here (another till's, or long ago) is taken on trust:
    /// the server verifies the link.
    Result<Receipt> complete(const SaleDocument& document, Time now);

    struct Void {
        TransactionName original;
        TransactionName name; ///< of the void itself
        std::optional<std::string> operator_id;
        std::optional<std::string> host;
    };
    /// void.unknown (not_found: not completed here, or itself a void), void.already (conflict), void.returned
    /// (conflict: something of it was returned; void the returns first), sale.conflict.
    Result<Receipt> post_void(const Void& request, Time now);

    /// `txn.unknown` (not_found) when no such transaction is completed here.
    Result<Receipt> receipt(const TransactionName& name, Time now);

    /// A customer joins: an event of its own, durable when it returns. join.name (invalid: empty or too
    /// long), join.identifier (invalid: neither phone nor card), join.text, those of the identifier, and
    /// till.disk_pressure (unavailable: the disk is full, only sales are saved).
    Result<EventId> join(const JoinDocument& document, Time now);

    /// By card, phone or the beginning of a name (every word typed begins a part of it); at most 20, offers
    /// left out.
    Result<std::vector<CustomerView>> search(std::string_view typed, Time now);

    /// The driver of the sync tells; decides `stale` and whether the offline cap holds.
    void server_seen(const ServerSeen& seen);
    /// After Replica::apply_feed and apply_part. Gives the open transactions whose customer changed. Rights
    /// that the server wants back are given back (last_captured() moves).
    Result<std::vector<TransactionKey>> feed_applied(std::span<const ProfileId> changed,
                                                     bool settings_changed, Time now);

    [[nodiscard]] const DeskOptions& options() const;
    [[nodiscard]] const crm::LoyaltyRules& loyalty() const;
    [[nodiscard]] crm::OfflinePoints offline_points() const;
    [[nodiscard]] const crm::LeadTill& lead() const; ///< of this till's store
    [[nodiscard]] bool is_lead() const;
    /// For the hello. `own`: the till's present memory of rights.
    [[nodiscard]] sync::OnHold on_hold(RightsHolder own) const;
    [[nodiscard]] std::size_t open_transactions() const;
    [[nodiscard]] bool stale(Time now) const;
    /// Newest event captured through this desk, for till_in::Captured; 0 before the first.
    [[nodiscard]] EventSeq last_captured() const;

private:
    struct Impl;
    explicit Desk(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace mudi::till
