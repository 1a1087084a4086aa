#include <mudi/sync/hlc.hpp>

#include <algorithm>

#include <mudi/base/mutant.hpp>

namespace mudi::sync {
namespace {

constexpr int counter_bits = 16;

std::int64_t at(Time wall) { return std::max<std::int64_t>(to_ms(wall), 0) << counter_bits; }

} // namespace

std::int64_t Hlc::next(Time wall) {
    // A counter that overflows carries into the milliseconds: still rising, still near the clock.
    last_ = std::max(last_ + 1, at(wall));
    return last_;
}

void Hlc::observe(std::int64_t remote, Time wall) {
    if (remote > at(wall + ahead_max) && !mutant::planted(mutant::Bug::hlc_unbounded)) return;
    last_ = std::max(last_, remote);
}

Time hlc_time(std::int64_t hlc) { return time_from_ms(hlc >> counter_bits); }

} // namespace mudi::sync
