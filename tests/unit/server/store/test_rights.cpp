#include "rights_world.hpp"

#include <set>

using namespace mudi;
using namespace mudi::test;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

TEST_CASE("points are held for a till that asks, and the same question has one answer") {
    Bank bank{each_engine()};
    bank.earn("C0001", 100);
    CHECK(must(bank.ask(2, 1, 1, 60)).granted);
    CHECK(must(bank.ask(2, 1, 1, 60)).granted);
    CHECK_FALSE(must(bank.ask(2, 1, 1, 61)).granted);
    const auto refused = must(bank.ask(2, 2, 1, 60));
    CHECK_FALSE(refused.granted);
    CHECK(refused.available == Points{40});
    CHECK(refused.again_after == Duration{0}); // nobody has them who could give them back
    CHECK(bank.ask(2, 3, 99, 10).error().name == "customer.unknown");
    CHECK(bank.ask(2, 3, 1, 0).error().name == "points.amount");
    // A restart of the server forgets none of it.
    server::RightsBook again{*bank.shop.writer};
    CHECK(must(again.reserve({TillId{2}, hold_of(1), ProfileId{1}, Points{60}}, noon)).granted);
    CHECK(must(again.reserve({TillId{2}, hold_of(4), ProfileId{1}, Points{41}}, noon)).available ==
          Points{40});
}

TEST_CASE("a hold ends when it is spent, or given back, once") {
    Bank bank{each_engine()};
    bank.earn("C0001", 100);
    REQUIRE(must(bank.ask(2, 1, 1, 60)).granted);
    SECTION("spent") {
        bank.tell(2, {event_of(redemption("r", "C0001", 1, 60, hold_of(1)))});
        CHECK(bank.exposure().aside.held == Points{0});
        CHECK(must(bank.ask(2, 2, 1, 41)).available == Points{40});
    }
    SECTION("spent in part: the rest is free") {
        bank.tell(2, {event_of(redemption("r", "C0001", 1, 50, hold_of(1)))});
        CHECK(must(bank.ask(2, 2, 1, 51)).available == Points{50});
        CHECK(bank.exposure().breached == Points{0});
    }
    SECTION("given back, and told twice under two numbers") {
        const sync::RightReturned back{ProfileId{1}, {}, hold_of(1), Points{60}};
        CHECK(bank.tell(2, {event_of(back, "once")}).applied == 1);
        CHECK(bank.tell(2, {event_of(back, "once")}).duplicates == 1);
        CHECK(must(bank.ask(2, 2, 1, 101)).available == Points{100});
        CHECK_FALSE(must(bank.ask(2, 1, 1, 60)).granted);
    }
    SECTION("given back before the question came: it comes late") {
        bank.tell(2, {event_of(sync::RightReturned{ProfileId{1}, {}, hold_of(7), Points{30}}, "early")});
        CHECK_FALSE(must(bank.ask(2, 7, 1, 30)).granted);
        CHECK(bank.exposure().aside.held == Points{60});
    }
}

TEST_CASE("a hold that nobody used is free when its till has told everything since it lapsed") {
    Bank bank{each_engine()};
    bank.earn("C0001", 100);
    REQUIRE(must(bank.ask(2, 1, 1, 60)).granted);
    bank.hello(2, 21, noon + minutes{59});
    must(bank.book.free_the_dead(noon + hours{3}));
    CHECK(bank.exposure().aside.held == Points{60});
    // Told, but not yet counted.
    bank.shop.push(2, std::vector{redemption("r", "C0001", 1, 60, hold_of(1))});
    bank.hello(2, 21, noon + hours{2});
    must(bank.book.free_the_dead(noon + hours{3}));
    CHECK(bank.exposure().aside.held == Points{60});
    bank.shop.apply_all();
    CHECK(bank.exposure().aside.held == Points{0});
    REQUIRE(must(bank.ask(2, 2, 1, 40, noon + hours{3})).granted);
    bank.hello(2, 21, noon + hours{4});
    must(bank.book.free_the_dead(noon + hours{4}));
    CHECK(bank.exposure().aside.held == Points{0});
    CHECK(bank.exposure().breached == Points{0});
}

