#include <set>

#include <catch2/catch.hpp>

#include <mudi/sync/server_sync.hpp>

#include "sync/protocol/frames.hpp"

using namespace mudi;
using namespace mudi::sync;

TEST_CASE("where a row lies and what it sums up to are frozen: both sides reckon them", "[sync]") {
    CHECK(part_of(3, "settings") == 900);
    CHECK(part_of(1, "17") == 218);
    CHECK(row_digest(1, "17", "body") == 10378555120317169397u);
    CHECK(row_digest(0, "", "") == 2836269765320433741u);
}

TEST_CASE("a row's digest tells kind, key and body apart, wherever one ends and the next begins", "[sync]") {
    std::set<std::uint64_t> digests;
    digests.insert(row_digest(1, "ab", "c"));
    digests.insert(row_digest(1, "a", "bc"));
    digests.insert(row_digest(1, "abc", ""));
    digests.insert(row_digest(1, "", "abc"));
    digests.insert(row_digest(2, "ab", "c"));
    digests.insert(row_digest(1, "ab", "d"));
    digests.insert(row_digest(256, "ab", "c"));
    digests.insert(row_digest(1, std::string("a\0\0\0\1b", 6), "c"));
    CHECK(digests.size() == 8);
}

TEST_CASE("rows spread evenly over the parts, and a coarser division joins neighbours", "[sync]") {
    std::vector<int> rows(parts_max);
    for (int i = 0; i < 64 * 1024; ++i) {
        const std::string key = std::to_string(i);
        const std::uint32_t finest = part_of(1, key);
        REQUIRE(finest < parts_max);
        ++rows[finest];
        for (std::uint32_t parts = 1; parts <= parts_max; parts *= 2)
            REQUIRE(part_among(parts, 1, key) == finest * parts / parts_max);
    }
    const auto [fewest, most] = std::minmax_element(rows.begin(), rows.end());
    CHECK(*fewest > 20); // 64 on average
    CHECK(*most < 130);
}

TEST_CASE("a part's digest does not depend on order, versions, marks or tombstones", "[sync]") {
    FeedRow a;
    a.kind = 1;
    a.key = "a";
    a.body = "x";
    FeedRow b = a;
    b.key = "b";
    FeedRow other = a;
    other.version = 9;
    other.applied = 7;
    FeedRow gone;
    gone.kind = 1;
    gone.key = "c";
    gone.deleted = true;
    CHECK(digest_of(std::vector{a, b}) == digest_of(std::vector{b, gone, other}));
    CHECK(digest_of(std::vector{a, b}) != digest_of(std::vector{a}));
    CHECK(digest_of(std::vector{a, a}) != 0);
    CHECK(digest_of(std::vector<FeedRow>{}) == 0);
}

TEST_CASE("parts are powers of two up to the finest", "[sync]") {
    CHECK(are_parts(1));
    CHECK(are_parts(512));
    CHECK(are_parts(parts_max));
    for (const std::size_t parts :
         {std::size_t{0}, std::size_t{3}, std::size_t{2 * parts_max}, std::size_t{1} << 32})
        CHECK_FALSE(are_parts(parts));
}

TEST_CASE("a cursor is carried on up to where the next generation began", "[sync]") {
    // Three starts; before the second the database was put back from 70 to 50.
    const Lineage lineage{{1, 0}, {2, 50}, {3, 130}};
    CHECK(carried_on(lineage, {1, 50}) == 50);
    CHECK_FALSE(carried_on(lineage, {1, 51})); // these versions were lost
    CHECK_FALSE(carried_on(lineage, {1, 70}));
    CHECK(carried_on(lineage, {2, 100}) == 100);
    CHECK(carried_on(lineage, {2, 130}) == 130);
    CHECK_FALSE(carried_on(lineage, {2, 131}));
    CHECK(carried_on(lineage, {3, 500}) == 500);
    CHECK_FALSE(carried_on(lineage, {4, 1}));
    CHECK_FALSE(carried_on(lineage, {0, 0}));
    CHECK(carried_on({{9, 40}}, {9, 0}) == 0);
}
