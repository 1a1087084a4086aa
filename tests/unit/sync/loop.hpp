#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>

#include <mudi/sync/transport.hpp>

namespace mudi::test {

/// A loop thread without a thread: whoever calls run_until is it.
class Loop {
public:
    sync::Post post() {
        return [this](std::function<void()> what) {
            const std::lock_guard lock(mutex_);
            queue_.push_back(std::move(what));
            came_.notify_one();
        };
    }

    /// Runs what is posted until `done`; false when that takes longer than any machine should.
    bool run_until(const std::function<bool()>& done,
                   std::chrono::seconds at_most = std::chrono::seconds{30}) {
        const auto deadline = std::chrono::steady_clock::now() + at_most;
        while (!done()) {
            std::unique_lock lock(mutex_);
            if (!came_.wait_until(lock, deadline, [&] { return !queue_.empty(); })) return done();
            const std::function<void()> what = std::move(queue_.front());
            queue_.pop_front();
            lock.unlock();
            what();
        }
        return true;
    }

    /// Runs what is there already.
    void drain() {
        for (;;) {
            std::unique_lock lock(mutex_);
            if (queue_.empty()) return;
            const std::function<void()> what = std::move(queue_.front());
            queue_.pop_front();
            lock.unlock();
            what();
        }
    }

private:
    std::mutex mutex_;
    std::condition_variable came_;
    std::deque<std::function<void()>> queue_;
};

} // namespace mudi::test
