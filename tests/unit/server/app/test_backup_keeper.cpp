#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <string>

#include <mudi/base/db/backup.hpp>
#include <server/app/alarm_log.hpp>
#include <server/app/backup_keeper.hpp>
#include <server/app/restore.hpp>
#include <server/app/stores.hpp>
#include <support/temp_dir.hpp>

using namespace mudi;
using namespace mudi::server;

namespace {

namespace fs = std::filesystem;
const Time now = *parse_time("2026-11-21T10:00:00Z");

std::string text_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// A server's data folder with `events` sales of till 1.
struct Shop {
    Shop() {
        Settings settings;
        settings.data_dir = folder.file("data");
        plan = *plan_from(settings);
        fs::create_directories(plan.data_dir);
    }
    void sell(int events) {
        auto opened = open_database(plan.database, now);
        REQUIRE(opened);
        Stores stores(std::move(opened->connection), opened->keys, plan);
        sync::TillHello hello;
        hello.till = TillId{1};
        hello.store = StoreId{"KOL01"};
        hello.workstation = WorkstationId{"1"};
        hello.incarnation = Incarnation{5};
        hello.wall = now;
        const auto standing = stores.inbox.register_till(hello, now);
        REQUIRE(standing);
        sync::PushedBatch batch{TillId{1}, Incarnation{5}, standing->mark.chain, {}};
        for (int i = 0; i < events; ++i) {
            sync::Event event;
            event.seq = EventSeq{standing->mark.seq.value + i + 1};
            event.id = EventId{Bits128{7, static_cast<std::uint64_t>(event.seq.value)}};
            event.kind = 99;
            event.body = "body " + std::to_string(event.seq.value);
            batch.events.push_back(event);
        }
        const auto stored = stores.inbox.append({&batch, 1}, now);
        REQUIRE(stored);
        REQUIRE(stored->at(0));
    }
    std::int64_t events() {
        auto options = plan.database;
        options.read_only = true;
        const auto connection = db::Connection::open(options);
        REQUIRE(connection);
        return StatusReader(**connection).counts(now)->received;
    }
    fs::path backup(const std::string& name) {
        auto path = folder.path() / name;
        REQUIRE(db::backup(plan.database, path.string()));
        return path;
    }

    mudi::test::TempDir folder;
    Plan plan;
};

BackupRow row(std::int64_t id, const std::string& path) {
    BackupRow made;
    made.id = id;
    made.made = now + std::chrono::hours{id};
    made.path = path;
    return made;
}

} // namespace

TEST_CASE("the newest of the server's own backups are kept, and no other file is touched") {
    const std::vector<BackupRow> rows{row(1, "/b/mudi-1.db"),
                                      row(2, "/b/mudi-2.db"),
                                      row(3, "/usb/mudi-3.db"),
                                      row(4, "/b/by-hand.copy"),
                                      row(5, ""),
                                      row(6, "/b/mudi-6.db")};
    const auto removed = [&](std::size_t keep) {
        std::vector<std::int64_t> ids;
        for (const auto& one : backups_to_remove(rows, "/b", keep)) ids.push_back(one.id);
        return ids;
    };
    CHECK(removed(1) == std::vector<std::int64_t>{2, 1});
    CHECK(removed(2) == std::vector<std::int64_t>{1});
    CHECK(removed(3).empty());
    CHECK(removed(30).empty());
}

TEST_CASE("a restore puts the backup in place and keeps what was there, with its log") {
    Shop shop;
    shop.sell(3);
    const auto copy = shop.backup("copy.db");
    shop.sell(4);
    REQUIRE(shop.events() == 7);
    const auto done = restore(shop.plan, copy, now);
    REQUIRE(done);
    CHECK(done->facts.events == 3);
    CHECK(shop.events() == 3);
    REQUIRE(fs::exists(done->replaced));
    CHECK_FALSE(fs::exists(done->database.string() + ".restoring"));
    // The one that was replaced is whole: it can be put back.
    const auto back = restore(shop.plan, done->replaced, now + std::chrono::seconds{1});
    REQUIRE(back);
    CHECK(shop.events() == 7);
    CHECK(back->replaced != done->replaced);
}

TEST_CASE("after a restore no points are given out before the tills have told") {
    Shop shop;
    shop.sell(3);
    const auto copy = shop.backup("copy.db");
    REQUIRE(restore(shop.plan, copy, now));
    auto opened = open_database(shop.plan.database, now);
    REQUIRE(opened);
    Stores stores(std::move(opened->connection), opened->keys, shop.plan);
    CHECK(StatusReader(*stores.connection).counts(now)->points_settling);
    CHECK(stores.rights.reserve({TillId{1}, HoldId{Bits128{1, 1}}, ProfileId{1}, Points{5}}, now)
              .error()
              .name == "points.settling");
}

TEST_CASE("a restore takes nothing that is not a whole backup, and changes nothing then") {
    Shop shop;
    shop.sell(3);
    const auto copy = shop.backup("copy.db");
    const auto before = text_of(shop.plan.database.target);
    const auto refused = [&](const fs::path& from) {
        const auto done = restore(shop.plan, from, now);
        CHECK(text_of(shop.plan.database.target) == before);
        CHECK_FALSE(fs::exists(shop.plan.database.target + ".restoring"));
        return done ? std::string("taken") : done.error().name;
    };
    CHECK(refused(shop.folder.file("nothing.db")) == "file.missing");
    CHECK(refused(shop.folder.path()) == "file.missing");
    std::ofstream(shop.folder.path() / "garbage.db") << std::string(8192, 'x');
    CHECK(refused(shop.folder.file("garbage.db")) == "db.corrupt");
    {
        db::Options options;
        options.target = copy.string();
        const auto connection = db::Connection::open(options);
        REQUIRE(connection);
        REQUIRE((*connection)->execute("UPDATE inbox SET body = x'00' WHERE seq = 2 AND life > 0"));
    }
    CHECK(refused(copy) == "backup.chain");
    auto postgresql = shop.plan;
    postgresql.database.engine = db::Engine::postgresql;
    CHECK(restore(postgresql, copy, now).error().name == "restore.external");
}

TEST_CASE("a restore into an empty folder makes the database") {
    Shop from;
    from.sell(2);
    const auto copy = from.backup("copy.db");
    Shop to;
    const auto done = restore(to.plan, copy, now);
    REQUIRE(done);
    CHECK(done->replaced.empty());
    CHECK(to.events() == 2);
}

TEST_CASE("an alarm is a change when it begins and when it ends, not while it lasts") {
    const Alarm stalled{"till.stalled", TillId{3}, Duration{60'000}, {}};
    const Alarm longer{"till.stalled", TillId{3}, Duration{65'000}, {}};
    const Alarm other{"till.stalled", TillId{4}, Duration{60'000}, {}};
    const auto begun = changes({}, {stalled});
    CHECK(begun.begun.size() == 1);
    CHECK(begun.ended.empty());
    const auto lasting = changes({stalled}, {longer, other});
    REQUIRE(lasting.begun.size() == 1);
    CHECK(lasting.begun[0].till == TillId{4});
    CHECK(lasting.ended.empty());
    const auto ended = changes({longer, other}, {other});
    CHECK(ended.begun.empty());
    REQUIRE(ended.ended.size() == 1);
    CHECK(ended.ended[0].till == TillId{3});
}
