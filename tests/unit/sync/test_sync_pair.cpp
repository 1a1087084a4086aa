#include <catch2/catch.hpp>

#include <mudi/base/mutant.hpp>

#include "unit/sync/pair_world.hpp"

using namespace mudi;
using namespace mudi::test;

TEST_CASE("whatever the net and the server do, copies become equal and every sale and question ends well",
          "[sync]") {
    PairWorld::Marks all;
    for (std::uint64_t seed = 1; seed <= 150; ++seed) {
        PairWorld world(seed);
        CAPTURE(seed);
        REQUIRE(world.run() == "");
        all.compared += world.marks.compared;
        all.parts += world.marks.parts;
        all.restored += world.marks.restored;
        all.granted += world.marks.granted;
        all.unreachable += world.marks.unreachable;
        all.challenged += world.marks.challenged;
    }
    // Else the storm was none.
    CHECK(all.compared > 500);
    CHECK(all.parts > 2'000);
    CHECK(all.restored > 50);
    CHECK(all.granted > 1'000);
    CHECK(all.unreachable > 1'000);
    CHECK(all.challenged > 1'000);
}

TEST_CASE("as long as the server is never put back, no till begins a new life", "[sync]") {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        PairWorld world(seed, PairOptions{.restores = false});
        CAPTURE(seed);
        REQUIRE(world.run() == "");
        CHECK(world.marks.restored == 0);
        CHECK(world.marks.lives == 0);
    }
}

#ifdef MUDI_MUTANTS
TEST_CASE("the pair of cores shows a rule that is broken", "[sync]") {
    const auto bug = GENERATE(mutant::Bug::lost_future_carried, mutant::Bug::cursor_before_parts,
                              mutant::Bug::horizon_ignored, mutant::Bug::gap_accepted);
    CAPTURE(mutant::to_string(bug));
    mutant::plant(bug);
    bool shown = false;
    for (std::uint64_t seed = 1; seed <= 150 && !shown; ++seed) shown = !PairWorld(seed).run().empty();
    mutant::plant(std::nullopt);
    CHECK(shown);
}
#endif
