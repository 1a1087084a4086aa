#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include <mudi/sync/hlc.hpp>
#include <mudi/till/desk.hpp>

#include "draft.hpp"

namespace mudi::till {

/// A transaction on its way to the disk, and what its receipt will say.
struct Capture {
    Draft draft;
    std::optional<HeldProfile> held;
    std::vector<ReturnRow> returns;
    std::vector<crm::BusinessKey>
        reversed_apart; ///< originals whose points are reversed from their own receipt
    std::vector<crm::LedgerEntry> ledger;
    std::optional<Hold> hold; ///< consumed
    std::optional<TransactionKey> voids;
    std::optional<Money> receipt_total; ///< when it is not the transaction's
};

struct LentUnder {
    Lent lent;
    RightsHolder holder;
};

/// Who wants to spend points, and what these would pay.
struct Redeemer {
    HeldProfile profile;
    Money amount;
};

struct Desk::Impl {
    Impl(DeskOptions desk_options, Storage& desk_storage, Random& desk_random)
        : options(std::move(desk_options)), storage(desk_storage), random(desk_random) {}

    // desk.cpp
    Status take_up(DeskMemory memory);
    void use_settings(const std::optional<crm::StoreSettings>& settings);
    [[nodiscard]] TransactionKey key_of(const TransactionName& name, Time now) const;
    [[nodiscard]] bool is_stale(Time now) const;
    [[nodiscard]] crm::BusinessKey business_key(const TransactionKey& key) const {
        return {options.store, options.workstation, key.day, key.number};
    }

    // open_transactions.cpp
    Result<OpenTransaction*> opened(const TransactionName& name, Time now);
    Result<const OpenTransaction*> begin(const Begin& request, Time now);
    Status make_room();
    Result<BasketView> set_basket(OpenTransaction& open, std::vector<crm::LineItem> lines,
                                  std::optional<Money> total, Time now);
    Result<TenderView> add_tender(OpenTransaction& open, crm::Tender tender) const;
    Status suspend(OpenTransaction& open);
    Status cancel(OpenTransaction& open, Time now);
    void forget(const TransactionKey& key);
    [[nodiscard]] crm::RetailTransaction as_transaction(const OpenTransaction& open) const;

    // customers.cpp
    Result<crm::Identifier> parse(const Presented& presented, Time now) const;
    [[nodiscard]] std::optional<IdentifierHash> hash_of(const crm::Identifier& identifier) const;
    Result<std::optional<HeldProfile>> held(const crm::Identifier& identifier);
    Result<CustomerView> view(const HeldProfile& profile, Time now, const OpenTransaction* open);
    Result<CustomerView> identify(OpenTransaction& open, const Presented& presented, Time now);
    Status forget_customer(OpenTransaction& open, Time now);
    Result<EventId> join(const JoinDocument& document, Time now);
    Result<std::vector<CustomerView>> search(std::string_view typed, Time now);
    Result<std::vector<TransactionKey>> feed_applied(std::span<const ProfileId> changed,
                                                     bool settings_changed, Time now);

    // offers.cpp
    Result<std::vector<OfferView>> offers_of(const HeldProfile& profile, const OpenTransaction& open,
                                             Time now);
    Result<std::vector<OfferView>> offers(const OpenTransaction& open, Time now);
    Result<std::vector<crm::OfferEffect>> apply_offer(OpenTransaction& open, OfferId id, Time now);
    Result<std::vector<crm::LineItem>> lines_with_categories(const OpenTransaction& open);
    Status check_offers(const Capture& capture, const OpenTransaction* open) const;

