#include "node_clock.hpp"

#include <algorithm>

namespace mudi::sim {
namespace {

constexpr std::int64_t million = 1'000'000;
/// A steady clock does not begin at 0, and its zero means nothing.
constexpr std::int64_t mono_begins_ms = 5'000'000;
constexpr std::int64_t hour_ms = 3'600'000;
constexpr std::int64_t year_ms = 365 * 24 * hour_ms;

std::int64_t drifted(std::int64_t ms, std::int64_t ppm) { return ms + ms * ppm / million; }

} // namespace

MonoTime NodeClock::mono() const {
    return MonoTime{
        Duration{mono_begins_ms + drifted(timeline_.now_ms() - slept_ms_, faults_.drift_ppm) + booted_ms_}};
}

std::int64_t NodeClock::until_ms(MonoTime at) const {
    const std::int64_t wait = std::max<std::int64_t>((at - mono()).count(), 0);
    // One more than asked: a timer that goes off early would only be set again.
    return wait - wait * faults_.drift_ppm / million + 1;
}

Duration NodeClock::wall_ahead() const {
    std::int64_t ahead =
        drifted(timeline_.now_ms(), faults_.drift_ppm) - timeline_.now_ms() + faults_.offset_ms + stepped_ms_;
    if (faults_.swing_ms != 0) {
        const std::int64_t at = timeline_.now_ms() % faults_.swing_every_ms;
        const std::int64_t half = faults_.swing_every_ms / 2;
        ahead += faults_.swing_ms * (at < half ? at : faults_.swing_every_ms - at) /
                 std::max<std::int64_t>(half, 1);
    }
    return Duration{ahead};
}

Time NodeClock::wall() const { return time_from_ms(world_begins_ms + timeline_.true_ms()) + wall_ahead(); }

void NodeClock::set(const ClockFaults& faults) {
    // The steady clock goes on from where it stands.
    const MonoTime before = mono();
    faults_ = faults;
    booted_ms_ += (before - mono()).count();
}

ClockFaults draw_clock_faults(Random& random) {
    ClockFaults faults;
    faults.drift_ppm = static_cast<std::int64_t>(random.below(401)) - 200;
    switch (random.below(5)) {
    case 0: break;
    case 1: // set by hand
        faults.offset_ms = static_cast<std::int64_t>(random.below(120 * 60'000)) - 60 * 60'000;
        break;
    case 2:
        faults.swing_ms = 1 + static_cast<std::int64_t>(random.below(20 * 60'000));
        faults.swing_every_ms = 60'000 + static_cast<std::int64_t>(random.below(hour_ms));
        break;
    case 3: faults.offset_ms = 10 * year_ms; break;
    case 4: faults.offset_ms = -3 * year_ms; break;
    }
    return faults;
}

} // namespace mudi::sim