TEST_CASE("the lead of each store has rights in the slice, others only when the owner says so") {
    Bank bank{each_engine()};
    bank.add_till(3, "PUN01", true);
    bank.hello(3, 31);
    bank.earn("C0001", 350);
    bank.earn("C0002", 15);
    bank.shop.push(3, std::vector{sale(key_of("p", "PUN01", "3"), {{"tea", 1, 100}}, card("C0001"))});
    bank.shop.apply_all();
    bank.shop.refresh_all();
    CHECK(bank.right(1, 11) == crm::Right{RightsHolder{11}, Points{200}, Points{0}});
    CHECK(bank.right(1, 31, "PUN01").granted == Points{150});
    CHECK(bank.shop.slices("KOL01").at(1).rights.size() == 2);
    CHECK(bank.shop.slices("KOL01").at(2).rights.empty()); // too few to be of use
    CHECK(bank.exposure().aside.outstanding == Points{350});
    CHECK(bank.exposure().aside.holders == 2);
    SECTION("a policy that gives more to all reaches every slice") {
        bank.earn("C0001", 500);
        bank.policy({crm::OfflinePoints::escrow, {{300}, {50}, {20}}});
        bank.shop.refresh_all();
        CHECK(bank.right(1, 11).granted == Points{300});
        CHECK(bank.right(1, 21).granted == Points{50});
    }
    SECTION("a policy that gives less asks the rest back") {
        bank.policy({crm::OfflinePoints::escrow, {{120}, {0}, {20}}});
        bank.shop.refresh_all();
        CHECK(bank.right(1, 11) == crm::Right{RightsHolder{11}, Points{200}, Points{80}});
        run(*bank.shop.writer, "INSERT INTO dirty_record (record, since_ms) VALUES (1, 0)");
        CHECK(bank.shop.refresh_all().empty()); // not asked for twice
    }
    SECTION("under a floor limit all of it comes back, and nothing more goes out") {
        bank.policy({crm::OfflinePoints::floor_limit, {{200}, {0}, {20}}});
        bank.shop.refresh_all();
        CHECK(bank.right(1, 11).recalled == Points{200});
        bank.earn("C0003", 100);
        bank.shop.refresh_all();
        CHECK(bank.shop.slices("KOL01").at(3).rights.empty());
    }
    SECTION("another lead: the former gives back what it has") {
        must(bank.enrolment.add_till({StoreId{"KOL01"}, WorkstationId{"9"}, TillId{9}, true}, noon));
        bank.shop.lives[9].till = TillId{9};
        bank.hello(9, 91);
        bank.shop.refresh_all();
        CHECK(bank.right(1, 11).recalled == Points{200});
        bank.tell(1, {event_of(bank.back(1, 11, 200), "back")});
        bank.shop.refresh_all();
        CHECK(bank.right(1, 91).granted == Points{200});
    }
}

TEST_CASE("rights are called back for a customer who waits, and go to nobody else meanwhile") {
    Bank bank{each_engine()};
    bank.earn("C0001", 150);
    bank.shop.refresh_all();
    REQUIRE(bank.right(1, 11).granted == Points{150});
    const auto first = must(bank.ask(2, 1, 1, 120));
    CHECK_FALSE(first.granted);
    CHECK(first.again_after > Duration{0});
    CHECK(must(bank.ask(2, 1, 1, 120)).again_after > Duration{0});
    const auto moved = bank.shop.refresh_all();
    CHECK(moved.size() == 1);
    CHECK(bank.right(1, 11) == crm::Right{RightsHolder{11}, Points{150}, Points{120}}); // asked once
    bank.tell(1, {event_of(bank.back(1, 11, 120), "back")});
    SECTION("it comes again in time") {
        bank.shop.refresh_all(noon + seconds{1});
        CHECK(bank.right(1, 11).granted == Points{150});
        CHECK(must(bank.ask(2, 1, 1, 120, noon + seconds{1})).granted);
        CHECK(bank.exposure().aside.held == Points{120});
        CHECK(bank.exposure().aside.outstanding == Points{30});
    }
    SECTION("it does not come again, and nothing else happens to the customer") {
        bank.shop.refresh_all(noon + seconds{1});
        REQUIRE(bank.right(1, 11).granted == Points{150}); // promised
        must(bank.book.free_the_dead(noon + seconds{6}));
        bank.shop.refresh_all(noon + seconds{6});
        CHECK(bank.right(1, 11).granted == Points{270});
    }
    SECTION("it does not come again: the lead has them back") {
        bank.shop.refresh_all(noon + seconds{6});
        CHECK(bank.right(1, 11).granted == Points{270});
        must(bank.book.free_the_dead(noon + minutes{2}));
        CHECK(count(*bank.shop.writer, "points_hold") == 0);
    }
}

