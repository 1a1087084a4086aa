#pragma once

#include <cstdint>

#include <mudi/base/time.hpp>

namespace mudi::sync {

/// Hybrid logical clock (Kulkarni et al. 2014): 48 bits of milliseconds, 16 bits of counter. Never goes back,
/// stays near the wall clock; a remote stamp more than 5 minutes ahead of our wall clock is not followed.
class Hlc {
public:
    explicit Hlc(std::int64_t last = 0) : last_(last) {}

    std::int64_t next(Time wall);
    void observe(std::int64_t remote, Time wall);
    [[nodiscard]] std::int64_t last() const { return last_; }

    static constexpr Duration ahead_max{std::chrono::minutes{5}};

private:
    std::int64_t last_;
};

Time hlc_time(std::int64_t hlc);

} // namespace mudi::sync
