#include "unit/server/support/shop.hpp"

using namespace mudi;
using namespace mudi::test;

namespace {

std::vector<sync::Event> some(int from, int to) {
    std::vector<sync::Event> events;
    for (int i = from; i < to; ++i)
        events.push_back(event_of(sale(key_of("n" + std::to_string(i)), {{"tea", 1, 5000}})));
    return events;
}

} // namespace

TEST_CASE("batches of several tills are stored in one go and survive a restart") {
    Shop shop{each_engine()};
    std::vector<sync::PushedBatch> batches;
    batches.push_back(shop.till(1).batch(some(0, 3)));
    batches.push_back(shop.till(2, "PUN01").batch(some(3, 5)));
    batches.push_back(shop.till(1).batch(some(5, 6)));
    const auto results = must(shop.inbox->append(batches, noon));
    REQUIRE(results.size() == 3);
    CHECK(must(results[0]).mark.seq.value == 3);
    CHECK(must(results[1]).mark.chain == shop.lives[2].mark.chain);
    CHECK(must(results[2]).mark.seq.value == 4);
    shop.open();
    const auto mark = must(shop.inbox->high_water(TillId{1}, Incarnation{77}));
    CHECK(mark.seq.value == 4);
    CHECK(mark.chain == shop.lives[1].mark.chain);
    CHECK(must(shop.inbox->high_water(TillId{1}, Incarnation{78})).seq.value == 0);
    CHECK(shop.status().waiting == 6);
    CHECK(shop.status().tills == 2);
    const auto tills = must(server::StatusReader{*shop.writer}.tills(noon + std::chrono::seconds{9}));
    REQUIRE(tills.size() == 2);
    CHECK(tills[0].received == 4);
    CHECK(tills[1].store.value == "PUN01");
    CHECK(tills[1].lag == std::chrono::seconds{9});
}

TEST_CASE("a batch that comes again is acknowledged and stored once") {
    Shop shop{each_engine()};
    TillLife before = shop.till(1);
    const auto first = shop.till(1).batch(some(0, 4));
    const auto again = first;
    auto longer = before.batch(some(0, 6)); // the same four and two more, as after a lost answer
    const std::vector<sync::PushedBatch> batches{first, again};
    const auto results = must(shop.inbox->append(batches, noon));
    CHECK(must(results[1]).mark.seq.value == 4);
    const auto more = must(shop.inbox->append({&longer, 1}, noon));
    CHECK(must(more[0]).mark.seq.value == 6);
    CHECK(must(more[0]).mark.chain == before.mark.chain);
    sync::PushedBatch old = longer;
    old.events.resize(2);
    CHECK(must(must(shop.inbox->append({&old, 1}, noon))[0]).mark.seq.value == 6);
    CHECK(count(*shop.writer, "inbox") == 6);
}

TEST_CASE("gap and fork are refused without touching the batches beside them") {
    Shop shop{each_engine()};
    TillLife clone = shop.till(1);
    shop.push(1, some(0, 3));
    TillLife skipping = shop.till(1);
    (void)skipping.batch(some(3, 4));
    std::vector<sync::PushedBatch> batches;
    batches.push_back(clone.batch(some(50, 52)));  // another history of seq 1 and 2
    batches.push_back(skipping.batch(some(4, 5))); // seq 5, while 4 is missing
    batches.push_back(shop.till(2).batch(some(10, 12)));
    TillLife stranger{TillId{9}};
    batches.push_back(stranger.batch(some(20, 21)));
    batches.push_back(shop.till(1).batch(some(3, 4)));
    const auto results = must(shop.inbox->append(batches, noon));
    CHECK(results[0].error().name == "sync.fork");
    CHECK(results[0].error().code == Code::conflict);
    CHECK(results[1].error().name == "sync.gap");
    CHECK(must(results[2]).mark.seq.value == 2);
    CHECK(results[3].error().name == "till.unknown");
    CHECK(must(results[4]).mark.seq.value == 4);
    CHECK(count(*shop.writer, "inbox") == 6);
    CHECK(shop.status().received == 6);
}

