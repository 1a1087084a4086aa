#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <mudi/base/result.hpp>
#include <mudi/crm/rights.hpp>
#include <mudi/sync/event.hpp>
#include <mudi/till/values.hpp>

/// The desk's edge towards the disk: at most eight methods, each one business fact. All calls from one
/// thread.
namespace mudi::till {

/// A stable local number of a captured event: unlike its seq it never changes.
using EventRow = Id<struct EventRowTag>;

/// One movement on a member's account, as kept for the local balance.
struct LedgerRow {
    IdentifierHash member;
    ProfileId profile; ///< 0: not known here
    crm::LedgerEntry entry;
};

/// So much of a line was taken back.
struct ReturnedLine {
    std::int32_t line{};
    Quantity quantity;
    Money amount;
    Money tax;
};

/// What one transaction takes back of an earlier one of this till.
struct ReturnRow {
    EventRow original;
    std::vector<ReturnedLine> lines; ///< one per line of the original
    Points points;                   ///< reversed with it
};

/// What of a stored transaction came from the host (and so belongs to its content), not from us.
struct GivenByHost {
    bool begin{false};
    bool end{false};
    bool member{false};

    friend bool operator==(const GivenByHost&, const GivenByHost&) = default;
};

/// A sale's rows beside its event.
struct SaleRows {
    TransactionKey key;
    crm::TransactionKind kind{crm::TransactionKind::sale};
    Bits128 content_hash;
    GivenByHost given;
    bool training{false};
    Money total;
    std::optional<Points> balance; ///< as printed on the receipt
    std::vector<LedgerRow> ledger;
    std::vector<ReturnRow> returns;
    std::optional<TransactionKey> voids; ///< the transaction this one undoes; its own returns are given back
    std::optional<HoldId> hold;          ///< consumed
    bool was_suspended{false};           ///< its suspended copy goes
};

/// Moves the use of this till's own right to spend a customer's points.
struct RightMove {
    RightsHolder holder; ///< the memory that it was granted to; another one by now: see RightUsed
    ProfileId profile;
    Points points;        ///< > 0: used; < 0: not spent after all
    bool returned{false}; ///< goes back to the server
};

/// One captured event with everything that must be on the disk together with it.
struct SaleToRecord {
    sync::Event event;        ///< seq is given by the storage
    bool id_from_host{false}; ///< then the storage checks that no other event has it
    Time captured;
    std::optional<SaleRows> sale;     ///< absent: no sale, e.g. a customer who joined
    std::optional<HoldId> released{}; ///< the hold that the event gives back
    std::optional<RightMove> right{};
};

/// A transaction completed on this till, with all that later ones did to it.
struct StoredTransaction {
    EventRow row;
    EventSeq seq;
    crm::RetailTransaction transaction;
    Bits128 content_hash;
    GivenByHost given;
    std::optional<Points> balance;
    bool voided{false};
    std::vector<ReturnedLine> returned; ///< per line, summed
    Points reversed;                    ///< points taken back by returns so far
};

/// A profile slice with what this till knows beyond it.
struct HeldProfile {
    crm::ProfileSlice slice;
    Points local; ///< by how much own events move the balance, counted so that it is never overstated
    Points spent; ///< part of it: points redeemed here that the slice does not surely contain; >= 0
    std::optional<crm::RightUse> right{}; ///< this till's own
};

/// The server wants some of a right back, or the customer left the store's bucket with some of it unspent.
struct RightDue {
    ProfileId profile;
    crm::RightUse use;
};

/// Points that a neighbour may spend under this till's right.
struct Lent {
    HoldId hold;
    ProfileId profile;
    Points points;
    TillId till; ///< the neighbour
    Time at;
};

using ProfileName = std::variant<ProfileId, IdentifierHash>;

struct HoldReleased {
    HoldId id;
};
/// The open transaction as a whole, in the shape of a transaction (ledger empty).
struct Suspended {
    crm::RetailTransaction transaction;
};
struct SuspendedGone {
    TransactionKey key;
};
/// Own right was used for a hold or lent, or what was never spent is free again (together with the hold that
/// goes). right.gone (conflict): points are to be used of a memory, or of a grant, that is not there any
/// more. Giving back to a memory that is no more only forgets the hold.
struct RightUsed {
    RightMove move;
    std::optional<Hold> hold{};
    std::optional<Lent> lent{};
    std::optional<HoldId> released{};
};
/// The server answered.
struct ServerHeard {
    Time at;
};
/// Small facts beside the sales. They survive a crash of the process; a power cut may take those of the last
/// moments, but never Suspended, a right that is used, or a hold that the server is about to be asked for.
using SideFact = std::variant<Hold, HoldReleased, Suspended, SuspendedGone, RightUsed, ServerHeard>;

/// What the desk starts with.
struct DeskMemory {
    std::int64_t hlc{};
    std::optional<crm::StoreSettings> settings;
    std::vector<Hold> holds;
    std::vector<crm::RetailTransaction> suspended;
    RightsHolder holder;    ///< this till's memory of rights
    std::vector<Lent> lent; ///< under it
    std::optional<Time> server_heard;
};

class Storage {
public:
    virtual ~Storage() = default;

    /// Durable when it returns. sale.conflict (conflict: key or given event id taken), db errors (io, busy).
    /// On a full disk room is made for a sale; what is none is refused: till.disk_pressure (unavailable).
    virtual Result<EventSeq> record(const SaleToRecord& sale) = 0;
    virtual Result<std::optional<StoredTransaction>> find_transaction(const TransactionKey& key) = 0;
    virtual Result<std::optional<HeldProfile>> find_profile(const ProfileName& name) = 0;
    /// Profiles with a name of which every given key (mudi/till/name_fold.hpp) begins some part. At most
    /// `count_max`, in no promised order.
    virtual Result<std::vector<HeldProfile>> search_profiles(std::span<const std::string> keys,
                                                             std::size_t count_max) = 0;
    virtual Result<std::optional<crm::Product>> find_product(std::string_view item_id) = 0;
    virtual Status keep(const SideFact& fact) = 0;
    virtual Result<DeskMemory> load() = 0;
    /// At most `count_max`, each with something to give back.
    virtual Result<std::vector<RightDue>> rights_due(std::size_t count_max) = 0;
};

} // namespace mudi::till
