#include "rights_world.hpp"

#include <mudi/base/mutant.hpp>

using namespace mudi;
using namespace mudi::test;
using std::chrono::hours;
using std::chrono::minutes;

TEST_CASE("points that an event of a newer till may spend stay held until the server understands it") {
    Bank bank{each_engine()};
    bank.earn("C0001", 150);
    REQUIRE(must(bank.ask(2, 1, 1, 100)).granted);
    auto event = event_of(redemption("r", "C0001", 1, 100, hold_of(1)));
    event.schema += 1;
    CHECK(bank.tell(2, {event}).quarantined == 1);
    bank.hello(2, 21, noon + hours{2});
    (void)must(bank.book.free_the_dead(noon + hours{2}));
    CHECK_FALSE(must(bank.ask(1, 2, 1, 100, noon + hours{2})).granted);
    CHECK(bank.exposure().aside.held == Points{100});
}

TEST_CASE("what a till says it holds stays held, also when by our clock it has long lapsed") {
    Bank bank{each_engine()};
    bank.earn("C0001", 150);
    REQUIRE(must(bank.ask(2, 1, 1, 100)).granted);
    auto said = bank.greeting(2, 21);
    said.on_hold = sync::OnHold::known;
    must(bank.shop.inbox->register_till(said, noon + hours{2}, noon + hours{2}));
    (void)must(bank.book.free_the_dead(noon + hours{2}));
    CHECK_FALSE(must(bank.ask(1, 2, 1, 100, noon + hours{2})).granted);
    // Asked before the hold was made it says nothing of it.
    said.on_hold = sync::OnHold::nothing;
    must(bank.shop.inbox->register_till(said, noon + hours{3}, noon - hours{1}));
    (void)must(bank.book.free_the_dead(noon + hours{3}));
    CHECK_FALSE(must(bank.ask(1, 3, 1, 100, noon + hours{3})).granted);
    must(bank.shop.inbox->register_till(said, noon + hours{3}, noon + hours{3}));
    (void)must(bank.book.free_the_dead(noon + hours{3}));
    CHECK(must(bank.ask(1, 4, 1, 100, noon + hours{3})).granted);
}

TEST_CASE("one of two machines with a till's number does not speak for the other") {
    Bank bank{each_engine()};
    bank.earn("C0001", 150);
    REQUIRE(must(bank.ask(2, 1, 1, 100)).granted);
    bank.hello(2, 22, noon + hours{2}, 6);
    (void)must(bank.book.free_the_dead(noon + hours{2}));
    CHECK_FALSE(must(bank.ask(1, 2, 1, 100, noon + hours{2})).granted);
    // Not heard for six days: it is gone.
    bank.hello(2, 22, noon + hours{147}, 6);
    (void)must(bank.book.free_the_dead(noon + hours{147}));
    CHECK(must(bank.ask(1, 3, 1, 100, noon + hours{147})).granted);
}

