#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "cli/fleet.hpp"
#include "cli/replay/runner.hpp"
#include "selling.hpp"
#include "support/temp_dir.hpp"

using namespace mudi;
using namespace mudi::cli;
using test::Book;

namespace {

constexpr int sales_wanted = 2000;
constexpr int kills_wanted = 20;
constexpr std::size_t tills = 2;

std::vector<int> moments(std::mt19937_64& random) {
    std::vector<int> at;
    for (int i = 0; i < kills_wanted; ++i)
        at.push_back(static_cast<int>(random() % (sales_wanted - 100)) + 20);
    std::sort(at.begin(), at.end());
    return at;
}

} // namespace

TEST_CASE("every sale answered saved is at the server exactly once, whatever is killed whenever") {
    const auto seed = std::random_device{}();
    std::mt19937_64 random(seed);
    CAPTURE(seed);
    test::TempDir folder;
    Fleet fleet({.programs = MUDI_PROGRAMS,
                 .folder = folder.path(),
                 .tills = {{1, "KOL01", "1"}, {2, "KOL01", "2"}},
                 .currency = "INR",
                 .durability = "full",
                 .database = {},
                 .card_ranges = {}});
    REQUIRE(fleet.start());
    Book book;
    std::atomic<int> next{0};
    std::atomic<bool> give_up{false};
    int kills = 0;
    {
        std::vector<std::jthread> lanes;
        for (std::size_t lane = 0; lane < 4; ++lane) {
            // Two cashiers' programs a till: requests meet in the agent.
            lanes.emplace_back([&, lane, socket = fleet.till(lane % tills).socket] {
                ring_up({socket, "L" + std::to_string(lane), sales_wanted}, next, give_up, book);
            });
        }
        for (const int moment : moments(random)) {
            while (book.done() < moment && !give_up) std::this_thread::yield();
            const auto victim = random() % (tills + 1);
            if (victim == tills) {
                fleet.kill_server();
                if (!fleet.start_server()) give_up = true;
            } else {
                fleet.kill_till(victim);
                if (!fleet.start_till(victim)) give_up = true;
            }
            ++kills;
            if (give_up) break;
        }
    }
    REQUIRE_FALSE(give_up);
    CHECK(kills == kills_wanted);
    CHECK(book.contradictions().empty());
    REQUIRE(book.events().size() == sales_wanted);
    REQUIRE(wait_until_drained(fleet, std::chrono::seconds{60}, true).drained);
    CHECK(compare(book, test::events_at(fleet)) == test::Comparison{});
}
