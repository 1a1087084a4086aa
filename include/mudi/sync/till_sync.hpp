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

/// Sans-IO replication of one till (shared/reference design: position = till, incarnation, seq with hash
/// chain; cumulative acks; feed pulled by (generation, version), or compared and mended part by part when
/// that position means nothing to the server). The driver feeds inputs and carries out the actions in order,
/// at once. Three channels, at most one request under way on each: `push` (hello, events), `pull` (long-poll
/// of the feed, parts) and `ask` (a question a customer waits for).
enum class Channel : std::uint8_t { push, pull, ask };

/// What the till remembers over a restart.
struct TillState {
    TillId till;
    StoreId store;
    WorkstationId workstation;
    Incarnation incarnation;
    EventSeq last;  ///< newest captured event
    EventSeq acked; ///< newest event the server has durably
    EventSeq safe;  ///< newest event a verified backup of the server has too
    std::uint64_t ack_generation{};
    FeedCursor cursor;
    std::string version{}; ///< of this program
    RightsHolder holder{}; ///< see TillHello
    Bits128 machine{};
    std::string lead_url{};
};

struct TillLimits {
    std::size_t events_per_push_max{500};
    std::size_t bytes_per_push_max{1024 * 1024};
    /// From one push of four sales or more to the next, and a quarter of it behind each sale of a smaller
    /// one; a full batch does not wait.
    Duration push_spacing{std::chrono::milliseconds{20}};
    Duration retry_min{std::chrono::milliseconds{200}};
    Duration retry_max{std::chrono::seconds{120}};
    Duration push_timeout{std::chrono::seconds{20}};
    Duration pull_wait{std::chrono::seconds{25}}; ///< the server may hold a pull so long
    Duration pull_timeout{std::chrono::seconds{40}};
    Duration ask_timeout{std::chrono::milliseconds{800}};
    std::size_t pull_bytes_max{512 * 1024};
    /// A new hello on a link that stands: brings `safe` and clock differences up to date.
    Duration hello_every{std::chrono::hours{6}};
};

namespace till_in {
struct LinkUp {};
struct LinkDown {};
/// The event is committed; `last` is its seq.
struct Captured {
    EventSeq last;
};
struct Answer {
    std::uint64_t request{};
    std::string frame;
};
/// Timed out, refused by the transport, or the link went.
struct NoAnswer {
    std::uint64_t request{};
};
/// What Sign asked for; empty: it cannot (tried again later).
struct Signed {
    std::string signature;
};
/// What ReadOutbox asked for. `chain_before` is the chain value at `after` (zero for 0). Empty = nothing
/// there.
struct OutboxRead {
    EventSeq after;
    Bits128 chain_before;
    std::vector<Event> events;
    bool failed{false}; ///< could not be read just now: asked again later
};
/// Outcome of ApplyFeed and ApplyPart.
struct FeedApplied {
    bool ok{};
};
/// Outcome of CompareManifest: the parts that differ.
struct Compared {
    std::vector<std::uint32_t> differing;
    bool failed{false};
};
/// Outcome of NewLife.
struct LifeBegun {
    Incarnation incarnation;
    EventSeq last;
};
/// A customer waits: answered by one Answered with the same `id`, within ask_timeout; at once with
/// server.unreachable (unavailable) when the link is down, server.asked (busy) when another question is under
/// way.
struct Ask {
    std::uint64_t id{};
    Reserve question;
};
/// Another memory of rights began (TillState::holder): goes up with a hello, now.
struct HolderChanged {
    RightsHolder holder;
};
/// The till's certificate is to be renewed: goes up with a hello, now.
struct Renew {
    std::string certificate_request{}; ///< PEM
};
struct Tick {};
} // namespace till_in
using TillInput =
    std::variant<till_in::LinkUp, till_in::LinkDown, till_in::Captured, till_in::Answer, till_in::NoAnswer,
                 till_in::Signed, till_in::OutboxRead, till_in::FeedApplied, till_in::Compared,
                 till_in::LifeBegun, till_in::Ask, till_in::HolderChanged, till_in::Renew, till_in::Tick>;

namespace till_out {
struct Send {
    std::uint64_t request{};
    Channel channel{Channel::push};
    std::string frame;
    Duration timeout{};
};
/// Answered with Signed in the same turn: a signature over `text` with the till's key.
struct Sign {
    std::string text;
};
/// Answered with OutboxRead in the same turn: the events after `after`, oldest first, within the limits (at
/// least one event if there is any). `after` may lie below what was acknowledged: a server restored from a
/// backup asks again.
struct ReadOutbox {
    EventSeq after;
    std::size_t events_max{};
    std::size_t bytes_max{};
};
/// Remember durably enough: losing it costs a repeat, never a sale. `acked` and `safe` may go back (a server
/// restored from a backup).
struct SaveAck {
    EventSeq acked;
    std::uint64_t generation{};
    EventSeq safe;
    std::int64_t arrival{}; ///< arrival number of the event `acked` at the server; 0: not said
};
/// Apply the rows and set the cursor in one transaction, answered with FeedApplied in the same turn. The
/// cursor is empty (generation 0) while the copy is between two states of the bucket: a server put back to
/// before the later one would carry on what never was.
struct ApplyFeed {
    std::vector<FeedRow> rows;
    FeedCursor cursor;
    bool complete{false}; ///< the till is level with the server
};
/// Answered with Compared in the same turn.
struct CompareManifest {
    Manifest manifest;
};
/// These rows are all that this part of the bucket holds: what else lies in it goes. In one transaction,
/// answered with FeedApplied in the same turn. The cursor stays.
struct ApplyPart {
    std::uint32_t parts{};
    std::uint32_t part{};
    std::vector<FeedRow> rows;
};
/// The server knows another history under this incarnation (restored image, clone): renumber everything kept
/// into a new incarnation from 1 and answer with LifeBegun. Event ids stay, so nothing counts twice.
struct NewLife {
    std::string_view why;
};
/// A new certificate for the till's key; used from the next connection on.
struct SaveCertificate {
    std::string pem;
};
struct Answered {
    std::uint64_t id{};
    Result<ReserveAnswer> answer;
};
/// Wake me with Tick no later than this.
struct SetTimer {
    MonoTime at;
};
/// Worth a log line and a place on the status page.
struct Report {
    std::string_view event; ///< "sync.level", "sync.refused", "sync.fork", "sync.compared", …
    std::string detail;
};
} // namespace till_out
using TillAction =
    std::variant<till_out::Send, till_out::Sign, till_out::ReadOutbox, till_out::SaveAck, till_out::ApplyFeed,
                 till_out::CompareManifest, till_out::ApplyPart, till_out::NewLife, till_out::SaveCertificate,
                 till_out::Answered, till_out::SetTimer, till_out::Report>;

class TillSync {
public:
    TillSync(TillState state, TillLimits limits, Random& random);
    TillSync(const TillSync&) = delete;
    TillSync& operator=(const TillSync&) = delete;
    ~TillSync();

    /// `now` never goes back; `wall` only travels to the server in the hello.
    void step(MonoTime now, Time wall, const TillInput& input, std::vector<TillAction>& out);
    /// What is on hold now: to be told before every step, for the hello that may follow of it.
    void on_hold(OnHold holds);

    [[nodiscard]] const TillState& state() const;
    [[nodiscard]] bool linked() const;         ///< the hello was answered on this link
    [[nodiscard]] std::int64_t unsent() const; ///< captured, not yet acknowledged
    [[nodiscard]] std::optional<Duration> server_clock_ahead() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace mudi::sync