TEST_CASE("the points of a memory that is gone are free when all who may have borrowed have told") {
    Bank bank{each_engine()};
    bank.earn("C0001", 150);
    bank.shop.refresh_all();
    REQUIRE(bank.right(1, 11).granted == Points{150});
    const Time died = noon + minutes{1};
    SECTION("its successor runs on the same machine") {
        bank.hello(1, 12, died);
        bank.shop.refresh_all(died);
        CHECK(bank.right(1, 11).granted == Points{0}); // nobody's any more
        CHECK(bank.right(1, 12).granted == Points{0}); // nothing is free
        CHECK(must(bank.ask(2, 1, 1, 10, died)).again_after == Duration{0});
        CHECK(must(bank.book.free_the_dead(died + hours{2})) == 0);
        CHECK(must(bank.book.awaited(died + minutes{59})).empty());
        CHECK(must(bank.book.awaited(died + hours{1})) == std::vector<TillId>{TillId{1}, TillId{2}});
        bank.hello(1, 12, died + hours{2});
        CHECK(must(bank.book.free_the_dead(died + hours{2})) == 0);
        // What the neighbour tells has to be counted first.
        bank.shop.push(2, std::vector{redemption("r", "C0001", 1, 30, hold_of(1), RightsHolder{11})});
        bank.hello(2, 21, died + hours{2});
        CHECK(must(bank.book.awaited(died + hours{2})).empty());
        CHECK(must(bank.book.free_the_dead(died + hours{2})) == 0);
        bank.shop.apply_all();
        CHECK(must(bank.book.free_the_dead(died + hours{2})) == 1);
        CHECK(must(bank.book.free_the_dead(died + hours{2})) == 0);
        bank.shop.refresh_all(died + hours{2});
        CHECK(bank.right(1, 12).granted == Points{120});
        CHECK(bank.exposure().aside.outstanding == Points{120});
        // And if somebody spends it after all, that is a breach.
        const auto late = redemption("late", "C0001", 1, 10, hold_of(2), RightsHolder{11});
        CHECK(bank.tell(2, {event_of(late)}).breached == Points{10});
        // Giving back what is free already is none.
        CHECK(bank.tell(2, {event_of(bank.back(1, 11, 10), "late too")}).breached == Points{0});
    }
    SECTION("a neighbour that has not told all holds it up, until it is revoked") {
        bank.hello(1, 12, died);
        bank.hello(1, 12, died + hours{2});
        auto said = bank.greeting(2, 21);
        said.last.value += 1;
        must(bank.shop.inbox->register_till(said, died + hours{2}));
        CHECK(must(bank.book.free_the_dead(died + hours{3})) == 0);
        must(bank.enrolment.revoke(TillId{2}, died + hours{3}));
        CHECK(must(bank.book.free_the_dead(died + hours{3})) == 1);
    }
    SECTION("on another machine the old one may live on: six days") {
        bank.hello(1, 12, died, 6);
        CHECK(must(bank.book.awaited(died + hours{2})).empty()); // no hello would help
        bank.hello(1, 12, died + hours{2}, 6);
        bank.hello(2, 21, died + hours{2});
        CHECK(must(bank.book.free_the_dead(died + hours{143})) == 0);
        CHECK(must(bank.book.free_the_dead(died + hours{144})) == 1);
    }
    SECTION("a till that is cut off has none; what it had is free after six days") {
        must(bank.enrolment.revoke(TillId{1}, died));
        CHECK(must(bank.book.free_the_dead(died)) == 0);
        CHECK(must(bank.ask(2, 1, 1, 10, died)).again_after == Duration{0}); // nobody asks it
        CHECK(must(bank.book.free_the_dead(died + hours{144})) == 1);
        CHECK(must(bank.ask(2, 1, 1, 150, died + hours{144})).granted);
    }
}

TEST_CASE(
    "a neighbour that says it holds nothing borrowed frees the points of a memory that is gone at once") {
    Bank bank{each_engine()};
    bank.earn("C0001", 150);
    bank.shop.refresh_all();
    REQUIRE(bank.right(1, 11).granted == Points{150});
    const Time died = noon + minutes{1};
    const Time asked = died + Duration{1};
    const Time now = asked + Duration{20};
    bank.hello(1, 12, died + Duration{5}, died, sync::OnHold::nothing);
    CHECK(must(bank.book.free_the_dead(now)) == 0);
    // Its newest word is of before: it is asked for another.
    bank.hello(2, 21, now, died, sync::OnHold::nothing);
    CHECK(must(bank.book.free_the_dead(now)) == 0);
    CHECK(must(bank.book.awaited(now)) == std::vector<TillId>{TillId{2}});
    SECTION("it says so") {
        bank.hello(2, 21, now, asked, sync::OnHold::nothing);
        CHECK(must(bank.book.awaited(now)).empty());
        CHECK(must(bank.book.free_the_dead(now)) == 1);
        bank.shop.refresh_all(now);
        CHECK(bank.right(1, 12).granted == Points{150});
    }
    SECTION("what the server holds for it is no matter") {
        bank.hello(2, 21, now, asked, sync::OnHold::known);
        CHECK(must(bank.book.free_the_dead(now)) == 1);
    }
    SECTION("it has some of it still") {
        bank.hello(2, 21, now, asked, sync::OnHold::borrowed);
        CHECK(must(bank.book.free_the_dead(now)) == 0);
        CHECK(must(bank.book.awaited(now)) == std::vector<TillId>{TillId{2}});
    }
    SECTION("it said so, and takes it back") {
        bank.hello(2, 21, now, asked, sync::OnHold::nothing);
        bank.hello(2, 21, now, asked + Duration{1}, sync::OnHold::borrowed);
        CHECK(must(bank.book.free_the_dead(now)) == 0);
    }
    SECTION("it has not told all") {
        auto said = bank.greeting(2, 21);
        said.on_hold = sync::OnHold::nothing;
        said.last.value += 1;
        must(bank.shop.inbox->register_till(said, now, asked));
        CHECK(must(bank.book.free_the_dead(now)) == 0);
    }
    SECTION("what it told is not counted yet") {
        bank.shop.push(2, std::vector{redemption("r", "C0001", 1, 30, hold_of(1), RightsHolder{11})});
        bank.hello(2, 21, now, asked, sync::OnHold::nothing);
        CHECK(must(bank.book.free_the_dead(now)) == 0);
        bank.shop.apply_all();
        CHECK(must(bank.book.free_the_dead(now)) == 1);
        CHECK(bank.exposure().breached == Points{0});
    }
    SECTION("nobody knows when it said so, or it cannot say: as before, an hour") {
        auto said = bank.greeting(2, 21);
        said.on_hold = sync::OnHold::nothing;
        must(bank.shop.inbox->register_till(said, now));
        CHECK(must(bank.book.free_the_dead(now)) == 0);
        CHECK(must(bank.book.awaited(now)).empty()); // another one would say no more
        bank.hello(2, 21, now, asked, sync::OnHold::not_said);
        CHECK(must(bank.book.free_the_dead(now)) == 0);
        CHECK(must(bank.book.awaited(died + hours{1})) == std::vector<TillId>{TillId{2}});
    }
}

