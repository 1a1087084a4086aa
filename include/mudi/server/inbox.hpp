#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/server/feed.hpp>
#include <mudi/sync/server_sync.hpp>

namespace mudi::server {

/// Events as they came, durable before anybody is told. The only writer of its tables: one object per
/// database, on the writer's connection and thread. Every method is one transaction of its own.
class Inbox {
public:
    explicit Inbox(db::Connection& writer);
    Inbox(const Inbox&) = delete;
    Inbox& operator=(const Inbox&) = delete;
    ~Inbox();

    /// Notes the till, its life, what its hello says of itself and how far its clock stands ahead, and tells
    /// the books of rights (RightsBook::heard); the first till of a store opens the store's bucket and makes
    /// the profiles dirty that may belong into it (OfferRefresh). Whether it may come is asked before
    /// (Enrolment::check); id 0 is the server's own and refused: till.reserved (denied).
    /// `asked`: see RightsBook::heard.
    Result<sync::Standing> register_till(const sync::TillHello& hello, Time now,
                                         std::optional<Time> asked = {});

    /// Buckets that got rows by hellos since this was last asked: who leads a store, and where it listens.
    std::vector<FeedMoved> take_moved();

    /// Group commit: all batches in one durable transaction. The outer error (db.*) means that nothing was
    /// stored. The inner results stand in the order of the batches; a refused batch does not touch the
    /// others: sync.fork (conflict), sync.gap (invalid), till.unknown (not_found: no hello before).
    Result<std::vector<Result<sync::Standing>>> append(std::span<const sync::PushedBatch> batches, Time now);

    /// The server's own events (imports), under till 0. `seq` and `hlc` of the events are given here.
    Result<sync::Standing> append_own(std::vector<sync::Event> events, Time now);

    /// {0, zero} for a life that was never heard of.
    Result<sync::HighWater> high_water(TillId till, Incarnation incarnation);
    /// The same with what is safe of it.
    Result<sync::Standing> standing(TillId till, Incarnation incarnation);

    /// The newest hybrid logical clock since this object was made: of what came, but never more than
    /// Hlc::ahead_max ahead of the server's clock.
    [[nodiscard]] std::int64_t hlc() const;

    /// Somebody else wrote into its tables (Backups does so and says it).
    void forget();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace mudi::server