    // points.cpp
    [[nodiscard]] Points available(const HeldProfile& profile, Time now, const Hold* apart = nullptr) const;
    [[nodiscard]] Points on_hold(ProfileId profile, Time now, const Hold* apart = nullptr) const;
    [[nodiscard]] Points below_cap(const HeldProfile& profile, Time now) const;
    Result<Redeemer> redeemer_of(const OpenTransaction& open, Points points, Time now);
    Hold new_hold(const OpenTransaction& open, const Redeemer& redeemer, Points points, Time now);
    Result<HoldView> redeem(OpenTransaction& open, Points points, Time now);
    Status release(OpenTransaction& open, Time now);
    Status take_hold(Capture& capture) const;
    Status book_points(Capture& capture) const;

    // rights.cpp
    [[nodiscard]] bool is_lead() const;
    [[nodiscard]] sync::OnHold held_now(RightsHolder own) const;
    void server_seen(const ServerSeen& now_seen);
    [[nodiscard]] Points usable(const std::optional<crm::RightUse>& right, Time now) const;
    Result<Points> own_right(const OpenTransaction& open, Time now);
    Result<HoldView> take_own_right(OpenTransaction& open, const Redeemer& redeemer, Points points, Time now);
    Result<RedeemQuestion> prepare_redeem(OpenTransaction& open, Points points, AskedOf asked, Time now);
    OpenTransaction* answered(const TransactionName& name, const RedeemQuestion& question, Time now);
    Result<HoldView> hold_granted(const TransactionName& name, const RedeemQuestion& question,
                                  RightsHolder lender, Time now);
    Status hold_refused(const TransactionName& name, const RedeemQuestion& question, Time now);
    Status hold_unanswered(const TransactionName& name, const RedeemQuestion& question, Time now);
    Status give_back(const Hold& hold, Time now);
    void let_go(const Hold& hold, Time now);
    Status record_return(const sync::RightReturned& returned, std::optional<HoldId> released,
                         std::optional<RightMove> move, Time now);
    Result<bool> return_rights(Time now);
    Result<sync::ReserveAnswer> lend(const sync::Reserve& asked, Time now);
    [[nodiscard]] std::vector<sync::Reserve> unsettled() const;
    Status settled(HoldId id, const sync::ReserveAnswer& answer, Time now);
    [[nodiscard]] Duration lapse_of(const Hold& hold) const;
    Result<bool> tidy(Time now);

    // returns.cpp
    Status take_back(Capture& capture);
    Status take_back(Capture& capture, const crm::BusinessKey& original);
    Result<bool> may_reverse(Capture& capture, const StoredTransaction& original);
    Result<Points> points_back(const StoredTransaction& original,
                               const std::vector<crm::LineItem>& lines) const;

    // complete.cpp, post_void.cpp
    Result<Receipt> complete(const SaleDocument& document, Time now);
    Result<std::optional<StoredTransaction>> find_over_midnight(const SaleDocument& document, Time now);
    Result<Draft> draft_of(const SaleDocument& document, const TransactionKey& key, DraftSources sources,
                           Time now) const;
    Result<Capture> prepare(Draft draft, const OpenTransaction* transaction);
    Result<Receipt> record(Capture capture, Time now);
    Result<Receipt> receipt_of(StoredTransaction stored, bool repeated, Time now);
    Result<Receipt> post_void(const Void& request, Time now);

    DeskOptions options;
    Storage& storage;
    Random& random;

    crm::IdentifierRules rules;
    crm::LoyaltyRules loyalty;
    std::optional<Key256> identifier_key; ///< without it nobody can be recognised yet
    sync::Hlc hlc;
    ServerSeen seen;
    EventSeq last_captured;
    std::map<TransactionKey, OpenTransaction> open;
    std::set<TransactionKey> suspended; ///< with a copy in the storage
    std::unordered_map<HoldId, Hold> holds;

    crm::OfflinePoints offline_points{crm::OfflinePoints::escrow};
    crm::LeadTill lead;
    std::optional<Time> heard;      ///< the server's last answer
    std::optional<Time> heard_kept; ///< … as the storage has it
    std::set<HoldId> under_way;     ///< asked for, and the answer may still come
    std::unordered_map<HoldId, LentUnder> lent;
};

} // namespace mudi::till