TEST_CASE("a memory that speaks again has what it had, unless that was freed") {
    Bank bank{each_engine()};
    bank.earn("C0001", 150);
    bank.shop.refresh_all();
    bank.hello(1, 12, noon + minutes{1}, 6);
    const auto touch = [&](Time now) {
        run(*bank.shop.writer,
            "INSERT INTO dirty_record (record, since_ms) VALUES (1, 0) ON CONFLICT (record) DO NOTHING");
        bank.shop.refresh_all(now);
    };
    SECTION("not freed") {
        bank.hello(1, 11, noon + minutes{2});
        touch(noon + minutes{2});
        CHECK(bank.right(1, 11).granted == Points{150});
        CHECK(bank.right(1, 12) == crm::Right{});
    }
    SECTION("freed") {
        const Time later = noon + hours{145};
        REQUIRE(must(bank.book.free_the_dead(later)) == 1);
        bank.hello(1, 11, later);
        bank.shop.refresh_all(later);
        CHECK(bank.right(1, 11) == crm::Right{});
        CHECK(bank.right(1, 12).granted == Points{150});
    }
    SECTION("of another till it is nobody") {
        bank.hello(2, 11, noon + minutes{2});
        touch(noon + minutes{2});
        CHECK(bank.right(1, 11) == crm::Right{});
    }
}

namespace {

/// As the database was before the till's last words: the till knows more than the server.
sync::TillHello of_the_future(Bank& bank, std::int64_t till, std::uint64_t holder) {
    auto said = bank.greeting(till, holder);
    said.acked.value = said.last.value = bank.shop.lives.at(till).mark.seq.value + 3;
    return said;
}

} // namespace

namespace {

/// A server that was put back: its second start goes on from a backup.
struct PutBack {
    PutBack() {
        bank.earn("C0001", 150);
        bank.shop.refresh_all();
        bank.shop.start(3);
        bank.earn("C0001", 100);
        REQUIRE(asked(1, noon) == "granted");
    }
    std::string asked(std::uint64_t hold, Time now) {
        const auto answer = bank.ask(2, hold, 1, 10, now);
        if (!answer) return answer.error().name;
        return answer->granted ? "granted" : "refused";
    }
    void hear(const sync::TillHello& said, Time now) { must(bank.shop.inbox->register_till(said, now)); }
    std::uint64_t first_start() { return bank.shop.lineage.front().generation; }
    const sync::GenerationStart& newest_start() { return bank.shop.lineage.back(); }

    Bank bank{each_engine()};
};

} // namespace

