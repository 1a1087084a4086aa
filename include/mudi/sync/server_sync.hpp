#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <mudi/base/random.hpp>
#include <mudi/base/time.hpp>
#include <mudi/sync/event.hpp>
#include <mudi/sync/reserve.hpp>

namespace mudi::sync {

/// Names one request until it is replied to; given by the driver.
using RequestToken = std::uint64_t;
/// Names one connection; never used again within a process. 0: none.
using PipeId = std::uint64_t;

/// How far the server has one life of a till, durably. hwm = longest contiguous prefix.
struct HighWater {
    EventSeq seq;  ///< 0: nothing yet
    Bits128 chain; ///< chain value at `seq`

    friend bool operator==(const HighWater&, const HighWater&) = default;
};

/// What the server says of one life of a till.
struct Standing {
    HighWater mark;
    EventSeq safe;          ///< up to here a verified backup has it too
    std::int64_t arrival{}; ///< arrival number of the event at `mark`; 0: unknown

    friend bool operator==(const Standing&, const Standing&) = default;
};

/// One start of a server on its database: a history of its own, told from any that goes on from a backup.
/// Cursors of an earlier generation hold up to where the next one began.
struct GenerationStart {
    std::uint64_t generation{};   ///< drawn at random, not 0
    std::int64_t first_version{}; ///< newest feed version, over all buckets, when it began

