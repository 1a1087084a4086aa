#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/hash.hpp>
#include <mudi/base/random.hpp>
#include <mudi/sync/till_sync.hpp>
#include <mudi/till/storage.hpp>

namespace mudi::till {

/// A till's database: sales, outbox, profile slices, one SQLite file. Names, card numbers and phones lie in
/// it only sealed with the till's data key, or as keyed hashes. One thread owns it.
struct StoreOptions {
    std::string path; ///< a file, or ":memory:"
    TillId till;
    StoreId store;
    WorkstationId workstation;
    Key256 data_key; ///< from a file of mode 0600; the same one for the life of the database
    db::Durability durability{db::Durability::full};
    int cache_kib{2048};
};

struct OutboxLimits {
    std::size_t events_max{500};
    std::size_t bytes_max{1024 * 1024}; ///< of bodies; one event is given even when it is larger
};

struct FeedBatch {
    std::vector<sync::FeedRow> rows;
    sync::FeedCursor cursor;
    bool replace{false};
    bool complete{false};
    /// When the server says so: the rows contain all of this till's events up to here. Without it a profile
    /// slice is taken to contain what was acknowledged before it arrived.
    std::optional<EventSeq> applied;
};

struct FeedOutcome {
    std::vector<ProfileId> changed; ///< arrived, changed or gone; without those of a sweep
    bool settings_changed{false};
    std::size_t skipped{}; ///< rows of unknown kind or unreadable: worth a log line
};

/// All cheap: kept in memory.
struct StoreCounts {
    std::int64_t captured{}; ///< events of this life
    std::int64_t acked{};
    std::int64_t unsent{};
    std::int64_t profiles{};
    std::int64_t offers_held{};
    std::int64_t products{};
    std::int64_t commits{}; ///< durable commits since opened
};

/// The side of the database that the driver of TillSync uses.
class Replica {
public:
    virtual ~Replica() = default;

    [[nodiscard]] virtual sync::TillState state() const = 0;
    /// Events after `after`, oldest first, with the chain value at `after`. outbox.pruned (not_found):
    /// `after` lies before what is kept; begin a new life.
    virtual Result<sync::till_in::OutboxRead> read_outbox(EventSeq after, const OutboxLimits& limits) = 0;
    /// No fsync: losing it costs a repeat. May go back (a server restored from a backup).
    virtual Status save_ack(EventSeq acked, std::uint64_t generation) = 0;
    /// Rows and cursor in one transaction, without fsync: losing it costs a repeat. A row that cannot be read
    /// is skipped and counted.
    virtual Result<FeedOutcome> apply_feed(const FeedBatch& batch) = 0;
    /// Renumbers everything kept into a new incarnation from 1; event ids stay. Durable.
    virtual Result<sync::till_in::LifeBegun> begin_new_life() = 0;
    /// Forgets acknowledged events captured before `before`, with their rows; in steps of at most 500 per
    /// call. Gives how many went. The newest acknowledged event always stays.
    virtual Result<std::int64_t> prune(Time before) = 0;
    [[nodiscard]] virtual StoreCounts counts() const = 0;
};

class Store {
public:
    /// Makes the database or takes up an existing one. till.other_identity (conflict: it belongs to another
    /// till), till.wrong_key (denied), db.newer_schema, db.corrupt (corrupt), db.open, db.full, db.io (io).
    static Result<std::unique_ptr<Store>> open(const StoreOptions& options, Random& random);
    virtual ~Store() = default;

    virtual Storage& storage() = 0;
    virtual Replica& replica() = 0;
    [[nodiscard]] virtual std::int64_t size_bytes() const = 0;
};

} // namespace mudi::till
