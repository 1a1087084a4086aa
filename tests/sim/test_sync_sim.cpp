#include <catch2/catch.hpp>

#include "sim/sync_world.hpp"

using namespace mudi;

TEST_CASE("every sale reaches the server once and every till the same feed, whatever happens on the way",
          "[sync][sim]") {
    sim::Marks marks;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        sim::World world(seed, marks);
        CAPTURE(seed);
        REQUIRE(world.run() == "");
    }
    // A run that never met these proves nothing about them.
    for (const char* mark : {"server restored", "till restored", "till cloned", "new life", "fork", "gap",
                             "nothing new", "feed replaced", "sync.level", "sync.refused db.busy"}) {
        CAPTURE(mark);
        CHECK(marks.seen.contains(mark));
    }
}

TEST_CASE("the same seed makes the same world", "[sync][sim]") {
    sim::Marks marks;
    sim::World one(7, marks);
    sim::World two(7, marks);
    REQUIRE(one.run() == two.run());
    REQUIRE(one.captured == two.captured);
    REQUIRE(one.random.next() == two.random.next());
}
