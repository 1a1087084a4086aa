#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include <mudi/base/time.hpp>

namespace mudi::sim {

/// True time of a simulated world and what is still to happen in it. Things of the same millisecond happen in
/// the order in which they were asked for. One thread.
class Timeline {
public:
    using What = std::function<void()>;

    [[nodiscard]] std::int64_t now_ms() const { return now_ms_; }
    /// A night or a week in which everything stood still: true time goes on, and nothing happens in it.
    void leap(std::int64_t ms) { leapt_ms_ += ms; }
    [[nodiscard]] std::int64_t leapt_ms() const { return leapt_ms_; }
    /// Of true time since the world began, nights included.
    [[nodiscard]] std::int64_t true_ms() const { return now_ms_ + leapt_ms_; }
    void after(std::int64_t wait_ms, What what) {
        heap_.push_back({now_ms_ + std::max<std::int64_t>(wait_ms, 0), ++order_, std::move(what)});
        std::push_heap(heap_.begin(), heap_.end(), later);
    }
    void after(Duration wait, What what) { after(wait.count(), std::move(what)); }

    /// Everything that is due up to `until_ms`, unless `stop` becomes true in between.
    void run(std::int64_t until_ms, const bool& stop) {
        while (!stop && !heap_.empty() && heap_.front().at_ms <= until_ms) {
            std::pop_heap(heap_.begin(), heap_.end(), later);
            Due due = std::move(heap_.back());
            heap_.pop_back();
            now_ms_ = std::max(now_ms_, due.at_ms);
            ++happened_;
            due.what();
        }
        if (!stop) now_ms_ = std::max(now_ms_, until_ms);
    }
    /// A program waits in the middle of something: time passes, the others go on afterwards.
    void pass(Duration wait) { now_ms_ += wait.count(); }

    [[nodiscard]] std::uint64_t happened() const { return happened_; }
    [[nodiscard]] std::size_t waiting() const { return heap_.size(); }

private:
    struct Due {
        std::int64_t at_ms{};
        std::uint64_t order{};
        What what;
    };
    static bool later(const Due& a, const Due& b) {
        return a.at_ms != b.at_ms ? a.at_ms > b.at_ms : a.order > b.order;
    }

    std::vector<Due> heap_;
    std::int64_t now_ms_{};
    std::int64_t leapt_ms_{};
    std::uint64_t order_{};
    std::uint64_t happened_{};
};

} // namespace mudi::sim