namespace {

/// Two profiles of 150 points become one; the lead had rights of both.
struct Merged {
    Merged() {
        bank.policy({crm::OfflinePoints::escrow, {{100}, {0}, {20}}});
        bank.earn("C0001", 150);
        bank.earn("C0002", 150);
        bank.shop.refresh_all();
        REQUIRE(must(bank.ask(2, 1, 1, 50)).granted);
        REQUIRE(must(bank.ask(2, 2, 2, 50)).granted);
        auto both = person("1", "Asha");
        both.cards = {"C0001", "C0002"};
        must(bank.shop.import->customers(std::vector{both}, noon));
        bank.shop.refresh_all();
        REQUIRE(bank.shop.slices("KOL01").size() == 1);
    }
    Bank bank{each_engine()};
};

} // namespace

TEST_CASE("what two profiles have set aside stays so when they become one") {
    Merged merged;
    Bank& bank = merged.bank;
    CHECK(bank.right(1, 11).granted == Points{100});
    CHECK(must(bank.ask(2, 3, 1, 250)).available == Points{0});
    CHECK(must(bank.ask(2, 4, 2, 250)).available == Points{0}); // by its former name
    // The till had not heard of it yet.
    bank.tell(2, {event_of(redemption("r", "C0002", 2, 50, hold_of(2)))});
    CHECK(bank.exposure().aside.held == Points{50});
    CHECK(must(bank.ask(2, 3, 1, 250)).available == Points{0});
    bank.tell(1, {event_of(bank.back(2, 11, 100), "the slice went")});
    CHECK(must(bank.ask(2, 3, 1, 100)).granted);
    CHECK(must(bank.ask(2, 5, 1, 250)).available == Points{0});
}

TEST_CASE("a holder has no more of one customer than the policy says, under all the names she had") {
    Merged merged;
    Bank& bank = merged.bank;
    bank.earn("C0001", 500);
    bank.policy({crm::OfflinePoints::escrow, {{200}, {0}, {20}}});
    bank.shop.refresh_all();
    CHECK(bank.exposure().aside.outstanding == Points{200});
    bank.policy({crm::OfflinePoints::escrow, {{250}, {0}, {20}}});
    bank.shop.refresh_all();
    CHECK(bank.right(1, 11).granted == Points{150});
    CHECK(bank.exposure().aside.outstanding == Points{250});
}

TEST_CASE("points are taken from where they were held, whoever has the card by now") {
    Bank bank{each_engine()};
    auto asha = person("1", "Asha");
    asha.cards = {"C0001"};
    must(bank.shop.import->customers(std::vector{asha}, noon));
    bank.earn("C0001", 100);
    REQUIRE(must(bank.ask(2, 1, 1, 60)).granted);
    asha.cards = {"C0007"};
    auto ravi = person("2", "Ravi");
    ravi.cards = {"C0001"};
    must(bank.shop.import->customers(std::vector{asha, ravi}, noon));
    const auto asha_before = bank.shop.profile("C0007");
    const auto ravi_before = bank.shop.profile("C0001");
    REQUIRE(asha_before.id != ravi_before.id);
    bank.tell(2, {event_of(redemption("r", "C0001", asha_before.id.value, 60, hold_of(1)))});
    CHECK(bank.shop.profile("C0007").points.value == asha_before.points.value - 60);
    CHECK(bank.shop.profile("C0001").points == ravi_before.points);
    CHECK(bank.exposure().overdrawn == Points{0});
    CHECK(bank.exposure().aside.held == Points{0});
}

