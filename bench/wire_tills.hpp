#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <mudi/base/clock.hpp>
#include <mudi/base/random.hpp>
#include <mudi/sync/till_sync.hpp>
#include <mudi/sync/transport.hpp>
#include <mudi/till/store.hpp>

#include "bench/grocery.hpp"

namespace mudi::sync {
class TillKey;
}

namespace mudi::bench {

/// Jobs of a loop thread; anybody posts.
class JobQueue {
public:
    void post(std::function<void()> job);
    /// Runs what is there, or what comes before `until`; false when nothing came.
    bool run_one(MonoTime until);

private:
    std::mutex mutex_;
    std::condition_variable posted_;
    std::deque<std::function<void()>> jobs_;
};

/// Where the tills dial, and as whom. All of them show the same certificate and sign with the same key: what
/// a handshake and a signature cost does not depend on that.
struct WireServer {
    std::string url;
    sync::TlsClient tls{};
    std::string key_pem{}; ///< empty: hellos go unsigned
    sync::Reconnect reconnect{};
};

/// Many tills on one thread: the real TillSync over the real transport, their outboxes in memory or in a
/// till's own database, their feed forgotten as it comes.
class WireTills {
public:
    explicit WireTills(WireServer server);
    WireTills(const WireTills&) = delete;
    WireTills& operator=(const WireTills&) = delete;
    ~WireTills();

    /// `outbox` may be null: a till that sells nothing. Dials at once.
    Status add(TillId till, StoreId store, WorkstationId workstation, const Outbox* outbox);
    /// The outbox on the disk, acknowledgements written down as a till does. What it has goes out after
    /// captured() only. `replica` outlives this.
    Status add(TillId till, StoreId store, WorkstationId workstation, till::Replica& replica);
    /// bench.patience (unavailable): it took longer.
    Status run_until(const std::function<bool()>& done, std::chrono::seconds patience);
    /// What the outboxes have more since.
    void captured();

    [[nodiscard]] std::size_t linked() const {
        return linked_;
    } ///< whose hello is answered on the present link
    [[nodiscard]] std::size_t pulling() const { return pulling_; } ///< that were level with the server once
    [[nodiscard]] std::int64_t acked() const;
    [[nodiscard]] std::size_t size() const { return tills_.size(); }
    /// The newest reason why the server refused somebody; empty.
    [[nodiscard]] const std::string& refusal() const { return refusal_; }

private:
    struct Till;
    Status add(sync::TillState state, const Outbox* outbox, till::Replica* replica);
    static sync::till_in::OutboxRead read(const Till& till, const sync::till_out::ReadOutbox& wanted);
    void step(Till& till, const sync::TillInput& input);
    void act(Till& till, sync::TillAction& action);
    void wake_due();

    WireServer server_;
    SystemClock clock_;
    SeededRandom random_{17};
    std::unique_ptr<sync::TillKey> key_;
    std::vector<std::unique_ptr<Till>> tills_;
    std::set<std::pair<MonoTime, std::size_t>> timers_;
    std::size_t linked_{};
    std::size_t pulling_{};
    std::string refusal_;
    JobQueue jobs_;
};

} // namespace mudi::bench
