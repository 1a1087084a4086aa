#pragma once

#include <cstddef>

namespace mudi::test {

/// What this process takes from the heap while the meter lives, libraries included. A program that uses it
/// links alloc_meter.cpp, which stands in for malloc; under a sanitizer, which does so itself, nothing is
/// counted.
class AllocMeter {
public:
    AllocMeter();
    AllocMeter(const AllocMeter&) = delete;
    AllocMeter& operator=(const AllocMeter&) = delete;
    ~AllocMeter();

    /// The most that was held at one time, beyond what was held before. Bytes.
    [[nodiscard]] std::size_t peak() const;
    /// The largest single piece.
    [[nodiscard]] std::size_t largest() const;
    static bool counts();
};

} // namespace mudi::test
