#include "../till_fixture.hpp"

using namespace mudi;
using namespace mudi::till;
using namespace mudi::till::fixture;

namespace {

void sell(Till& till, int from, int to, Time when = morning) {
    for (int i = from; i <= to; ++i) REQUIRE(till.desk->complete(sale(std::to_string(i), {tea(1)}), when));
}

/// Reads everything in steps and follows the chain. Gives the ids in order.
std::vector<EventId> walk(Till& till, EventSeq after = {}, std::size_t step = 3) {
    std::vector<EventId> ids;
    std::optional<Bits128> chain;
    for (;;) {
        const auto read = till.store->replica().read_outbox(after, {step, 1 << 20});
        REQUIRE(read);
        if (chain) CHECK(read->chain_before == *chain);
        if (read->events.empty()) return ids;
        chain = read->chain_before;
        for (const auto& event : read->events) {
            CHECK(event.seq.value == after.value + 1);
            after = event.seq;
            chain = chain_next(*chain, event.body);
            ids.push_back(event.id);
            CHECK(sync::decode(event));
        }
    }
}

} // namespace

TEST_CASE("the outbox is dense, in order, and its chain holds over a restart") {
    test::TempDir folder;
    Till till(store_options(folder.file("till.db")));
    CHECK(walk(till).empty());
    sell(till, 1, 7);
    REQUIRE(till.desk->join({"Mina", "9830054321", "", "", false, {}}, morning));
    const auto before = walk(till);
    CHECK(before.size() == 8);
    till.reopen();
    sell(till, 8, 10);
    const auto after = walk(till);
    CHECK(after.size() == 11);
    CHECK(std::equal(before.begin(), before.end(), after.begin()));
    CHECK(till.store->replica().state().last == EventSeq{11});
}

TEST_CASE("hybrid clock stamps rise, also when the till's clock goes back") {
    test::TempDir folder;
    Till till(store_options(folder.file("till.db")));
    sell(till, 1, 3);
    till.reopen();
    sell(till, 4, 6, morning - std::chrono::hours{1});
    const auto read = till.store->replica().read_outbox(EventSeq{0}, {});
    for (std::size_t i = 1; i < read->events.size(); ++i)
        CHECK(read->events[i].hlc > read->events[i - 1].hlc);
}

TEST_CASE("reading keeps to its limits but always gives one event") {
    Till till;
    sell(till, 1, 5);
    auto& replica = till.store->replica();
    CHECK(replica.read_outbox(EventSeq{0}, {2, 1 << 20})->events.size() == 2);
    const auto one = replica.read_outbox(EventSeq{0}, {500, 1});
    CHECK(one->events.size() == 1);
    const std::size_t size = one->events[0].body.size();
    CHECK(replica.read_outbox(EventSeq{0}, {500, size * 2})->events.size() == 2);
    CHECK(replica.read_outbox(EventSeq{5}, {})->events.empty());
    CHECK(error_of(replica.read_outbox(EventSeq{6}, {})) == "outbox.after");
    CHECK(error_of(replica.read_outbox(EventSeq{-1}, {})) == "outbox.after");
}

TEST_CASE("the acknowledged position is kept, may go back, and never lies beyond the outbox") {
    test::TempDir folder;
    Till till(store_options(folder.file("till.db")));
    sell(till, 1, 5);
    CHECK(error_of(till.store->replica().save_ack({EventSeq{6}, 1, {}, 0})) == "outbox.ack");
    till.acked(4);
    till.reopen();
    CHECK(till.store->replica().state().acked == EventSeq{4});
    CHECK(till.store->replica().state().ack_generation == 1);
    till.acked(2, 0, 2);
    till.reopen();
    CHECK(till.store->replica().counts().unsent == 3);
    CHECK(walk(till, EventSeq{2}).size() == 3);
}

