#include "sync/protocol/envelope.hpp"
#include "unit/sync/server_rig.hpp"

using namespace mudi;
using namespace mudi::sync;
using namespace mudi::test;

using Rig = ServerRig;

TEST_CASE("a pull without news waits, and is answered when the store's bucket changes", "[sync]") {
    Rig server;
    server.greet(3);
    const auto asked = server.ask(1, pull_of(3));
    const auto* read = Rig::find<server_out::ReadFeed>(asked);
    REQUIRE(read != nullptr);
    CHECK(read->after == 10);
    CHECK(read->bytes_max == 100'000);
    CHECK_FALSE(Rig::replies(server.step(nothing_new(1))));
    CHECK(server.core.waiting_pulls() == 1);
    CHECK(server.step(server_in::FeedChanged{StoreId{"B"}, 11}).empty());
    const auto woken = server.step(server_in::FeedChanged{StoreId{"A"}, 12});
    REQUIRE(Rig::find<server_out::ReadFeed>(woken) != nullptr);
    FeedRow row = row_of(12);
    row.applied = 33;
    const auto answer = Rig::reply<PullAnswer>(server.step(page_of(1, {row}, 12)), 1);
    CHECK(answer.rows == std::vector{row});
    CHECK(answer.cursor == FeedCursor{generation, 12});
    CHECK(answer.complete);
    CHECK_FALSE(answer.replace);
    CHECK(server.core.waiting_pulls() == 0);
}

TEST_CASE("a change that comes while the feed is being read is not slept through", "[sync]") {
    Rig server;
    server.greet(3);
    server.ask(1, pull_of(3));
    CHECK(server.step(server_in::FeedChanged{StoreId{"A"}, 11}).empty());
    const auto out = server.step(nothing_new(1));
    CHECK(Rig::find<server_out::ReadFeed>(out) != nullptr);
}

TEST_CASE("a waiting pull is answered empty when its time is over, and the timer is set for that", "[sync]") {
    Rig server;
    server.greet(3);
    server.ask(1, pull_of(3));
    const auto waits = server.step(nothing_new(1));
    const auto* timer = Rig::find<server_out::SetTimer>(waits);
    REQUIRE(timer != nullptr);
    CHECK(timer->at == server.now + Duration{20'000});
    server.now = timer->at - Duration{1};
    CHECK_FALSE(Rig::replies(server.step(server_in::Tick{})));
    server.now = timer->at;
    const auto answer = Rig::reply<PullAnswer>(server.step(server_in::Tick{}), 1);
    CHECK(answer.rows.empty());
    CHECK(answer.cursor == FeedCursor{generation, 10});
    Rig hasty(ServerLimits{.pull_wait_max = Duration{1'000}});
    hasty.greet(3);
    hasty.ask(1, pull_of(3));
    CHECK(Rig::find<server_out::SetTimer>(hasty.step(nothing_new(1)))->at == hasty.now + Duration{1'000});
}

TEST_CASE("a cursor of an earlier generation is carried on, and learns of the present one at once",
          "[sync]") {
    Rig server;
    server.greet(3);
    const auto asked = server.ask(1, pull_of(3, {generation - 1, 9}));
    REQUIRE(Rig::find<server_out::ReadFeed>(asked) != nullptr);
    CHECK(Rig::find<server_out::ReadFeed>(asked)->after == 9);
    // The counter is one for all stores: this one's newest row may be older than where the till stands.
    const auto answer = Rig::reply<PullAnswer>(server.step(nothing_new(1, 8)), 1);
    CHECK(answer.cursor == FeedCursor{generation, 9});
    CHECK(answer.rows.empty());
    CHECK(answer.complete);
}

TEST_CASE("a cursor that means nothing here is answered with what to compare", "[sync]") {
    Rig server;
    server.greet(3);
    const FeedCursor cursor = GENERATE(FeedCursor{}, FeedCursor{5, 1}, // nothing, or a server we never were
                                       FeedCursor{generation - 2, 5},  // lost with a restore
                                       FeedCursor{generation - 1, 11}, //
                                       FeedCursor{generation, 11});    // not given out yet
    const auto asked = server.ask(1, pull_of(3, cursor));
    REQUIRE(Rig::find<server_out::ReadManifest>(asked) != nullptr);
    CHECK(Rig::find<server_out::ReadManifest>(asked)->store == StoreId{"A"});
    const Manifest manifest{{1, 2, 3, ~std::uint64_t{0}}};
    const auto answer = Rig::reply<PullAnswer>(server.step(server_in::ManifestRead{1, manifest, 10}), 1);
    CHECK(answer.manifest == manifest);
    CHECK(answer.cursor == FeedCursor{generation, 10});
    CHECK(answer.rows.empty());
    CHECK_FALSE(answer.complete);
}

TEST_CASE("a cursor from before forgotten tombstones has to be compared, one from just behind not",
          "[sync]") {
    Rig server;
    server.greet(3);
    server.ask(1, pull_of(3, {generation, 6}));
    CHECK(Rig::find<server_out::ReadManifest>(server.step(page_of(1, {row_of(9)}, 10, 7))) != nullptr);
    Rig other;
    other.greet(3);
    other.ask(1, pull_of(3, {generation, 7}));
    CHECK(Rig::reply<PullAnswer>(other.step(page_of(1, {row_of(9)}, 10, 7)), 1).rows.size() == 1);
}

TEST_CASE("rows that were committed while a page was read are not skipped", "[sync]") {
    Rig server;
    server.greet(3);
    server.ask(1, pull_of(3));
    // No rows when they were read, and a newer one right after.
    const auto again = server.step(page_of(1, {}, 12));
    CHECK_FALSE(Rig::replies(again));
    REQUIRE(Rig::find<server_out::ReadFeed>(again) != nullptr);
    CHECK(Rig::find<server_out::ReadFeed>(again)->after == 10);
    SECTION("it is there") {
        const auto answer = Rig::reply<PullAnswer>(server.step(page_of(1, {row_of(12)}, 12)), 1);
        CHECK(answer.rows.size() == 1);
        CHECK(answer.cursor == FeedCursor{generation, 12});
    }
    SECTION("or was none of the rows'") {
        CHECK(Rig::reply<PullAnswer>(server.step(page_of(1, {}, 12)), 1).cursor ==
              FeedCursor{generation, 12});
    }
}

TEST_CASE("a version given out since the start is believed when it comes back", "[sync]") {
    Rig server;
    server.greet(3);
    SECTION("in a page") {
        server.ask(1, pull_of(3));
        server.step(page_of(1, {row_of(20)}, 20));
    }
    SECTION("in a manifest") {
        server.ask(1, pull_of(3, {}));
        server.step(server_in::ManifestRead{1, Manifest{{0}}, 20});
    }
    SECTION("in a change of another store") { server.step(server_in::FeedChanged{StoreId{"B"}, 20}); }
    CHECK(Rig::find<server_out::ReadFeed>(server.ask(2, pull_of(3, {generation, 20}))) != nullptr);
}

TEST_CASE("a part is answered whole, with what its rows sum up to", "[sync]") {
    Rig server;
    server.greet(3);
    Pull pull = pull_of(3);
    pull.ask = PullAsk::part;
    pull.parts = 4;
    pull.part = 2;
    const auto asked = server.ask(1, pull);
    REQUIRE(Rig::find<server_out::ReadPart>(asked) != nullptr);
    CHECK(Rig::find<server_out::ReadPart>(asked)->parts == 4);
    CHECK(Rig::find<server_out::ReadPart>(asked)->part == 2);
    std::vector<FeedRow> rows{row_of(9, "a", "x"), row_of(3, "b", "y")};
    rows[0].applied = 17;
    const auto answer = Rig::reply<PullAnswer>(server.step(server_in::PartRead{1, rows}), 1);
    CHECK(answer.rows == rows); // key order, whatever their versions
    CHECK(answer.parts == 4);
    CHECK(answer.part == 2);
    CHECK(answer.part_digest == row_digest(2, "a", "x") + row_digest(2, "b", "y"));
    CHECK(answer.cursor.generation == generation);
    CHECK(server.step(server_in::PartRead{1, rows}).empty());
}

TEST_CASE("errors of the store reach the till by name, whatever was being read", "[sync]") {
    Rig server;
    server.greet(3);
    const Error error{Code::io, "db.io", "disk"};
    server.ask(1, pull_of(3));
    CHECK(Rig::refusal(server.step(server_in::FeedRead{1, tl::make_unexpected(error)}), 1) == "db.io");
    server.ask(2, pull_of(3, {}));
    CHECK(Rig::refusal(server.step(server_in::ManifestRead{2, tl::make_unexpected(error), 0}), 2) == "db.io");
    Pull part = pull_of(3);
    part.ask = PullAsk::part;
    part.parts = 1;
    server.ask(3, part);
    CHECK(Rig::refusal(server.step(server_in::PartRead{3, tl::make_unexpected(error)}), 3) == "db.io");
    CHECK(server.core.waiting_pulls() == 0);
}

TEST_CASE("a second pull of a connection replaces the first, which is answered empty", "[sync]") {
    Rig server;
    server.greet(3);
    server.ask(1, pull_of(3));
    server.step(nothing_new(1));
    const auto out = server.ask(2, pull_of(3));
    CHECK(Rig::reply<PullAnswer>(out, 1).rows.empty());
    server.step(nothing_new(2));
    CHECK(server.core.waiting_pulls() == 1);
    // Also when the first is still being read: what comes of it then is nobody's.
    server.greet(5, 2);
    server.ask(4, pull_of(5), 2);
    CHECK(Rig::reply<PullAnswer>(server.ask(6, pull_of(5), 2), 4).rows.empty());
    CHECK(server.step(nothing_new(4, 12)).empty());
}

TEST_CASE("a clone's pull does not take the till's place", "[sync]") {
    Rig server;
    server.greet(3, 1);
    server.greet(3, 2);
    CHECK(server.core.pipes_of(TillId{3}) == 2);
    server.ask(1, pull_of(3), 1);
    server.step(nothing_new(1));
    CHECK_FALSE(Rig::replies(server.ask(2, pull_of(3), 2)));
    server.step(nothing_new(2));
    CHECK(server.core.waiting_pulls() == 2);
}

TEST_CASE("a page or a part larger than a frame is refused instead of sent", "[sync]") {
    Rig server;
    SeededRandom random(1);
    server.greet(3);
    std::string noise;
    while (noise.size() < frame_bytes_max + 100) noise += to_bytes(random.bits128()).data;
    server.ask(1, pull_of(3));
    CHECK(Rig::refusal(server.step(page_of(1, {row_of(11, "k", noise)}, 11)), 1) == "feed.too_large");
    Pull part = pull_of(3);
    part.ask = PullAsk::part;
    part.parts = 1;
    server.ask(2, part);
    CHECK(Rig::refusal(server.step(server_in::PartRead{2, std::vector{row_of(1, "k", noise)}}), 2) ==
          "feed.too_large");
    // Small enough as a frame, but the till would not unpack it.
    server.ask(3, part);
    const std::string plain(unpacked_bytes_max, 'x');
    CHECK(Rig::refusal(server.step(server_in::PartRead{3, std::vector{row_of(1, "k", plain)}}), 3) ==
          "feed.too_large");
}

TEST_CASE("a 0.1.0 till, which cannot compare, gets its bucket from the start, page by page", "[sync]") {
    Rig server;
    server.greet(3);
    // Written by 0.1.0: till 3, store A, generation 5, version 9, wait 20 s, 100,000 bytes.
    const std::string pull{
        "\x08\x03\x12\x01\x41\x19\x05\0\0\0\0\0\0\0\x20\x09\x28\xa0\x9c\x01\x30\xa0\x8d\x06", 24};
    const auto asked =
        server.step(server_in::Request{1, 1, frame_of(FrameType::pull, std::string_view(pull))});
    REQUIRE(Rig::find<server_out::ReadFeed>(asked) != nullptr);
    CHECK(Rig::find<server_out::ReadFeed>(asked)->after == 0);
    const auto answer = Rig::reply<PullAnswer>(server.step(page_of(1, {row_of(4)}, 9, 7)), 1);
    CHECK(answer.replace);
    CHECK_FALSE(answer.complete);
    CHECK(answer.cursor == FeedCursor{generation, 4});
    CHECK(answer.manifest.digests.empty());
    // An empty bucket is news to it, too.
    server.step(server_in::Request{2, 1, frame_of(FrameType::pull, std::string_view(pull))});
    const auto empty = Rig::reply<PullAnswer>(server.step(nothing_new(2, 0)), 2);
    CHECK(empty.replace);
    CHECK(empty.complete);
}