TEST_CASE("after a restore nothing is given out until every till has told what it knows") {
    PutBack put_back;
    Bank& bank = put_back.bank;
    put_back.hear(of_the_future(bank, 2, 21), noon);
    CHECK(put_back.asked(1, noon) == "granted"); // given before
    CHECK(put_back.asked(2, noon) == "points.settling");
    CHECK(bank.shop.status().points_settling);
    CHECK(bank.exposure().settling);
    bank.earn("C0002", 100);
    bank.shop.refresh_all();
    CHECK(bank.right(2, 11).granted == Points{0});
    // What the lost history granted is no breach, and the books know of it from now on.
    CHECK(bank.tell(1, {event_of(redemption("a", "C0001", 1, 170, hold_of(9), RightsHolder{11}))}).breached ==
          Points{0});
    CHECK(bank.exposure().aside.outstanding == Points{0});

    bank.hello(1, 11, noon + hours{1});
    CHECK(put_back.asked(2, noon + hours{2}) == "points.settling");
    CHECK(must(bank.book.awaited(noon + hours{2})) == std::vector<TillId>{TillId{2}});
    // It says all it has, but still goes by what the lost history said.
    auto stale = bank.greeting(2, 21);
    stale.cursor = {put_back.first_start(), 1};
    put_back.hear(stale, noon + hours{2});
    CHECK(put_back.asked(2, noon + hours{2}) == "points.settling");
    stale.cursor.generation = put_back.newest_start().generation;
    put_back.hear(stale, noon + hours{3});
    CHECK(put_back.asked(2, noon + hours{3}) == "granted");
    CHECK_FALSE(bank.shop.status().points_settling);
}

TEST_CASE("a restore is settled as soon as every till says that nothing is on hold, by this history") {
    PutBack put_back;
    Bank& bank = put_back.bank;
    put_back.hear(of_the_future(bank, 2, 21), noon);
    const Time asked = noon + Duration{1};
    const auto say = [&](std::int64_t till, sync::OnHold holds, std::uint64_t generation) {
        auto said = bank.greeting(till, static_cast<std::uint64_t>(till) * 10 + 1);
        said.on_hold = holds;
        said.cursor = {generation, 1};
        must(bank.shop.inbox->register_till(said, asked, asked));
    };
    const auto present = put_back.newest_start().generation;
    say(1, sync::OnHold::nothing, present);
    CHECK(must(bank.book.awaited(asked)) == std::vector<TillId>{TillId{2}});
    CHECK(put_back.asked(2, asked) == "points.settling");
    say(2, sync::OnHold::known, present); // by a server that nobody remembers
    CHECK(put_back.asked(2, asked) == "points.settling");
    say(2, sync::OnHold::nothing, put_back.first_start());
    CHECK(put_back.asked(2, asked) == "points.settling");
    say(2, sync::OnHold::nothing, 0); // it has no copy: it may have rights all the same
    CHECK(put_back.asked(2, asked) == "points.settling");
    bank.shop.refresh_all(asked);
    say(2, sync::OnHold::nothing, present);
    REQUIRE(bank.shop.status().dirty_profiles == 0);
    SECTION("it ends when somebody asks") { CHECK(put_back.asked(2, asked) == "granted"); }
    SECTION("and when nobody does; then all are looked at again") {
        must(bank.book.free_the_dead(asked));
        CHECK_FALSE(bank.exposure().settling);
        CHECK(bank.shop.status().dirty_profiles == 1);
    }
}

TEST_CASE("how often points were set aside tells a database that was put back") {
    Bank bank{each_engine()};
    CHECK(must(bank.book.moves()) == 0);
    bank.earn("C0001", 150);
    CHECK(must(bank.book.moves()) == 0);
    bank.shop.refresh_all();
    const auto granted = must(bank.book.moves());
    CHECK(granted == 1);
    bank.policy({crm::OfflinePoints::escrow, {{100}, {0}, {20}}});
    bank.shop.refresh_all();
    REQUIRE(must(bank.ask(2, 1, 1, 10, noon)).again_after > Duration{0});
    CHECK(must(bank.book.moves()) > granted);
}

TEST_CASE("what was spent without cover is an alarm until somebody confirms it") {
    Bank bank{each_engine()};
    bank.earn("C0001", 100);
    CHECK(must(bank.book.unconfirmed()) == Points{0});
    bank.tell(1, {event_of(redemption("a", "C0001", 1, 30, hold_of(1), RightsHolder{99}))});
    CHECK(must(bank.book.unconfirmed()) == Points{30});
    CHECK(must(bank.book.confirm_breached()) == Points{30});
    CHECK(must(bank.book.unconfirmed()) == Points{0});
    CHECK(bank.exposure().breached == Points{30});
    CHECK(bank.exposure().confirmed == Points{30});
    bank.tell(1, {event_of(redemption("b", "C0001", 1, 20, hold_of(2), RightsHolder{99}))});
    CHECK(must(bank.book.unconfirmed()) == Points{20});
}

