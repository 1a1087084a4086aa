#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <mudi/base/mutant.hpp>

#include "world.hpp"

namespace mudi::sim {

/// Many worlds, one after the other in each of some child processes (SQLite draws from one generator per
/// process).
struct RangeOptions {
    std::uint64_t first{1};
    std::uint64_t last{1};
    int jobs{1};
    double hours{1};
    int tills{12};
    std::optional<mutant::Bug> bug{};
    /// No new world begins in a job that has had so much time of a processor; 0: never ends early.
    std::chrono::seconds stop_after{0};
    bool progress{false}; ///< a line on standard error
};

struct RangeFailure {
    std::uint64_t seed{};
    std::string checker;
    std::string broken;
};

struct RangeResult {
    std::int64_t worlds{};
    std::int64_t simulated_ms{};
    std::int64_t busy_ms{}; ///< time of processors, of all jobs together
    std::int64_t sales{};
    std::int64_t crashes{};
    std::int64_t restores{};
    Marks marks;
    std::optional<RangeFailure> failure; ///< of the smallest seed that was seen to fail; ends the range

    [[nodiscard]] double store_hours() const { return static_cast<double>(simulated_ms) / 3'600'000; }
    /// Simulated to real time on one core.
    [[nodiscard]] double speed() const {
        return busy_ms == 0 ? 0 : static_cast<double>(simulated_ms) / static_cast<double>(busy_ms);
    }
};

RangeResult run_range(const RangeOptions& options);
/// With which the world of this seed is seen again.
std::string command_for(const RangeOptions& options, std::uint64_t seed);
/// Marks without which the green of many worlds proves nothing; those that are missing.
std::vector<std::string> missing_marks(const Marks& marks);

} // namespace mudi::sim