TEST_CASE("a new life of a till begins at nothing and keeps the old one") {
    Shop shop{each_engine()};
    shop.push(1, some(0, 2));
    TillLife reborn{TillId{1}, "KOL01", Incarnation{0xffff'ffff'ffff'fff0}};
    CHECK(must(shop.inbox->register_till(reborn.hello(), noon)).mark.seq.value == 0);
    const auto batch = reborn.batch(some(2, 5));
    CHECK(must(must(shop.inbox->append({&batch, 1}, noon))[0]).mark.seq.value == 3);
    const auto tills = must(server::StatusReader{*shop.writer}.tills(noon));
    REQUIRE(tills.size() == 1);
    CHECK(tills[0].incarnation == reborn.incarnation);
    CHECK(tills[0].acked.value == 3);
    CHECK(tills[0].received == 5);
}

TEST_CASE("the server's own events stand under till 0, which no till may use") {
    Shop shop{each_engine()};
    CHECK(must(shop.inbox->append_own(some(0, 2), noon)).mark.seq.value == 2);
    shop.open();
    CHECK(must(shop.inbox->append_own(some(2, 3), noon)).mark.seq.value == 3);
    CHECK(must(server::StatusReader{*shop.writer}.tills(noon)).empty());
    CHECK(shop.inbox->register_till(TillLife{TillId{0}}.hello(), noon).error().name == "till.reserved");
}

TEST_CASE("a failed group leaves nothing behind and the next one is stored") {
    Shop shop{each_engine()};
    shop.push(1, some(0, 2));
    const auto batch = shop.till(1).batch(some(2, 4));
    // Somebody took the place of seq 4: the second row cannot be stored.
    run(*shop.writer, "INSERT INTO inbox (id, life, seq, chain, event, hlc, kind, body_schema, received_ms, "
                      "ahead_ms, body) "
                      "SELECT 1000, life, 4, chain, event, 0, 1, 1, 0, 0, body FROM inbox WHERE id = 1");
    CHECK(shop.inbox->append({&batch, 1}, noon).error().name == "db.constraint");
    // The mark is with the events: as little of it as of them.
    CHECK(rows<std::int64_t>(*shop.writer, "SELECT seq FROM life") == "2|\n");
    CHECK(must(shop.inbox->high_water(TillId{1}, Incarnation{77})).seq.value == 2);
    run(*shop.writer, "DELETE FROM inbox WHERE id = 1000");
    CHECK(must(must(shop.inbox->append({&batch, 1}, noon))[0]).mark.seq.value == 4);
    CHECK(shop.status().received == 4);
}

TEST_CASE("events whose mark cannot be saved are not there either") {
    Shop shop{db::Engine::sqlite}; // one engine has triggers that both tests and people can read
    shop.push(1, some(0, 2));
    run(*shop.writer, "CREATE TRIGGER no_mark BEFORE UPDATE OF seq ON life "
                      "BEGIN SELECT RAISE(ABORT, 'no mark'); END");
    const auto batch = shop.till(1).batch(some(2, 4));
    CHECK(shop.inbox->append({&batch, 1}, noon).error().name == "db.constraint");
    CHECK(count(*shop.writer, "inbox") == 2);
    run(*shop.writer, "DROP TRIGGER no_mark");
    CHECK(must(must(shop.inbox->append({&batch, 1}, noon))[0]).mark.seq.value == 4);
    CHECK(count(*shop.writer, "inbox") == 4);
}

TEST_CASE("a standing names the arrival of the event at the mark, also after a restart") {
    Shop shop{each_engine()};
    shop.push(1, some(0, 2));
    shop.push(2, some(2, 5));
    const auto batch = shop.till(1).batch(some(5, 6));
    const auto standing = must(must(shop.inbox->append({&batch, 1}, noon)).front());
    CHECK(standing.arrival == 6);
    CHECK(standing.safe.value == 0);
    CHECK(must(must(shop.inbox->append({&batch, 1}, noon)).front()) == standing);
    CHECK(must(shop.inbox->register_till(shop.lives[1].hello(), noon)) == standing);
    shop.open();
    CHECK(must(shop.inbox->register_till(shop.lives[1].hello(), noon)) == standing);
    CHECK(must(shop.inbox->standing(TillId{2}, Incarnation{77})).arrival == 5);
    CHECK(must(shop.inbox->standing(TillId{2}, Incarnation{78})) == sync::Standing{});
}
