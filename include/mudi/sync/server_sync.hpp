#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <mudi/base/time.hpp>
#include <mudi/sync/event.hpp>

namespace mudi::sync {

/// Names one request until it is replied to; given by the driver.
using RequestToken = std::uint64_t;

/// How far the server has one life of a till, durably. hwm = longest contiguous prefix.
struct HighWater {
    EventSeq seq;  ///< 0: nothing yet
    Bits128 chain; ///< chain value at `seq`

    friend bool operator==(const HighWater&, const HighWater&) = default;
};

struct TillHello {
    TillId till;
    StoreId store;
    WorkstationId workstation;
    Incarnation incarnation;
    EventSeq last;
    Time wall; ///< the till's clock when it said hello
    std::uint32_t schema{};
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
    std::string frame;
};
/// Answer to LookUpTill.
struct TillKnown {
    RequestToken token{};
    Result<HighWater> mark; ///< an error refuses the till (till.unknown, till.revoked, …)
};
/// Answer to Store, after the commit is durable.
struct Stored {
    RequestToken token{};
    Result<HighWater>
        mark; ///< sync.fork (conflict), sync.gap (invalid), db errors (busy, io): told to the till
};
/// Answer to ReadFeed.
struct FeedRead {
    RequestToken token{};
    Result<std::vector<FeedRow>> rows; ///< version order
    std::int64_t newest{};             ///< newest version of the bucket at reading
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
struct Tick {};
} // namespace server_in
using ServerInput =
    std::variant<server_in::Request, server_in::TillKnown, server_in::Stored, server_in::FeedRead,
                 server_in::FeedChanged, server_in::Gone, server_in::Tick>;

namespace server_out {
struct Reply {
    RequestToken token{};
    std::string frame;
};
struct LookUpTill {
    RequestToken token{};
    TillHello hello;
};
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
struct SetTimer {
    MonoTime at;
};
struct Report {
    std::string_view event;
    TillId till;
    std::string detail;
};
} // namespace server_out
using ServerAction = std::variant<server_out::Reply, server_out::LookUpTill, server_out::Store,
                                  server_out::ReadFeed, server_out::SetTimer, server_out::Report>;

struct ServerLimits {
    std::size_t events_per_push_max{500};
    std::size_t batch_bytes_max{2 * 1024 * 1024}; ///< unpacked
    Duration pull_wait_max{std::chrono::seconds{25}};
    std::size_t pull_bytes_max{1024 * 1024};
    std::size_t waiting_pulls_max{20'000};
    std::size_t stores_under_way_max{1024}; ///< pushes beyond are told to come again
};

/// Sans-IO server side of the same conversation. Every request is answered exactly once (Reply) unless Gone.
/// A frame that cannot be read is answered with a refusal, never dropped silently.
class ServerSync {
public:
    /// `generation`: of this server's database, drawn anew when it is made or restored from a backup; not 0.
    ServerSync(std::uint64_t generation, ServerLimits limits);
    ServerSync(const ServerSync&) = delete;
    ServerSync& operator=(const ServerSync&) = delete;
    ~ServerSync();

    void step(MonoTime now, Time wall, const ServerInput& input, std::vector<ServerAction>& out);

    [[nodiscard]] std::size_t waiting_pulls() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace mudi::sync