    friend bool operator==(const GenerationStart&, const GenerationStart&) = default;
};
/// Oldest first; the last one is the current. Not empty.
using Lineage = std::vector<GenerationStart>;
/// The version from which the bucket's changes carry on what `cursor` has; empty when the cursor is of an
/// unknown generation, or has versions that were lost with a restore, so that the copies have to be compared.
std::optional<std::int64_t> carried_on(const Lineage& lineage, const FeedCursor& cursor);

struct TillHello {
    TillId till;
    StoreId store;
    WorkstationId workstation;
    Incarnation incarnation;
    EventSeq last;
    Time wall; ///< the till's clock when it said hello
    std::uint32_t schema{};
    EventSeq acked; ///< what it believes the server has, of ack_generation
    std::uint64_t ack_generation{};
    FeedCursor cursor;
    std::string version{};             ///< of the till's program, for the status page
    std::string certificate_request{}; ///< PEM; the till wants its certificate renewed
    RightsHolder holder{};             ///< its present memory of rights; 0: keeps none
    Bits128 machine{};                 ///< hash of what names the machine; zero: unknown
    std::string lead_url{};            ///< where it would serve its neighbours; empty: nowhere
    OnHold on_hold{OnHold::not_said};
};

/// The proof that a hello comes from the till it names: a signature, with the key of its certificate, over a
/// text that contains a challenge drawn for this very connection.
struct Credentials {
    std::string signed_text;
    std::string signature;
    Time challenged{}; ///< when the challenge was drawn: the hello was composed after it
};

/// A decoded push: dense seqs, at least one event.
struct PushedBatch {
    TillId till;
    Incarnation incarnation;
    Bits128 chain_before; ///< chain value before the first event, as the till has it
    std::vector<Event> events;
};

/// What to do with a batch, decided against the stored high-water mark inside the same transaction that
/// stores it. Pure.
struct AppendPlan {
    enum class Verdict : std::uint8_t { append, nothing_new, gap, fork } verdict{Verdict::append};
    std::size_t first{};         ///< index of the first event to insert
    HighWater after;             ///< the mark after inserting them
    std::vector<Bits128> chains; ///< chain value of each event to insert, from `first`
};
/// `overlap_chain` is the stored chain value at the newest seq that the batch repeats (empty when it repeats
/// nothing, or when that row is not stored any more).
AppendPlan plan_append(const HighWater& mark, const PushedBatch& batch, std::optional<Bits128> overlap_chain);

namespace server_in {
struct Request {
    RequestToken token{};
    PipeId pipe{};
    std::string frame;
};
/// Answer to LookUpTill.
struct TillKnown {
    RequestToken token{};
    Result<Standing> standing; ///< an error refuses the till (till.unknown, till.revoked, till.signature, …)
    std::string certificate;   ///< PEM, when a new one was asked for and made
};
/// Answer to Store, after the commit is durable.
struct Stored {
    RequestToken token{};
    /// sync.fork (conflict), sync.gap (invalid), db errors (busy, io): told to the till
    Result<Standing> standing;
};
struct FeedPage {
    std::vector<FeedRow> rows; ///< version order, all > after
    std::int64_t newest{};     ///< newest version of the bucket at reading
    std::int64_t horizon{};    ///< tombstones up to here are forgotten: a cursor before it must compare
};
/// Answer to ReadFeed.
struct FeedRead {
    RequestToken token{};
    Result<FeedPage> page;
};
/// Answer to ReadManifest: the bucket as it stood at `version` (a moment ago will do).
struct ManifestRead {
    RequestToken token{};
    Result<Manifest> manifest;
    std::int64_t version{};
};
/// Answer to ReadPart: every row of the part as it stands, key order, no tombstones.
struct PartRead {
    RequestToken token{};
    Result<std::vector<FeedRow>> rows;
};
/// Answer to Reserve, after the commit is durable.
struct Reserved {
    RequestToken token{};
    Result<ReserveAnswer> answer;
};
/// The bucket of this store has new rows.
struct FeedChanged {
    StoreId store;
    std::int64_t newest{};
};
/// The other side went away: forget the token.
struct Gone {
    RequestToken token{};
};
/// The connection is no more.
struct PipeGone {
    PipeId pipe{};
};
/// From now on this till is nobody: its connections are cut.
struct Revoked {
    TillId till;
};
struct Tick {};
} // namespace server_in
using ServerInput =
    std::variant<server_in::Request, server_in::TillKnown, server_in::Stored, server_in::FeedRead,
                 server_in::ManifestRead, server_in::PartRead, server_in::Reserved, server_in::FeedChanged,
                 server_in::Gone, server_in::PipeGone, server_in::Revoked, server_in::Tick>;

namespace server_out {
struct Reply {
    RequestToken token{};
    std::string frame;
};
/// Is it who it says, may it come, and where does it stand? `credentials` is empty under Access::open only.
struct LookUpTill {
    RequestToken token{};
    TillHello hello;
    std::optional<Credentials> credentials;
};
/// Answered with Stored, also when nobody waits for it any more: it counts as under way until then.
struct Store {
    RequestToken token{};
    PushedBatch batch;
    std::size_t bytes{}; ///< size of the frame, for metrics
};
struct ReadFeed {
    RequestToken token{};
    TillId till;
    StoreId store;
    std::int64_t after{};
    std::size_t bytes_max{};
};
struct ReadManifest {
    RequestToken token{};
    TillId till;
    StoreId store;
};
struct ReadPart {
    RequestToken token{};
    TillId till;
    StoreId store;
    std::uint32_t parts{}; ///< a power of two, 1..parts_max
    std::uint32_t part{};  ///< < parts
};
/// Durable before it is answered; answered also when nobody waits for it any more.
struct Reserve {
    RequestToken token{};
    sync::Reserve asked;
};
struct ClosePipe {
    PipeId pipe{};
};
struct SetTimer {
    MonoTime at;
};
struct Report {
    std::string_view event;
    TillId till;
    std::string detail;
};
} // namespace server_out
using ServerAction =
    std::variant<server_out::Reply, server_out::LookUpTill, server_out::Store, server_out::ReadFeed,
                 server_out::ReadManifest, server_out::ReadPart, server_out::Reserve, server_out::ClosePipe,
                 server_out::SetTimer, server_out::Report>;

/// Whom a server listens to.
enum class Access : std::uint8_t {
    enrolled, ///< tills that prove who they are; everything else of a connection is refused until they did
    open,     ///< any till may come (trials on one machine)
};

struct ServerLimits {
    std::size_t events_per_push_max{500};
    std::size_t batch_bytes_max{2 * 1024 * 1024}; ///< unpacked
    Duration pull_wait_max{std::chrono::seconds{25}};
    std::size_t pull_bytes_max{1024 * 1024};
    std::size_t waiting_pulls_max{20'000};
    std::size_t stores_under_way_max{1024}; ///< pushes beyond are told to come again
    std::size_t pipes_max{50'000};
};

/// Sans-IO server side of the same conversation. Every request is answered exactly once (Reply) unless Gone
/// or of a pipe that is gone. A frame that cannot be read is answered with a refusal, never dropped silently.
///
/// Who speaks: a hello proves its till for the pipe it came on, and everything else on that pipe is taken for
/// that till only (till.not_greeted, till.other otherwise, both denied).
class ServerSync {
public:
    ServerSync(Lineage lineage, Access access, ServerLimits limits, Random& random);
    ServerSync(const ServerSync&) = delete;
    ServerSync& operator=(const ServerSync&) = delete;
    ~ServerSync();

    void step(MonoTime now, Time wall, const ServerInput& input, std::vector<ServerAction>& out);

    [[nodiscard]] std::size_t waiting_pulls() const;
    /// Connections on which this till has proved itself: two are a clone, or a half-open one.
    [[nodiscard]] std::size_t pipes_of(TillId till) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace mudi::sync