TEST_CASE("a restore is settled once, however late a till tells of it") {
    PutBack put_back;
    Bank& bank = put_back.bank;
    put_back.hear(of_the_future(bank, 2, 21), noon);
    for (const std::int64_t till : {1, 2})
        bank.hello(till, static_cast<std::uint64_t>(till) * 10 + 1, noon + hours{2});
    REQUIRE(put_back.asked(2, noon + hours{3}) == "granted");
    bank.add_till(3, "KOL01", false); // was away all the time
    put_back.hear(of_the_future(bank, 3, 31), noon + hours{4});
    CHECK(put_back.asked(3, noon + hours{4}) == "granted");
    bank.shop.start(4);
    auto news = of_the_future(bank, 3, 31);
    news.ack_generation = put_back.first_start();
    put_back.hear(news, noon + hours{5});
    CHECK(put_back.asked(4, noon + hours{5}) == "granted");
    // Told by the start that went on from the backup, and lost: that is another restore.
    news.ack_generation = bank.shop.lineage[1].generation;
    put_back.hear(news, noon + hours{6});
    CHECK(put_back.asked(5, noon + hours{6}) == "points.settling");
}

TEST_CASE("that a server was put back shows by what a till was told of the time that was lost") {
    PutBack put_back;
    Bank& bank = put_back.bank;
    auto said = bank.greeting(2, 21);
    SECTION("a start that the server does not know") {
        said.ack_generation = 4711;
        put_back.hear(said, noon);
        CHECK(put_back.asked(2, noon) == "points.settling");
    }
    SECTION("a slice of a later time") {
        said.cursor = {put_back.first_start(), put_back.newest_start().first_version + 1};
        put_back.hear(said, noon);
        CHECK(put_back.asked(2, noon) == "points.settling");
    }
    SECTION("the restore itself says so, before the start") {
        {
            auto transaction = must(db::WriteTransaction::begin(*bank.shop.writer));
            must(bank.book.settle(noon));
            must(transaction.commit());
        }
        CHECK(put_back.asked(2, noon) == "points.settling");
        bank.shop.start(5);
        put_back.hear(of_the_future(bank, 2, 21), noon + hours{2});
        for (const std::int64_t till : {1, 2})
            bank.hello(till, static_cast<std::uint64_t>(till) * 10 + 1, noon + hours{3});
        CHECK(put_back.asked(2, noon + hours{3}) == "granted");
    }
    SECTION("a till that does not come ends it after six days") {
        put_back.hear(of_the_future(bank, 2, 21), noon);
        CHECK(put_back.asked(2, noon + hours{143}) == "points.settling");
        CHECK(put_back.asked(2, noon + hours{144}) == "granted");
    }
    SECTION("one that was told no more than the server knows shows nothing") {
        said.acked = said.last;
        said.ack_generation = put_back.newest_start().generation;
        said.cursor = {put_back.first_start(), put_back.newest_start().first_version};
        put_back.hear(said, noon);
        CHECK(put_back.asked(2, noon) == "granted");
    }
}

TEST_CASE("memories that are gone and had nothing left are forgotten") {
    Bank bank{each_engine()};
    bank.earn("C0001", 150);
    bank.shop.refresh_all();
    bank.tell(1, {event_of(bank.back(1, 11, 150), "all of it")});
    bank.hello(1, 12, noon);
    bank.hello(2, 22, noon);
    must(bank.book.free_the_dead(noon + hours{143}));
    CHECK(count(*bank.shop.writer, "rights_holder") == 4);
    must(bank.book.free_the_dead(noon + hours{144}));
    CHECK(count(*bank.shop.writer, "rights_holder") == 2);
    CHECK(count(*bank.shop.writer, "right_account") == 0);
}

TEST_CASE("a new policy makes every slice be looked at, the same one none") {
    Bank bank{each_engine()};
    bank.earn("C0001", 150);
    must(bank.book.adopt({}, noon));
    bank.shop.refresh_all();
    must(bank.book.adopt({}, noon));
    CHECK(bank.shop.status().dirty_profiles == 0);
    must(bank.book.adopt({crm::OfflinePoints::floor_limit, {{200}, {0}, {20}}}, noon));
    CHECK(bank.shop.status().dirty_profiles == 1);
}

#ifdef MUDI_MUTANTS

TEST_CASE("the bug planted in the books of rights does what its name says") {
    Bank bank{db::Engine::sqlite};
    bank.earn("C0001", 100);
    mutant::plant(mutant::Bug::hold_granted_twice);
    const auto first = bank.ask(1, 1, 1, 80);
    const auto second = bank.ask(2, 2, 1, 80);
    mutant::plant(std::nullopt);
    CHECK(must(first).granted);
    CHECK(must(second).granted);
}

#endif
