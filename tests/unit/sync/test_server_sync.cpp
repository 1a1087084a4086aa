#include "unit/sync/server_rig.hpp"

using namespace mudi;
using namespace mudi::sync;
using namespace mudi::test;

using Rig = ServerRig;

TEST_CASE("a hello is looked up, then answered with how far that life is stored", "[sync]") {
    Rig server;
    TillHello hello = server.hello_of(3);
    hello.incarnation = Incarnation{4};
    hello.acked = EventSeq{7};
    const auto asked = server.ask(1, hello);
    REQUIRE(Rig::find<server_out::LookUpTill>(asked) != nullptr);
    CHECK(Rig::find<server_out::LookUpTill>(asked)->hello.incarnation == Incarnation{4});
    CHECK(Rig::find<server_out::LookUpTill>(asked)->hello.acked == EventSeq{7});
    CHECK_FALSE(Rig::replies(asked));
    const Standing standing{{EventSeq{5}, hash128("5")}, EventSeq{2}, 99};
    const auto answer =
        Rig::reply<HelloAnswer>(server.step(server_in::TillKnown{1, standing, "certificate"}), 1);
    CHECK(answer.generation == generation);
    CHECK(answer.mark == standing.mark);
    CHECK(answer.safe == EventSeq{2});
    CHECK(answer.arrival == 99);
    CHECK(answer.certificate == "certificate");
    CHECK(answer.wall == server.wall);
    CHECK(answer.events_max == 500);
    CHECK(server.step(server_in::TillKnown{1, standing, {}}).empty()); // answered already
}

TEST_CASE("an unknown till is refused by name", "[sync]") {
    Rig server;
    server.ask(1, server.hello_of(3));
    const auto out =
        server.step(server_in::TillKnown{1, fail(Code::denied, "till.unknown", "never enrolled"), {}});
    CHECK(Rig::refusal(out, 1) == "till.unknown");
    CHECK(Rig::find<server_out::Report>(out)->event == "sync.refused");
    CHECK(server.core.pipes_of(TillId{3}) == 0);
}

TEST_CASE("a push is acknowledged only after it is stored", "[sync]") {
    Rig server;
    server.greet(1);
    Grocery shop(1);
    const PushedBatch batch = push_of(shop, 3);
    const auto asked = server.ask(1, batch);
    const auto* store = Rig::find<server_out::Store>(asked);
    REQUIRE(store != nullptr);
    CHECK(store->batch.events == batch.events);
    CHECK_FALSE(Rig::replies(asked));
    const Standing standing{{EventSeq{3}, hash128("3")}, EventSeq{1}, 44};
    const auto answer = Rig::reply<PushAnswer>(server.step(server_in::Stored{1, standing}), 1);
    CHECK(answer == PushAnswer{generation, standing.mark, Duration{0}, EventSeq{1}, 44});
    server.ask(2, batch);
    CHECK(Rig::refusal(server.step(server_in::Stored{2, fail(Code::conflict, "sync.fork", "")}), 2) ==
          "sync.fork");
}

TEST_CASE("a frame that cannot be read is refused, never dropped", "[sync]") {
    Rig server;
    CHECK(Rig::refusal(server.step(server_in::Request{1, 1, ""}), 1) == "wire.corrupt");
    CHECK(Rig::refusal(server.step(server_in::Request{2, 1, std::string("\x07\x01\x00....", 7)}), 2) ==
          "wire.version");
    Rig small(ServerLimits{.events_per_push_max = 2});
    small.greet(1);
    Grocery shop(1);
    CHECK(Rig::refusal(small.ask(3, push_of(shop, 3)), 3) == "wire.too_large");
}

TEST_CASE("a question for points is answered after it is stored, or refused by name", "[sync]") {
    Rig server;
    server.greet(1);
    const Reserve question{TillId{1}, HoldId{hash128("hold")}, ProfileId{7}, Points{40}};
    const auto asked = server.ask(1, question);
    REQUIRE(Rig::find<server_out::Reserve>(asked) != nullptr);
    CHECK(Rig::find<server_out::Reserve>(asked)->asked == question);
    CHECK_FALSE(Rig::replies(asked));
    const ReserveAnswer granted{true, RightsHolder{0}, Points{0}, Duration{0}};
    CHECK(Rig::reply<ReserveAnswer>(server.step(server_in::Reserved{1, granted}), 1) == granted);
    server.ask(2, question);
    CHECK(Rig::refusal(server.step(server_in::Reserved{2, fail(Code::not_found, "profile.unknown", "")}),
                       2) == "profile.unknown");
    CHECK(server.step(server_in::Reserved{2, granted}).empty());
}