TEST_CASE("a sale told twice under two numbers gives back what its repeat held") {
    Bank bank{each_engine()};
    bank.earn("C0001", 100);
    REQUIRE(must(bank.ask(2, 1, 1, 30)).granted);
    REQUIRE(must(bank.ask(2, 2, 1, 30)).granted);
    auto repeat = redemption("r", "C0001", 1, 30, hold_of(2));
    repeat.id = EventId{hash128("the same sale again")};
    const auto report =
        bank.tell(2, {event_of(redemption("r", "C0001", 1, 30, hold_of(1))), event_of(repeat)});
    CHECK(report.duplicates == 1);
    CHECK(bank.exposure().aside.held == Points{0});
    CHECK(must(bank.ask(2, 3, 1, 71)).available == Points{70});
}

TEST_CASE("what was spent without cover is counted") {
    Bank bank{each_engine()};
    bank.earn("C0001", 100);
    bank.shop.refresh_all();
    const RightsHolder lead{11};
    REQUIRE(bank.right(1, 11).granted == Points{100});
    SECTION("a right used beyond itself") {
        CHECK(bank.tell(1, {event_of(redemption("a", "C0001", 1, 80, hold_of(1), lead))}).breached ==
              Points{0});
        CHECK(bank.tell(1, {event_of(redemption("b", "C0001", 1, 50, hold_of(2), lead))}).breached ==
              Points{30});
        CHECK(bank.shop.status().points_breached == Points{30});
        CHECK(bank.exposure().breached == Points{30});
        CHECK(bank.exposure().overdrawn == Points{30});
    }
    SECTION("giving back more than there was spends nothing, but what is spent then does") {
        CHECK(bank.tell(1, {event_of(bank.back(1, 11, 130), "too much")}).breached == Points{0});
        CHECK(bank.tell(1, {event_of(redemption("a", "C0001", 1, 20, hold_of(1), lead))}).breached ==
              Points{20});
    }
    SECTION("what a neighbour borrowed, spent twice") {
        bank.tell(2, {event_of(redemption("a", "C0001", 1, 20, hold_of(1), lead))});
        CHECK(bank.tell(2, {event_of(redemption("b", "C0001", 1, 20, hold_of(1), lead))}).breached ==
              Points{20});
        // The lead lent it once and knows so.
        CHECK(bank.exposure().aside.outstanding == Points{80});
    }
    SECTION("what a neighbour borrowed, spent and given back") {
        bank.tell(2, {event_of(redemption("a", "C0001", 1, 20, hold_of(1), lead))});
        const sync::RightReturned back{ProfileId{1}, lead, hold_of(1), Points{20}};
        CHECK(bank.tell(2, {event_of(back, "back")}).breached == Points{0});
        CHECK(bank.exposure().aside.outstanding == Points{80});
    }
    SECTION("a hold of the server, spent twice or beyond itself") {
        bank.earn("C0001", 100);
        REQUIRE(must(bank.ask(2, 1, 1, 40)).granted);
        CHECK(bank.tell(2, {event_of(redemption("a", "C0001", 1, 50, hold_of(1)))}).breached == Points{10});
        CHECK(bank.tell(2, {event_of(redemption("b", "C0001", 1, 50, hold_of(1)))}).breached == Points{50});
    }
    SECTION("a sale under a right ends the hold that the server gave for it unheard") {
        bank.earn("C0001", 100);
        REQUIRE(must(bank.ask(2, 1, 1, 40)).granted);
        CHECK(bank.tell(2, {event_of(redemption("a", "C0001", 1, 40, hold_of(1), lead))}).breached ==
              Points{0});
        CHECK(bank.exposure().aside.held == Points{0});
        CHECK(bank.exposure().aside.outstanding == Points{60});
    }
}

