#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/id.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/crm/rights.hpp>
#include <mudi/sync/server_sync.hpp>

namespace mudi::server {

/// What the owner decided about spending points offline.
struct PointsPolicy {
    crm::OfflinePoints offline{crm::OfflinePoints::escrow};
    crm::RightsPolicy rights{{200}, {0}, {20}};

    friend bool operator==(const PointsPolicy& a, const PointsPolicy& b) {
        return a.offline == b.offline && a.rights.store_max == b.rights.store_max &&
               a.rights.till_max == b.rights.till_max && a.rights.useful_min == b.rights.useful_min;
    }
};

/// The server's books of rights to spend points: what is set aside, for whom, and what became of it. Never
/// more is given out than there is. The writer's connection and thread.
class RightsBook {
public:
    explicit RightsBook(db::Connection& writer);
    RightsBook(const RightsBook&) = delete;
    RightsBook& operator=(const RightsBook&) = delete;
    ~RightsBook();

    /// A till in reach asks for points now. One durable transaction; the same hold again gets the same
    /// answer. What a living holder has too much is called back (the profile becomes dirty: OfferRefresh
    /// tells the holder) and `again_after` is set; for wish_lasts nothing of it goes to anybody else's right.
    /// customer.unknown (not_found), points.settling (unavailable: see settle()).
    Result<sync::ReserveAnswer> reserve(const sync::Reserve& asked, Time now);
    static constexpr Duration wish_lasts{std::chrono::seconds{5}};
    /// One transaction: call at start with what the configuration says. When it is not what it was, every
    /// slice is looked at again.
    Status adopt(const PointsPolicy& policy, Time now);

    // Inside the caller's write transaction:

    /// A till said hello and has told everything up to `mark`. A memory it had before is dead. When it shows
    /// that this database was put back to an earlier state, settling begins (see settle()). `asked`: the
    /// hello was composed after that; without it, what it says of its holds is not relied on.
    Status heard(const sync::TillHello& hello, EventSeq mark, Time now, std::optional<Time> asked = {});
    /// Tops up the holders of these stores, asks back what they have beyond the policy, and gives what each
    /// has, for the slice. `records` are the profile's.
    Result<std::vector<crm::Right>> allot(ProfileId profile, std::span<const SourceRecordId> records,
                                          std::span<const StoreId> stores, const PointsPolicy& policy,
                                          Time now);

    /// Of whom a redemption's points were held: a record of the profile, as it was named then. 0: not known.
    /// `meant`: whom the till took the customer for.
    Result<SourceRecordId> held_of(const crm::LedgerEntry& entry, std::optional<ProfileId> meant);
    Result<bool> same_profile(SourceRecordId a, SourceRecordId b);
    /// What was held of `record` is spent. Once per sale, by the caller. Entries that spend nothing do
    /// nothing.
    Status redeemed(SourceRecordId record, const crm::LedgerEntry& entry, Time now);
    /// The same sale was told twice: what was held for its repeat comes back.
    Status not_redeemed(SourceRecordId record, const crm::LedgerEntry& entry, Time now);
    /// Points came back; the same event again does nothing. False then.
    Result<bool> returned(EventId event, const sync::RightReturned& returned, Time now);
    /// What was spent without cover since this was last asked.
    Points take_breached();

    /// History was lost: the next start of the server begins from a backup. Until every till that was heard
    /// in the last 35 days has told all it knows to that start or a later one and has what that one says, and
    /// nothing is on hold there any more (it says so, or an hour has passed), or six days in all, nothing is
    /// given out.
    Status settle(Time now);
    /// The same, when the start that goes on from the backup is the present one; false: it was known already.
    Result<bool> settle_now(Time now);

    /// An operator has looked at what was spent without cover: no alarm until there is more. One transaction;
    /// gives how much that was, ever.
    Result<Points> confirm_breached();
    /// What of it nobody has confirmed.
    Result<Points> unconfirmed();
    /// Grows whenever points are set aside. Less than was seen before: the database was put back to an
    /// earlier state.
    Result<std::int64_t> moves();

    /// Frees what dead holders had, and holds that were never used, where nobody can spend them any more; one
    /// transaction. Cheap: every minute. Gives the number of holders freed.
    Result<std::size_t> free_the_dead(Time now);
    /// Tills that have to say hello before something can be free again.
    Result<std::vector<TillId>> awaited(Time now);

    /// After a rollback.
    void forget();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// What is set aside now.
struct PointsSetAside {
    Points outstanding; ///< under rights of holders, dead ones included
    Points held;        ///< by the server, for tills that asked
    std::int64_t holders{};
};

/// What spending offline may cost the owner.
struct PointsExposure {
    PointsSetAside aside;
    Points breached;  ///< spent under a right that did not cover it: should be 0 for ever
    Points confirmed; ///< of these, seen by an operator
    Points overdrawn; ///< what members owe: sum of balances below zero
    bool settling{false};
    /// Under the floor limit: what could be overspent in one outage, were every member to visit every till of
    /// their stores.
    Points floor_worst;
};

/// Constructible on any connection.
class RightsReader {
public:
    explicit RightsReader(db::Connection& connection);
    RightsReader(const RightsReader&) = delete;
    RightsReader& operator=(const RightsReader&) = delete;
    ~RightsReader();

    Result<PointsSetAside> set_aside();
    /// Looks at every balance: for a page somebody asks for.
    Result<PointsExposure> exposure(Points floor_limit);
    /// Brings up to date what needs no such look: all but overdrawn and floor_worst.
    Status refresh(PointsExposure& exposure);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace mudi::server
