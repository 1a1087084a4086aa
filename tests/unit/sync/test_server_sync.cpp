#include <catch2/catch.hpp>

#include <mudi/base/hash.hpp>
#include <mudi/sync/server_sync.hpp>

#include "sync/protocol/frames.hpp"
#include "unit/sync/grocery.hpp"

using namespace mudi;
using namespace mudi::sync;

namespace {

constexpr std::uint64_t generation = 77;

/// A server without a driver: the test answers its actions.
class Server {
public:
    explicit Server(ServerLimits limits = {}) : core(generation, limits) {}

    std::vector<ServerAction> step(const ServerInput& in) {
        std::vector<ServerAction> out;
        core.step(now, wall, in, out);
        return out;
    }
    template <class Frame>
    std::vector<ServerAction> ask(RequestToken token, const Frame& frame) {
        return step(server_in::Request{token, encode(frame)});
    }
    std::vector<ServerAction> ask(RequestToken token, const PushedBatch& batch,
                                  const Dictionary* dictionary = nullptr) {
        return step(server_in::Request{token, encode(batch, dictionary)});
    }

    template <class T>
    static const T* find(const std::vector<ServerAction>& actions) {
        for (const ServerAction& action : actions) {
            if (const auto* found = std::get_if<T>(&action)) return found;
        }
        return nullptr;
    }
    /// The one reply to this token among the actions.
    template <class Answer>
    static Answer reply(const std::vector<ServerAction>& actions, RequestToken token) {
        std::optional<Answer> answer;
        for (const ServerAction& action : actions) {
            const auto* found = std::get_if<server_out::Reply>(&action);
            if (found == nullptr || found->token != token) continue;
            REQUIRE_FALSE(answer);
            auto frame = decode_answer(found->frame);
            REQUIRE(frame);
            REQUIRE(std::holds_alternative<Answer>(*frame));
            answer = std::get<Answer>(*frame);
        }
        REQUIRE(answer);
        return *answer;
    }
    static bool replies(const std::vector<ServerAction>& actions) {
        return find<server_out::Reply>(actions) != nullptr;
    }