TEST_CASE("what a floor limit may cost is every till of a member's stores but one, up to what she has") {
    Bank bank{each_engine()};
    bank.add_till(3, "KOL01", false);
    bank.add_till(4, "PUN01", false);
    bank.add_till(5, "KOL01", false);
    for (const std::int64_t till : {3, 4, 5}) bank.hello(till, static_cast<std::uint64_t>(till) * 10 + 1);
    must(bank.enrolment.revoke(TillId{5}, noon));
    bank.earn("C0001", 500); // KOL01 with three tills: 2 x 200
    bank.earn("C0002", 50);  // both stores, four tills: 3 x 50
    bank.shop.push(4, std::vector{sale(key_of("p", "PUN01", "4"), {{"tea", 1, 100}}, card("C0002")),
                                  sale(key_of("q", "PUN01", "4"), {{"tea", 1, 900'000}}, card("C0003"))});
    bank.shop.apply_all(); // C0003: PUN01 has one till, 0
    CHECK(bank.exposure(200).floor_worst == Points{550});
    CHECK(bank.exposure(10).floor_worst == Points{2 * 10 + 3 * 10});
    CHECK(bank.exposure(0).floor_worst == Points{0});
}

TEST_CASE("each store's settings name its lead and where it listens, and follow it") {
    Bank bank{each_engine()};
    crm::StoreSettings settings;
    settings.identifier_key = bank.shop.keys.identifier_key;
    settings.offline_points = crm::OfflinePoints::floor_limit;
    bank.add_till(3, "PUN01", false);
    bank.hello(3, 31);
    must(server::publish_settings(*bank.shop.writer, settings));
    const auto told = [&](const std::string& store) {
        for (const auto& row : bank.shop.feed(store)) {
            if (row.kind == static_cast<std::uint32_t>(sync::FeedKind::settings))
                return must(sync::decode_settings(row.body));
        }
        return crm::StoreSettings{};
    };
    CHECK(told("KOL01").lead == crm::LeadTill{TillId{1}, ""});
    CHECK(told("KOL01").offline_points == crm::OfflinePoints::floor_limit);
    CHECK(told("PUN01").lead == crm::LeadTill{});
    bank.shop.inbox->take_moved();

    auto said = bank.greeting(1, 11);
    said.lead_url = "tls+tcp://10.0.0.5:7444";
    must(bank.shop.inbox->register_till(said, noon));
    CHECK(told("KOL01").lead == crm::LeadTill{TillId{1}, said.lead_url});
    const auto moved = bank.shop.inbox->take_moved();
    REQUIRE(moved.size() == 1);
    CHECK(moved[0].store == StoreId{"KOL01"});
    CHECK(bank.shop.inbox->take_moved().empty());
    must(bank.shop.inbox->register_till(said, noon)); // the same again
    CHECK(bank.shop.inbox->take_moved().empty());
    CHECK(must(server::publish_settings(*bank.shop.writer, settings)).empty());

    must(bank.enrolment.revoke(TillId{1}, noon));
    CHECK(must(server::publish_leads(*bank.shop.writer)).size() == 1);
    CHECK(told("KOL01").lead == crm::LeadTill{});
    must(bank.enrolment.add_till({StoreId{"PUN01"}, WorkstationId{"8"}, TillId{8}, true}, noon));
    must(server::publish_leads(*bank.shop.writer));
    CHECK(told("PUN01").lead == crm::LeadTill{TillId{8}, ""});
    CHECK(must(server::publish_leads(*bank.shop.writer)).empty());
}

TEST_CASE("a hello that changes a bucket counts on from what others wrote") {
    Bank bank{each_engine()};
    must(server::publish_settings(*bank.shop.writer, crm::StoreSettings{}));
    bank.hello(2, 21); // reads where the count stands
    bank.earn("C0001", 100);
    bank.shop.refresh_all();
    bank.add_till(3, "PUN01", true);
    bank.hello(3, 31);
    std::set<std::int64_t> versions;
    for (const char* store : {"KOL01", "PUN01"}) {
        for (const auto& row : bank.shop.feed(store)) CHECK(versions.insert(row.version).second);
    }
    CHECK(versions.size() >= 3);
}
