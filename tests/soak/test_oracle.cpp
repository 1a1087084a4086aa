#include <catch2/catch.hpp>

#include "soak/oracle.hpp"

using namespace mudi::soak;

namespace {

void sell(Oracle& oracle, std::size_t till, const std::string& number) {
    oracle.asked(number);
    oracle.saved(till, number);
}

} // namespace

TEST_CASE("a sale on its till's disk must be at the server exactly once") {
    Oracle oracle{2};
    sell(oracle, 0, "a");
    sell(oracle, 1, "b");
    CHECK(oracle.judge({{"a", 1}, {"b", 1}}).good());
    CHECK(oracle.judge({{"a", 1}}).missing == std::vector<std::string>{"b"});
    CHECK(oracle.judge({{"a", 1}, {"b", 2}}).doubled == std::vector<std::string>{"b"});
    CHECK(oracle.judge({{"a", 1}, {"b", 1}, {"c", 1}}).unknown == std::vector<std::string>{"c"});
}

TEST_CASE("a sale whose answer was lost may be at the server or not") {
    Oracle oracle{1};
    oracle.asked("a");
    CHECK(oracle.judge({{"a", 1}}).good());
    CHECK(oracle.judge({}).good());
}

TEST_CASE("a sale of a disk that was replaced is excused only when nobody else had it") {
    Oracle oracle{1};
    sell(oracle, 0, "a");
    const Numbers image = oracle.disk(0);
    sell(oracle, 0, "b");
    sell(oracle, 0, "c");
    oracle.seen_at_server({"b"});
    oracle.replace_disk(0, image);
    CHECK(oracle.judge({{"a", 1}, {"b", 1}}).good());
    CHECK(oracle.judge({{"a", 1}, {"b", 1}}).excused_unsent == 1);
    CHECK(oracle.judge({{"a", 1}, {"b", 1}}).excused_restored == 0);
    CHECK(oracle.judge({{"a", 1}}).missing == std::vector<std::string>{"b"});
    CHECK(oracle.judge({{"b", 1}}).missing == std::vector<std::string>{"a"});
}

TEST_CASE("what the server lost in a restore must come again from the disks that have it") {
    Oracle oracle{2};
    sell(oracle, 0, "a");
    oracle.seen_at_server({"a"});
    const Numbers backup = oracle.at_server();
    sell(oracle, 0, "b");
    sell(oracle, 1, "c");
    oracle.seen_at_server({"b", "c"});
    oracle.replace_disk(0, {"a"});
    oracle.replace_server(backup);
    const auto verdict = oracle.judge({{"a", 1}, {"c", 1}});
    CHECK(verdict.good());
    CHECK(verdict.excused_restored == 1);
    CHECK(verdict.excused_unsent == 0);
    CHECK(oracle.judge({{"a", 1}}).missing == std::vector<std::string>{"c"});
    CHECK(oracle.judge({{"c", 1}}).missing == std::vector<std::string>{"a"});
}