    MonoTime now{Duration{5'000}};
    Time wall{time_from_ms(1'798'785'000'000)};
    ServerSync core;
};

Pull pull_of(std::int64_t till, FeedCursor cursor = {generation, 10}, const char* store = "A") {
    return {TillId{till}, StoreId{store}, cursor, Duration{20'000}, 100'000, 0};
}

PushedBatch push_of(test::Grocery& shop, int events = 1) {
    PushedBatch batch{TillId{1}, Incarnation{1}, {}, {}};
    for (int i = 0; i < events; ++i) {
        batch.events.push_back(shop.sale());
        batch.events.back().seq.value = i + 1;
    }
    return batch;
}

server_in::FeedRead nothing_new(RequestToken token, std::int64_t newest = 10) {
    return {token, std::vector<FeedRow>{}, newest};
}

} // namespace

TEST_CASE("a hello is looked up, then answered with the mark of that life", "[sync]") {
    Server server;
    const TillHello hello{
        TillId{3}, StoreId{"A"}, WorkstationId{"T"}, Incarnation{4}, EventSeq{9}, server.wall, 1};
    const auto asked = server.ask(1, hello);
    REQUIRE(Server::find<server_out::LookUpTill>(asked) != nullptr);
    CHECK(Server::find<server_out::LookUpTill>(asked)->hello.incarnation == Incarnation{4});
    CHECK_FALSE(Server::replies(asked));
    const HighWater mark{EventSeq{5}, hash128("5")};
    const auto answer = Server::reply<HelloAnswer>(server.step(server_in::TillKnown{1, mark}), 1);
    CHECK(answer.generation == generation);
    CHECK(answer.mark == mark);
    CHECK(answer.wall == server.wall);
    CHECK(answer.events_max == 500);
    CHECK(server.step(server_in::TillKnown{1, mark}).empty()); // answered already
}

TEST_CASE("an unknown till is refused by name", "[sync]") {
    Server server;
    server.ask(1, TillHello{TillId{3}, {}, {}, {}, {}, server.wall, 1});
    const auto out =
        server.step(server_in::TillKnown{1, fail(Code::denied, "till.unknown", "never enrolled")});
    CHECK(Server::reply<Refusal>(out, 1).name == "till.unknown");
    CHECK(Server::find<server_out::Report>(out)->event == "sync.refused");
}

TEST_CASE("a push is acknowledged only after it is stored", "[sync]") {
    Server server;
    test::Grocery shop(1);
    const PushedBatch batch = push_of(shop, 3);
    const auto asked = server.ask(1, batch);
    const auto* store = Server::find<server_out::Store>(asked);
    REQUIRE(store != nullptr);
    CHECK(store->batch.events == batch.events);
    CHECK_FALSE(Server::replies(asked));
    const HighWater mark{EventSeq{3}, hash128("3")};
    const auto out = server.step(server_in::Stored{1, mark});
    CHECK(Server::reply<PushAnswer>(out, 1) == PushAnswer{generation, mark, Duration{0}});
    server.ask(2, batch);
    CHECK(Server::reply<Refusal>(server.step(server_in::Stored{2, fail(Code::conflict, "sync.fork", "")}), 2)
              .name == "sync.fork");
}

TEST_CASE("a frame that cannot be read is refused, never dropped", "[sync]") {
    Server server;
    CHECK(Server::reply<Refusal>(server.step(server_in::Request{1, ""}), 1).name == "wire.corrupt");
    CHECK(Server::reply<Refusal>(server.step(server_in::Request{2, std::string("\x07\x01\x00....", 7)}), 2)
              .name == "wire.version");
    Server small(ServerLimits{.events_per_push_max = 2});
    test::Grocery shop(1);
    CHECK(Server::reply<Refusal>(small.ask(3, push_of(shop, 3)), 3).name == "wire.too_large");
}

TEST_CASE("a pull without news waits, and is answered when the store's bucket changes", "[sync]") {
    Server server;
    const auto asked = server.ask(1, pull_of(3));
    const auto* read = Server::find<server_out::ReadFeed>(asked);
    REQUIRE(read != nullptr);
    CHECK(read->after == 10);
    CHECK(read->bytes_max == 100'000);
    CHECK_FALSE(Server::replies(server.step(nothing_new(1))));
    CHECK(server.core.waiting_pulls() == 1);
    CHECK(server.step(server_in::FeedChanged{StoreId{"B"}, 11}).empty());
    const auto woken = server.step(server_in::FeedChanged{StoreId{"A"}, 11});
    REQUIRE(Server::find<server_out::ReadFeed>(woken) != nullptr);
    const FeedRow row{11, 2, "k", false, "body"};
    const auto answer =
        Server::reply<PullAnswer>(server.step(server_in::FeedRead{1, std::vector{row}, 11}), 1);
    CHECK(answer.rows == std::vector{row});
    CHECK(answer.cursor == FeedCursor{generation, 11});
    CHECK(answer.complete);
    CHECK_FALSE(answer.replace);
    CHECK(server.core.waiting_pulls() == 0);
}

TEST_CASE("a change that comes while the feed is being read is not slept through", "[sync]") {
    Server server;
    server.ask(1, pull_of(3));
    CHECK(server.step(server_in::FeedChanged{StoreId{"A"}, 11}).empty());
    const auto out = server.step(nothing_new(1));
    CHECK(Server::find<server_out::ReadFeed>(out) != nullptr);
}

TEST_CASE("a waiting pull is answered empty when its time is over, and the timer is set for that", "[sync]") {
    Server server;
    server.ask(1, pull_of(3));
    const auto waits = server.step(nothing_new(1));
    const auto* timer = Server::find<server_out::SetTimer>(waits);
    REQUIRE(timer != nullptr);
    CHECK(timer->at == server.now + Duration{20'000});
    server.now = timer->at - Duration{1};
    CHECK_FALSE(Server::replies(server.step(server_in::Tick{})));
    server.now = timer->at;
    const auto answer = Server::reply<PullAnswer>(server.step(server_in::Tick{}), 1);
    CHECK(answer.rows.empty());
    CHECK(answer.cursor == FeedCursor{generation, 10});
    Server hasty(ServerLimits{.pull_wait_max = Duration{1'000}});
    hasty.ask(1, pull_of(3));
    CHECK(Server::find<server_out::SetTimer>(hasty.step(nothing_new(1)))->at == hasty.now + Duration{1'000});
}

TEST_CASE("a till of another generation gets its bucket from the start, page by page", "[sync]") {
    Server server;
    const auto asked = server.ask(1, pull_of(3, {generation - 1, 10}));
    CHECK(Server::find<server_out::ReadFeed>(asked)->after == 0);
    const FeedRow row{4, 2, "k", false, "body"};
    const auto answer =
        Server::reply<PullAnswer>(server.step(server_in::FeedRead{1, std::vector{row}, 9}), 1);
    CHECK(answer.replace);
    CHECK_FALSE(answer.complete);
    CHECK(answer.cursor == FeedCursor{generation, 4});
    // An empty bucket is news to it, too.
    server.ask(2, pull_of(3, {}));
    const auto empty = Server::reply<PullAnswer>(server.step(nothing_new(2, 0)), 2);
    CHECK(empty.replace);
    CHECK(empty.complete);
}

TEST_CASE("a till that is ahead of its bucket gets it from the start", "[sync]") {
    Server server;
    server.ask(1, pull_of(3, {generation, 100}));
    const auto again = server.step(nothing_new(1, 70));
    REQUIRE(Server::find<server_out::ReadFeed>(again) != nullptr);
    CHECK(Server::find<server_out::ReadFeed>(again)->after == 0);
    CHECK(Server::reply<PullAnswer>(server.step(nothing_new(1, 70)), 1).replace);
}

TEST_CASE("a second pull of a till replaces the first, which is answered empty", "[sync]") {
    Server server;
    server.ask(1, pull_of(3));
    server.step(nothing_new(1));
    const auto out = server.ask(2, pull_of(3));
    CHECK(Server::reply<PullAnswer>(out, 1).rows.empty());
    server.step(nothing_new(2));
    CHECK(server.core.waiting_pulls() == 1);
    // Also when the first is still being read: what comes of it then is nobody's.
    server.ask(4, pull_of(5));
    CHECK(Server::reply<PullAnswer>(server.ask(6, pull_of(5)), 4).rows.empty());
    CHECK(server.step(nothing_new(4, 12)).empty());
}

TEST_CASE("who has gone away is not answered", "[sync]") {
    Server server;
    server.ask(1, pull_of(3));
    server.step(nothing_new(1));
    server.step(server_in::Gone{1});
    CHECK(server.core.waiting_pulls() == 0);
    CHECK(server.step(server_in::FeedChanged{StoreId{"A"}, 11}).empty());
    test::Grocery shop(1);
    server.ask(2, push_of(shop));
    server.step(server_in::Gone{2});
    CHECK(server.step(server_in::Stored{2, HighWater{}}).empty());
}

TEST_CASE("pulls and pushes beyond their limits are told to come again later", "[sync]") {
    Server server(ServerLimits{.waiting_pulls_max = 2, .stores_under_way_max = 1});
    server.ask(1, pull_of(1));
    server.ask(2, pull_of(2));
    const auto refusal = Server::reply<Refusal>(server.ask(3, pull_of(3)), 3);
    CHECK(refusal.name == "server.busy");
    CHECK(refusal.retry_after > Duration{0});
    test::Grocery shop(1);
    server.ask(4, push_of(shop));
    CHECK(Server::reply<Refusal>(server.ask(5, push_of(shop)), 5).name == "server.busy");
}

TEST_CASE("a page larger than a frame is refused instead of sent", "[sync]") {
    Server server;
    SeededRandom random(1);
    server.ask(1, pull_of(3));
    std::string noise;
    while (noise.size() < frame_bytes_max + 100) noise += to_bytes(random.bits128()).data;
    const auto out = server.step(server_in::FeedRead{1, std::vector{FeedRow{11, 2, "k", false, noise}}, 11});
    CHECK(Server::reply<Refusal>(out, 1).name == "feed.too_large");
}

TEST_CASE("a learned dictionary reaches the till with its next pull and is understood afterwards", "[sync]") {
    Server server;
    test::Grocery shop(1);
    for (RequestToken token = 1; token <= 130; ++token) server.ask(token, push_of(shop));
    server.ask(1000, pull_of(3));
    const auto answer = Server::reply<PullAnswer>(
        server.step(server_in::FeedRead{1000, std::vector{FeedRow{11, 2, "k", false, "x"}}, 11}), 1000);
    REQUIRE_FALSE(answer.learned.empty());
    const auto learned = Dictionary::make(answer.learned_number, answer.learned);
    REQUIRE(learned);
    const PushedBatch batch = push_of(shop);
    CHECK(Server::find<server_out::Store>(server.ask(1001, batch, &*learned))->batch.events == batch.events);

    Pull has_it = pull_of(3);
    has_it.dictionary = learned->fingerprint();
    server.ask(1002, has_it);
    CHECK(Server::reply<PullAnswer>(server.step(nothing_new(1002, 11)), 1002).learned.empty());

    Server restarted;
    CHECK(Server::reply<Refusal>(restarted.ask(1, batch, &*learned), 1).name == "wire.dictionary");
}
