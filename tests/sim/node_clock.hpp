#pragma once

#include <cstdint>

#include <mudi/base/clock.hpp>
#include <mudi/base/random.hpp>

#include "timeline.hpp"

namespace mudi::sim {

/// True time at the beginning of every world.
inline constexpr std::int64_t world_begins_ms = 1'795'226'400'000; // 2026-11-21T02:00:00Z

/// How one machine's clocks lie. Both tick wrong by the same rate; the wall clock is wrong on top of it.
struct ClockFaults {
    std::int64_t drift_ppm{};       ///< of both clocks
    std::int64_t offset_ms{};       ///< of the wall clock
    std::int64_t swing_ms{};        ///< it swings to and fro by so much …
    std::int64_t swing_every_ms{1}; ///< … in such a time
};

/// A machine's clocks. The steady one never goes back and stands still while the machine sleeps.
class NodeClock final : public Clock {
public:
    explicit NodeClock(const Timeline& timeline) : timeline_(timeline) {}

    [[nodiscard]] Time wall() const override;
    [[nodiscard]] MonoTime mono() const override;
    /// So long in true time until mono() has come to `at`.
    [[nodiscard]] std::int64_t until_ms(MonoTime at) const;

    void set(const ClockFaults& faults);
    void step(Duration by) { stepped_ms_ += by.count(); }
    /// The machine slept so long: its steady clock did not see it.
    void slept(std::int64_t ms) { slept_ms_ += ms; }
    /// The machine was started anew.
    void restart() { booted_ms_ += 1; }
    [[nodiscard]] Duration wall_ahead() const;

private:
    const Timeline& timeline_;
    ClockFaults faults_;
    std::int64_t stepped_ms_{};
    std::int64_t slept_ms_{};
    std::int64_t booted_ms_{};
};

/// None, or one of: linear, periodic, far off.
ClockFaults draw_clock_faults(Random& random);

} // namespace mudi::sim