TEST_CASE("what is safe is kept, may go back, and never lies beyond what is acknowledged") {
    test::TempDir folder;
    Till till(store_options(folder.file("till.db")));
    sell(till, 1, 5);
    till.acked(4, 40, 1, 3);
    till.reopen();
    CHECK(till.store->replica().state().safe == EventSeq{3});
    CHECK(till.store->replica().counts().safe == 3);
    CHECK(till.store->replica().counts().unsafe == 1);
    till.acked(4, 40, 1, 1);
    CHECK(till.store->replica().state().safe == EventSeq{1});
    till.acked(2, 20, 1, 5);
    CHECK(till.store->replica().state().safe == EventSeq{2});
}

TEST_CASE("a new life renumbers what is kept and keeps the events' ids") {
    test::TempDir folder;
    Till till(store_options(folder.file("till.db")));
    till.know_customers();
    sell(till, 1, 6);
    auto& replica = till.store->replica();
    till.acked(4, 4, 1, 4);
    REQUIRE(replica.prune(morning + std::chrono::hours{1}).value() == 3);
    CHECK(replica.counts().lives == 1);
    const auto before = walk(till, EventSeq{4});
    const auto incarnation = replica.state().incarnation;
    const auto life = replica.begin_new_life();
    REQUIRE(life);
    CHECK(life->incarnation != incarnation);
    CHECK(life->last == EventSeq{3});
    for (int round = 0; round < 2; ++round) {
        auto& now = till.store->replica();
        CHECK(now.state().incarnation == life->incarnation);
        CHECK(now.state().acked == EventSeq{0});
        CHECK(now.state().safe == EventSeq{0});
        CHECK(now.counts().lives == 2);
        const auto after = walk(till);
        REQUIRE(after.size() == 3);
        CHECK(after[1] == before[0]);
        CHECK(after[2] == before[1]);
        till.reopen();
    }
    sell(till, 7, 7);
    CHECK(walk(till).size() == 4);
    CHECK(till.desk->complete(sale("5", {tea(1)}), morning)->repeated);
    CHECK(till.desk->receipt(named("6"), morning)->seq == EventSeq{3});
}

TEST_CASE("a new life of a till that sold nothing is empty") {
    Till till;
    CHECK(till.store->replica().begin_new_life()->last == EventSeq{0});
    sell(till, 1, 1);
    CHECK(walk(till).size() == 1);
}

TEST_CASE("only old events that are safe are forgotten, and the newest safe one stays") {
    Till till;
    sell(till, 1, 4);
    sell(till, 5, 8, morning + std::chrono::hours{48});
    auto& replica = till.store->replica();
    const Time later = morning + std::chrono::hours{24};
    CHECK(*replica.prune(later) == 0);
    till.acked(3, 3, 1, 0);
    CHECK(*replica.prune(later) == 0); // acknowledged, but in no backup
    till.acked(8, 8, 1, 3);
    CHECK(*replica.prune(later) == 2);
    till.acked(8, 8, 1, 8);
    CHECK(*replica.prune(later) == 2);
    CHECK(*replica.prune(later) == 0);
    CHECK(error_of(replica.read_outbox(EventSeq{0}, {})) == "outbox.pruned");
    CHECK(error_of(replica.read_outbox(EventSeq{4}, {})) == "outbox.pruned");
    CHECK(walk(till, EventSeq{5}).size() == 3);
    CHECK(error_of(till.desk->receipt({"4", BusinessDay{20261121}}, morning)) == "txn.unknown");
    CHECK(till.desk->receipt({"5", BusinessDay{20261123}}, morning));
    CHECK(replica.counts().captured == 8);
    // The original is forgotten: its return is taken on trust.
    CHECK(till.desk->complete(taken_back("R1", {back(tea(5), "4")}), morning));
}

TEST_CASE("a server restored from a backup finds everything since that backup still here") {
    Till till;
    sell(till, 1, 9);
    till.acked(9, 9, 1, 4);
    const Time later = morning + std::chrono::hours{24};
    while (*till.store->replica().prune(later) > 0) {
    }
    till.acked(4, 4, 2, 4);
    CHECK(walk(till, EventSeq{4}).size() == 5);
}
