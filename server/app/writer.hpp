#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include <mudi/base/clock.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/server/api.hpp>
#include <mudi/server/feed.hpp>
#include <mudi/sync/server_sync.hpp>

#include "post.hpp"
#include "stores.hpp"

namespace mudi::server {

/// What waits for the writer may not grow beyond this; then it is answered "busy".
struct WriterLimits {
    std::size_t pushes_max{4096};
    std::size_t push_bytes_max{std::size_t{128} * 1024 * 1024}; ///< unpacked frames that wait
    std::size_t hellos_max{20'000};
    std::size_t reserves_max{1024};
    std::size_t jobs_max{64};
    std::size_t group_pushes_max{256}; ///< in one commit
    /// In one turn: each proves a signature and commits, and the pushes wait for it.
    std::size_t group_hellos_max{16};
    std::size_t group_bytes_max{std::size_t{16} * 1024 * 1024};
    /// Accept goes before apply, but apply gets a chunk at least this often, and the offers theirs.
    Duration apply_starved_max{std::chrono::milliseconds{250}};
    Duration offers_starved_max{std::chrono::milliseconds{1000}};
};

/// Who may come, and how its certificate is renewed.
struct Admission {
    sync::Access access{sync::Access::enrolled};
    Enrolment::Verify verify;
    SignTill sign; ///< empty: no certificate is renewed
};

/// The one thread that writes: group commit of all pushes that wait, then the API's jobs, then apply, then
/// offers. Questions for points are answered between any two of these: a customer waits. Results go to the
/// loop thread through `post`.
class Writer {
public:
    struct Events {
        std::function<void(sync::server_in::TillKnown)> greeted;
        std::function<void(sync::server_in::Stored)> stored;
        std::function<void(sync::server_in::Reserved)> reserved;
        std::function<void(std::vector<FeedMoved>)> moved;
        /// These tills have to say hello again before points that were set aside can be free.
        std::function<void(std::vector<TillId>)> awaited;
        /// The database was away and is back. Nothing is written any more: a start begins a history of its
        /// own, so the process has to be started anew.
        std::function<void()> database_back;
    };
    struct Options {
        Admission admission;
        std::string program; ///< its version: what was not understood before an upgrade is tried again
        /// Asked while the database is away: can it be reached again?
        std::function<Status()> reachable;
        WriterLimits limits;
        std::filesystem::path witness{}; ///< rights_witness.hpp; empty: none is kept
    };

    Writer(std::unique_ptr<Stores> stores, const Clock& clock, Post post, Events events, Options options);
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    /// Ends the thread after the transaction under way; what waits is dropped unanswered (the tills send it
    /// again).
    ~Writer();

    /// From the loop thread; false when too many wait.
    bool greet(sync::RequestToken token, sync::TillHello hello, std::optional<sync::Credentials> credentials);
    bool push(sync::RequestToken token, sync::PushedBatch batch, std::size_t bytes);
    bool reserve(sync::RequestToken token, sync::Reserve asked);
    /// From any thread.
    bool run(std::function<void(WriteSide&)> job);

    /// Since when apply has had work and has taken none of it; empty: nothing waits. Any thread.
    [[nodiscard]] std::optional<MonoTime> apply_waits_since() const;
    /// Points spent without cover that no operator has confirmed (RightsBook::unconfirmed). Any thread.
    [[nodiscard]] Points points_unconfirmed() const { return Points{points_unconfirmed_.load()}; }

private:
    struct Hello {
        sync::RequestToken token;
        sync::TillHello hello;
        std::optional<sync::Credentials> credentials;
    };
    struct Asked {
        sync::RequestToken token;
        sync::Reserve reserve;
    };
    struct Work {
        std::vector<Hello> hellos;
        std::vector<sync::RequestToken> tokens;
        std::vector<sync::PushedBatch> batches;
        std::function<void(WriteSide&)> job;
    };

    void loop();
    std::optional<Work> wait_for_work();
    void take_pushes(Work& work);
    void do_work(Work& work);
    void greet_all(std::vector<Hello>& hellos);
    sync::server_in::TillKnown greet_one(const Hello& hello);
    Result<std::string> renewed_certificate(const sync::TillHello& hello);
    void answer_reserves();
    void refuse_reserves(const Error& error);
    std::deque<Asked> take_reserves();
    void accept(Work& work);
    void refuse(Work& work, const Error& error);
    void run_job(const std::function<void(WriteSide&)>& job);
    void background(MonoTime now);
    void apply_chunk(MonoTime now);
    void offers_chunk(MonoTime now);
    void look_for_due(MonoTime now);
    void look_after_points(MonoTime now);
    void look_at_breaches();
    void testify();
    void ask_for_hellos(const std::vector<TillId>& awaited, MonoTime now);
    void retry_after_upgrade();
    void forget_tombstones(MonoTime now);
    void set_apply_waits(bool waits, bool moved);
    void failed(std::string_view what, const Error& error);
    bool have_stores(MonoTime now);
    void tell_moved(std::vector<FeedMoved> moved);
    [[nodiscard]] MonoTime next_turn() const;

    std::unique_ptr<Stores> stores_;
    const Clock& clock_;
    Post post_;
    Events events_;
    const Options options_;
    const WriterLimits limits_;

    std::mutex mutex_; ///< guards the queues below
    std::condition_variable wake_;
    std::deque<Hello> hellos_;
    struct Push {
        sync::RequestToken token;
        sync::PushedBatch batch;
        std::size_t bytes;
    };
    std::deque<Push> pushes_;
    std::size_t push_bytes_{};
    std::deque<Asked> reserves_;
    std::deque<std::function<void(WriteSide&)>> jobs_;
    bool stop_{false};
    std::atomic<std::int64_t> apply_waits_since_ms_{0}; ///< of the steady clock; 0: nothing waits
    std::atomic<std::int64_t> points_unconfirmed_{0};

    // The thread's own.
    bool apply_waits_{true};
    bool offers_wait_{true};
    bool rights_called_back_{false}; ///< who has them must hear at once
    MonoTime applied_at_{};
    MonoTime offered_at_{};
    MonoTime due_at_{};
    MonoTime points_at_{MonoTime::max()}; ///< when rights are looked at
    std::int64_t testified_{-1};
    struct HelloAsked {
        MonoTime next;
        Duration pause;
    };
    std::unordered_map<TillId, HelloAsked> asked_for_hello_;
    MonoTime tombstones_at_{};
    bool upgrade_seen_{false};
    bool back_told_{false};
    MonoTime blocked_until_{};
    MonoTime warned_at_{};

    std::thread thread_; ///< last: starts when all else stands
};

} // namespace mudi::server
