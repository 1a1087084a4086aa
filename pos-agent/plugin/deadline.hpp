#pragma once

#include <algorithm>
#include <chrono>

#include <mudi/base/time.hpp>
#include <mudi/pos.h>

namespace mudi::pos {

/// The moment at which a call of the host must have returned, however many steps it takes.
class Deadline {
public:
    explicit Deadline(int timeout_ms) : at_(std::chrono::steady_clock::now() + Duration{timeout_ms}) {}
    /// 0 when passed.
    [[nodiscard]] Duration left() const {
        const auto left = std::chrono::ceil<Duration>(at_ - std::chrono::steady_clock::now());
        return std::max(left, Duration{0});
    }

private:
    std::chrono::steady_clock::time_point at_;
};

/// What the host asked for, else the configured one, within what we allow.
inline int timeout_within_limits(int asked_ms, int configured_ms) {
    if (asked_ms <= 0) asked_ms = configured_ms > 0 ? configured_ms : MUDI_TIMEOUT_DEFAULT_MS;
    return std::min(asked_ms, MUDI_TIMEOUT_MAX_MS);
}

} // namespace mudi::pos