TEST_CASE("who has gone away is not answered", "[sync]") {
    Rig server;
    server.greet(1);
    Grocery shop(1);
    SECTION("one request") {
        server.ask(1, pull_of(1));
        server.step(nothing_new(1));
        server.step(server_in::Gone{1});
        CHECK(server.core.waiting_pulls() == 0);
        CHECK(server.step(server_in::FeedChanged{StoreId{"A"}, 11}).empty());
        server.ask(2, push_of(shop));
        server.step(server_in::Gone{2});
        CHECK(server.step(server_in::Stored{2, Standing{}}).empty());
        server.ask(3, server.hello_of(1));
        server.step(server_in::Gone{3});
        CHECK(server.step(server_in::TillKnown{3, Standing{}, {}}).empty());
    }
    SECTION("a whole connection") {
        server.ask(1, pull_of(1));
        server.ask(2, push_of(shop));
        server.ask(3, server.hello_of(1));
        server.ask(4, Reserve{TillId{1}, HoldId{hash128("x")}, ProfileId{1}, Points{1}});
        server.step(server_in::PipeGone{1});
        CHECK(server.core.pipes_of(TillId{1}) == 0);
        CHECK(server.step(nothing_new(1)).empty());
        CHECK(server.step(server_in::Stored{2, Standing{}}).empty());
        CHECK(server.step(server_in::TillKnown{3, Standing{}, {}}).empty());
        CHECK(server.step(server_in::Reserved{4, ReserveAnswer{}}).empty());
        CHECK(server.core.pipes_of(TillId{1}) == 0);
        CHECK(Rig::refusal(server.ask(5, push_of(shop)), 5) == "till.not_greeted");
    }
}

TEST_CASE("work goes on counting when nobody waits for it any more", "[sync]") {
    Rig server(ServerLimits{.stores_under_way_max = 1});
    Grocery shop(1);
    server.greet(1);
    server.greet(1, 2);
    server.ask(1, push_of(shop));
    server.step(server_in::PipeGone{1});
    CHECK(Rig::refusal(server.ask(2, push_of(shop), 2), 2) == "server.busy");
    server.step(server_in::Stored{1, Standing{}});
    CHECK(Rig::find<server_out::Store>(server.ask(3, push_of(shop), 2)) != nullptr);
}

TEST_CASE("pulls, pushes and connections beyond their limits are told to come again later", "[sync]") {
    Rig server(ServerLimits{.waiting_pulls_max = 2, .stores_under_way_max = 1, .pipes_max = 3});
    for (std::int64_t till = 1; till <= 3; ++till) server.greet(till, static_cast<PipeId>(till));
    server.ask(1, pull_of(1), 1);
    server.ask(2, pull_of(2), 2);
    const auto refusal = Rig::reply<Refusal>(server.ask(3, pull_of(3), 3), 3);
    CHECK(refusal.name == "server.busy");
    CHECK(refusal.retry_after > Duration{0});
    Grocery shop(1);
    server.ask(4, push_of(shop), 1);
    const auto busy = Rig::reply<Refusal>(server.ask(5, push_of(shop, 1, 2), 2), 5);
    CHECK(busy.name == "server.busy");
    CHECK(busy.retry_after > Duration{0});
    const auto full = Rig::reply<Refusal>(server.ask(6, server.hello_of(4), 4), 6);
    CHECK(full.name == "server.busy");
    server.step(server_in::PipeGone{3});
    server.greet(4, 4);
}

TEST_CASE("one connection cannot fill the server", "[sync]") {
    Rig server;
    server.greet(1);
    Grocery shop(1);
    const auto is_busy = [](const std::vector<ServerAction>& out) {
        return Rig::find<server_out::Store>(out) == nullptr &&
               Rig::find<server_out::LookUpTill>(out) == nullptr;
    };
    server.ask(1, push_of(shop));
    server.ask(2, push_of(shop));
    CHECK(Rig::refusal(server.ask(3, push_of(shop)), 3) == "server.busy");
    int taken = 0;
    for (RequestToken token = 10; token < 100; ++token)
        taken += is_busy(server.ask(token, server.hello_of(1))) ? 0 : 1;
    CHECK(taken > 3);
    CHECK(taken < 20);
}

TEST_CASE("a learned dictionary reaches the till with its next pull and is understood afterwards", "[sync]") {
    Rig server;
    server.greet(1);
    Grocery shop(1);
    for (RequestToken token = 1; token <= 130; ++token) {
        server.ask(token, push_of(shop));
        server.step(server_in::Stored{token, Standing{}});
    }
    server.ask(1000, pull_of(1));
    const auto answer = Rig::reply<PullAnswer>(server.step(page_of(1000, {row_of(11)}, 11)), 1000);
    REQUIRE_FALSE(answer.learned.empty());
    const auto learned = Dictionary::make(answer.learned_number, answer.learned);
    REQUIRE(learned);
    const PushedBatch batch = push_of(shop);
    CHECK(Rig::find<server_out::Store>(server.ask(1001, batch, 1, &*learned))->batch.events == batch.events);

    Pull has_it = pull_of(1);
    has_it.dictionary = learned->fingerprint();
    server.ask(1002, has_it);
    CHECK(Rig::reply<PullAnswer>(server.step(page_of(1002, {row_of(11)}, 11)), 1002).learned.empty());

    Rig restarted;
    restarted.greet(1);
    CHECK(Rig::refusal(restarted.ask(1, batch, 1, &*learned), 1) == "wire.dictionary");
}
