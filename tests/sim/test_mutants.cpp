#include <chrono>
#include <cstdio>
#include <string>

#include <catch2/catch.hpp>

#include "sim/range.hpp"

using namespace mudi;

namespace {

constexpr std::uint64_t seeds_max = 10'000;
/// Short worlds: what a bug does shows after minutes.
constexpr double hours = 0.3;
constexpr int tills = 4;

sim::RangeResult look_for(std::optional<mutant::Bug> bug, std::uint64_t last) {
    sim::RangeOptions options;
    options.last = last;
    options.hours = hours;
    options.tills = tills;
    options.jobs = 2;
    options.bug = bug;
    return run_range(options);
}

} // namespace

TEST_CASE("every planted bug is found, and nothing is found where none is planted", "[sim]") {
    std::uint64_t latest = 0;
    std::printf("%-24s %6s  %s\n", "bug", "seed", "found by");
    for (int i = 0; i < mutant::bug_count; ++i) {
        const auto bug = static_cast<mutant::Bug>(i);
        const std::string name(to_string(bug));
        const sim::RangeResult result = look_for(bug, seeds_max);
        CAPTURE(name);
        CHECK(result.failure);
        if (!result.failure) continue;
        latest = std::max(latest, result.failure->seed);
        std::printf("%-24s %6llu  %s: %s\n", name.c_str(),
                    static_cast<unsigned long long>(result.failure->seed), result.failure->checker.c_str(),
                    result.failure->broken.c_str());
        // A simulator that dies has found nothing.
        CHECK(result.failure->checker != "crash");
    }
    // The same worlds without a bug: what found them was the bug.
    const sim::RangeResult sound = look_for(std::nullopt, latest);
    if (sound.failure)
        FAIL("seed " << sound.failure->seed << " " << sound.failure->checker << ": "
                     << sound.failure->broken);
    CHECK(sound.worlds == static_cast<std::int64_t>(latest));
}
