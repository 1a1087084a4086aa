#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
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
    std::size_t jobs_max{64};
    std::size_t group_pushes_max{256}; ///< in one commit
    std::size_t group_bytes_max{std::size_t{16} * 1024 * 1024};
    /// Accept goes before apply, but apply gets a chunk at least this often, and the offers theirs.
    Duration apply_starved_max{std::chrono::milliseconds{250}};
    Duration offers_starved_max{std::chrono::milliseconds{1000}};
};

/// The one thread that writes: group commit of all pushes that wait, then the API's jobs, then apply, then
/// offers. Results go to the loop thread through `post`.
class Writer {
public:
    struct Events {
        std::function<void(sync::RequestToken, Result<sync::HighWater>)> greeted;
        std::function<void(sync::RequestToken, Result<sync::HighWater>)> stored;
        std::function<void(std::vector<FeedMoved>)> moved;
    };
    /// Opens the stores anew after the database went away.
    using Reopen = std::function<Result<std::unique_ptr<Stores>>()>;

    Writer(std::unique_ptr<Stores> stores, Reopen reopen, const Clock& clock, Post post, Events events,
           WriterLimits limits = {});
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    /// Ends the thread after the transaction under way; what waits is dropped unanswered (the tills send it
    /// again).
    ~Writer();

    /// From the loop thread; false when too many wait.
    bool greet(sync::RequestToken token, sync::TillHello hello);
    bool push(sync::RequestToken token, sync::PushedBatch batch, std::size_t bytes);
    bool run(std::function<void(WriteSide&)> job);

private:
    struct Hello {
        sync::RequestToken token;
        sync::TillHello hello;
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
    void accept(Work& work);
    void refuse(Work& work, const Error& error);
    void run_job(const std::function<void(WriteSide&)>& job);
    void background(MonoTime now);
    void apply_chunk(MonoTime now);
    void offers_chunk(MonoTime now);
    void look_for_due(MonoTime now);
    void failed(std::string_view what, const Error& error);
    bool have_stores(MonoTime now);
    void tell_moved(std::vector<FeedMoved> moved);
    [[nodiscard]] MonoTime next_turn() const;

    std::unique_ptr<Stores> stores_;
    Reopen reopen_;
    const Clock& clock_;
    Post post_;
    Events events_;
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
    std::deque<std::function<void(WriteSide&)>> jobs_;
    bool stop_{false};

    // The thread's own.
    bool apply_waits_{true};
    bool offers_wait_{true};
    MonoTime applied_at_{};
    MonoTime offered_at_{};
    MonoTime due_at_{};
    MonoTime blocked_until_{};
    MonoTime warned_at_{};

    std::thread thread_; ///< last: starts when all else stands
};

} // namespace mudi::server
