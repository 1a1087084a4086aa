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

/// Space kept back on the till's disk for sales that would not fit any more. Called on the store's thread.
class DiskReserve {
public:
    virtual ~DiskReserve() = default;

    /// Is next to nothing left on the disk?
    [[nodiscard]] virtual bool full() = 0;
    /// Gives the disk what was kept back; false: nothing was.
    virtual bool give_back() = 0;
    /// Keeps space back, or did already; false: there is not enough for it and some more. A reserve of no
    /// size says only whether there is space again.
    virtual bool make() = 0;
};

/// Remembers, outside of the database and only as long as the machine runs, how far this till's rights to
/// spend points were used. A database that was put back from a copy does not fit it any more, and is not
/// trusted with what its original may have spent. Called on the store's thread.
class RightsWitness {
public:
    struct Seen {
        RightsHolder holder;
        std::int64_t tick{};

        friend bool operator==(const Seen&, const Seen&) = default;
    };
    virtual ~RightsWitness() = default;

    /// Empty: nothing is known.
    virtual std::optional<Seen> read() = 0;
    /// When it fails, nothing is known from then on.
    virtual void write(const Seen& seen) = 0;
};

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
    std::string vfs{};             ///< db::Options::vfs
    Bits128 machine{};             ///< hash of what names the machine; zero: unknown
    std::string program_version{}; ///< when it changes, feed rows kept raw are looked at again
    std::string lead_url{};        ///< where this till would serve its neighbours; empty: nowhere
    /// A sale dirties some seven pages of the log: a checkpoint, with its three fsyncs, comes every 300 or
    /// so.
    int log_pages_max{2000};
    DiskReserve* reserve{nullptr}; ///< outlives the store; none: nothing is kept back
    /// Outlives the store; none: every start is a new memory of rights.
    RightsWitness* witness{nullptr};
};

struct OutboxLimits {
    std::size_t events_max{500};
    std::size_t bytes_max{1024 * 1024}; ///< of bodies; one event is given even when it is larger
};

/// Changes that follow on the cursor as it stands, or none and the place where a comparison has led.
struct FeedBatch {
    std::vector<sync::FeedRow> rows;
    sync::FeedCursor cursor;
    bool complete{false};
};

struct FeedOutcome {
    std::vector<ProfileId> changed; ///< arrived, changed or gone
    bool settings_changed{false};
    std::size_t skipped{}; ///< rows of unknown kind or unreadable, kept as they came: worth a log line
};

/// How far the till has gone to have room for sales on a full disk. Each step includes those before it; the
/// sale itself is never given up.
enum class Pressure : std::uint8_t {
    none,
    caches, ///< nothing new of the feed is taken; what of it was not used lately goes
    outbox, ///< safe events go as early as they may
    extras, ///< whatever is no sale is refused
};
std::string_view to_string(Pressure pressure); ///< "none", "caches", "outbox", "extras"

/// What a call of relieve() did.
struct Relief {
    Pressure pressure{Pressure::none};
    std::int64_t dropped{}; ///< rows; more than 0: call again soon
    /// There is space again and rows of the feed went meanwhile: go on with a TillSync made anew of state().
    bool resume{false};
};

/// Events stay at least so long, however safe they are and however full the disk.
inline constexpr Duration events_kept_min{std::chrono::hours{24 * 35}};

/// All cheap: kept in memory.
struct StoreCounts {
    std::int64_t captured{}; ///< events of this life
    std::int64_t acked{};
    std::int64_t unsent{}; ///< captured, not acknowledged
    std::int64_t safe{};   ///< a verified backup of the server has them too
    std::int64_t unsafe{}; ///< acknowledged, not safe
    std::int64_t lives{1}; ///< this one included
    std::int64_t profiles{};
    std::int64_t offers_held{};
    std::int64_t products{};
    std::int64_t raw_rows{}; ///< of the feed, that this program cannot read
    std::int64_t commits{};  ///< durable commits since opened
    Points rights_held;      ///< that this till may spend or lend while the server is away, of all customers
    std::optional<Time> rights_since{}; ///< when this memory of rights began, to the minute
    Pressure pressure{Pressure::none};
};

/// The side of the database that the driver of TillSync uses. While the disk is full, compare(),
/// apply_feed() and apply_part() answer till.disk_pressure (unavailable).
class Replica {
public:
    virtual ~Replica() = default;

    [[nodiscard]] virtual sync::TillState state() const = 0;
    /// Events after `after`, oldest first, with the chain value at `after`. outbox.pruned (not_found):
    /// `after` lies before what is kept; begin a new life.
    virtual Result<sync::till_in::OutboxRead> read_outbox(EventSeq after, const OutboxLimits& limits) = 0;
    /// No fsync: losing it costs a repeat. Both may go back (a server restored from a backup). outbox.ack
    /// (invalid): there is no such event.
    virtual Status save_ack(const sync::till_out::SaveAck& ack) = 0;
    /// Rows and cursor in one transaction, without fsync: losing it costs a repeat. A row that cannot be read
    /// is kept as it came and counted; what was known of the same key goes on serving. feed.cut
    /// (unavailable): rows were dropped since the last comparison; see Relief::resume.
    virtual Result<FeedOutcome> apply_feed(const FeedBatch& batch) = 0;
    /// The parts of which the copy here differs, that of the settings first. Rights known here may be of a
    /// history that the server lost: a new memory of them begins (TillState::holder).
    virtual Result<std::vector<std::uint32_t>> compare(const sync::Manifest& manifest) = 0;
    /// Puts the rows and forgets what else lies in the part; otherwise as apply_feed. feed.part (invalid): no
    /// such part.
    virtual Result<FeedOutcome> apply_part(const sync::till_out::ApplyPart& part) = 0;
    /// Renumbers everything kept into a new incarnation from 1; event ids stay. Durable. Whoever has the same
    /// history has the same rights: a new memory of them begins.
    virtual Result<sync::till_in::LifeBegun> begin_new_life() = 0;
    /// Forgets events that are acknowledged, safe and captured before `before`, with their rows; in steps of
    /// at most 500 per call. Gives how many went. The newest safe one always stays.
    virtual Result<std::int64_t> prune(Time before) = 0;
    /// One step down the ladder of Pressure, or back from it. To be called every minute, every few seconds
    /// while there is pressure.
    virtual Result<Relief> relieve(Time now) = 0;
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
