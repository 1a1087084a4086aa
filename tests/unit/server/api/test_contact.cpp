#include <catch2/catch.hpp>

#include <mudi/server/api.hpp>

using namespace mudi;
using namespace mudi::server;
using namespace std::chrono_literals;

namespace {

const MonoTime start{Duration{1'000'000}};
const Time wall = *parse_time("2026-11-21T10:00:00Z");
constexpr Incarnation life{7};

/// Said hello with five events of which two are here.
Contact connected_till() {
    Contact contact;
    contact.spoke(1, wall, start);
    contact.greeted(life, EventSeq{5}, EventSeq{2}, start);
    return contact;
}

/// Goes on asking, as its long poll does, without anything coming.
void poll(Contact& contact, MonoTime from, MonoTime to, std::uint64_t pipe = 1) {
    for (auto at = from; at <= to; at += 20s) contact.spoke(pipe, wall, at);
}

} // namespace

TEST_CASE("a connected till that has events and brings none for a minute is stalled, not a second before") {
    auto contact = connected_till();
    poll(contact, start, start + 59s);
    CHECK_FALSE(contact.stalled(start + 59s));
    CHECK(contact.stalled(start + 60s) == Duration{60s});
}

TEST_CASE("a till that brings events, or has none, is not stalled") {
    auto advancing = connected_till();
    poll(advancing, start, start + 50s);
    advancing.acknowledged(life, EventSeq{3}, start + 50s);
    poll(advancing, start + 50s, start + 100s);
    CHECK_FALSE(advancing.stalled(start + 100s));
    CHECK(advancing.stalled(start + 110s));

    auto level = connected_till();
    level.acknowledged(life, EventSeq{5}, start);
    poll(level, start, start + 10min);
    CHECK_FALSE(level.stalled(start + 10min));
    // The minute begins when it has something to bring again.
    level.captures(EventSeq{6}, start + 10min);
    CHECK_FALSE(level.stalled(start + 10min + 20s));
    poll(level, start + 10min, start + 11min);
    CHECK(level.stalled(start + 11min));
}

TEST_CASE("a till that is away is not stalled, and begins anew when it comes back") {
    auto contact = connected_till();
    CHECK(contact.connected(start + 35s));
    CHECK_FALSE(contact.connected(start + 36s));
    CHECK_FALSE(contact.stalled(start + 10min));
    contact.spoke(2, wall, start + 10min);
    contact.greeted(life, EventSeq{9}, EventSeq{2}, start + 10min);
    CHECK_FALSE(contact.stalled(start + 10min));
    poll(contact, start + 10min, start + 11min, 2);
    CHECK(contact.stalled(start + 11min));
}

TEST_CASE("a till whose connections were cut is not connected from that moment on") {
    auto contact = connected_till();
    CHECK(contact.connected(start));
    contact.cut();
    CHECK_FALSE(contact.connected(start));
    contact.spoke(2, wall, start + 1s);
    CHECK(contact.connected(start + 1s));
}

TEST_CASE("a till that says hello again and again without advancing is stalled all the same") {
    auto contact = connected_till();
    for (auto at = start; at <= start + 60s; at += 10s) {
        contact.spoke(1, wall, at);
        contact.greeted(life, EventSeq{5}, EventSeq{2}, at);
    }
    CHECK(contact.stalled(start + 60s));
}

TEST_CASE("a new life of a till counts from its own beginning") {
    auto contact = connected_till();
    contact.greeted(Incarnation{8}, EventSeq{1}, EventSeq{0}, start + 50s);
    CHECK(contact.captured() == EventSeq{1});
    contact.acknowledged(life, EventSeq{5}, start + 55s); // of the old one, late
    CHECK(contact.acked() == EventSeq{0});
    poll(contact, start + 50s, start + 100s);
    CHECK_FALSE(contact.stalled(start + 100s));
    poll(contact, start + 100s, start + 115s);
    CHECK(contact.stalled(start + 115s));
}

TEST_CASE("two connections that speak in turns are a clone, one after the other are not") {
    Contact reconnecting;
    for (std::uint64_t pipe = 1; pipe < 10; ++pipe) {
        reconnecting.spoke(pipe, wall, start + pipe * 1s);
        reconnecting.spoke(pipe, wall, start + pipe * 1s);
    }
    CHECK_FALSE(reconnecting.cloned(start + 20s));

    Contact two;
    two.spoke(1, wall, start);
    two.spoke(2, wall, start + 5s);
    CHECK_FALSE(two.cloned(start + 5s));
    two.spoke(1, wall, start + 10s);
    CHECK(two.cloned(start + 10s));
    CHECK(two.cloned(start + 10s + clone_contact));
    CHECK_FALSE(two.cloned(start + 11s + clone_contact));
}

TEST_CASE("alarms name what stands still: a till, apply, a backup") {
    Live live;
    live.now = start + 60s;
    CHECK(alarms_of(live).empty());
    auto& stuck = live.contacts[TillId{9}] = connected_till();
    poll(stuck, start, start + 60s);
    live.contacts[TillId{3}] = stuck;
    live.contacts[TillId{4}].spoke(5, wall, start);
    live.apply_waits_since = start;
    live.backup_failed = "db.full";
    const auto alarms = alarms_of(live);
    REQUIRE(alarms.size() == 4);
    CHECK(alarms[0].name == "apply.stalled");
    CHECK(alarms[0].lasts == Duration{60s});
    CHECK(alarms[1].name == "backup.failed");
    CHECK(alarms[2].name == "till.stalled");
    CHECK(alarms[2].till == TillId{3});
    CHECK(alarms[3].till == TillId{9});
    live.apply_waits_since = start + 1s;
    CHECK(alarms_of(live).size() == 3);
}

TEST_CASE("points that were spent without cover are an alarm until an operator has confirmed it") {
    Live live;
    CHECK(alarms_of(live).empty());
    live.points_unconfirmed = Points{1};
    const auto alarms = alarms_of(live);
    REQUIRE(alarms.size() == 1);
    CHECK(alarms[0].name == "points.breached");
    CHECK(alarms[0].till == TillId{});
}
