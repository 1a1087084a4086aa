#include "unit/server/support/shop.hpp"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include <mudi/base/db/backup.hpp>
#include <mudi/base/db/halt.hpp>
#include <mudi/server/backup.hpp>

using namespace mudi;
using namespace mudi::test;

namespace {

std::vector<sync::Event> some(int from, int to) {
    std::vector<sync::Event> events;
    for (int i = from; i < to; ++i)
        events.push_back(event_of(sale(key_of("n" + std::to_string(i)), {{"tea", 1, 5000}})));
    return events;
}

struct Backed : Shop {
    Backed() : Shop(db::Engine::sqlite) {}

    std::string copy(const std::string& name = "copy.db") {
        const std::string path = folder.file(name);
        must(db::backup(database.options(), path));
        return path;
    }
    /// Opens the copy and changes it as a failing disk would not, but with the same outcome.
    void damage(const std::string& path, const std::string& sql) {
        db::Options options;
        options.target = path;
        const auto file = must(db::Connection::open(options));
        run(*file, sql);
    }
    sync::Standing standing(std::int64_t number) {
        return must(inbox->standing(TillId{number}, lives[number].incarnation));
    }

    TempDir folder;
};

std::string found(const std::string& path) {
    const auto facts = server::verify_backup(path);
    return facts ? "whole" : facts.error().name;
}

} // namespace

TEST_CASE("a backup taken while the server stores events is whole and of one moment") {
    Backed shop;
    shop.push(1, some(0, 300));
    // Large enough for a backup of several steps.
    run(*shop.writer, "CREATE TABLE filler AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                      "WHERE i < 600) SELECT randomblob(8000) AS body FROM n");
    std::atomic<bool> copied{false};
    std::atomic<int> steps{0};
    std::string path = shop.folder.file("copy.db");
    Status done;
    std::atomic<std::int64_t> stored{0};
    std::thread copier([&] {
        // Goes on only when the writer has committed in between, so that every step meets a changed database.
        std::int64_t seen = stored;
        done = db::backup(shop.database.options(), path, [&] {
            ++steps;
            for (int turn = 0; stored == seen && turn < 10'000'000; ++turn) std::this_thread::yield();
            seen = stored;
            return steps < 500; // a copy that begins anew with every commit never ends
        });
        copied = true;
    });
    int next = 300;
    while (!copied) {
        shop.push(1, some(next, next + 20));
        next += 20;
        stored = next;
    }
    copier.join();
    must(done);
    CHECK(steps >= 4);
    const auto facts = must(server::verify_backup(path));
    REQUIRE(facts.lives.size() == 1);
    CHECK(facts.events == facts.lives[0].mark.seq.value);
    CHECK(facts.events >= 300);
    CHECK(facts.events < next);
    CHECK(facts.bytes == static_cast<std::int64_t>(std::filesystem::file_size(path)));
    // Nothing is needed beside it.
    CHECK(std::distance(std::filesystem::directory_iterator(shop.folder.path()), {}) == 1);
    // The server goes on from it as from its own database.
    std::filesystem::copy_file(path, shop.folder.file("restored.db"));
    db::Options options = shop.database.options();
    options.target = shop.folder.file("restored.db");
    const auto restored = must(db::Connection::open(options));
    must(server::migrate(*restored));
    server::Inbox inbox{*restored};
    CHECK(must(inbox.high_water(TillId{1}, Incarnation{77})) == facts.lives[0].mark);
}

TEST_CASE("a check that is ended midway says so, whole file or not") {
    Backed shop;
    shop.push(1, some(0, 50));
    run(*shop.writer, "CREATE TABLE filler AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                      "WHERE i < 2000) SELECT randomblob(4000) AS body FROM n");
    const auto path = shop.copy();
    std::atomic<bool> begun{false};
    std::atomic<bool> ended{false};
    db::Halt halt;
    std::thread other([&] {
        while (!begun) std::this_thread::yield();
        while (!ended) halt.now();
    });
    begun = true;
    auto facts = server::verify_backup(path, {}, &halt);
    // Through before it was told to end: then the next one is ended.
    while (facts) facts = server::verify_backup(path, {}, &halt);
    ended = true;
    other.join();
    CHECK(facts.error().name == "db.stopped");
    CHECK(server::verify_backup(path, {}, &halt).error().name == "db.stopped");
    db::Halt calm;
    CHECK(must(server::verify_backup(path, {}, &calm)).events == 50);
}

TEST_CASE("what was changed in a backup is found") {
    Backed shop;
    shop.push(1, some(0, 5));
    shop.push(2, some(5, 8));
    const auto path = shop.copy();
    const auto facts = must(server::verify_backup(path));
    CHECK(facts.events == 8);
    CHECK(facts.schema == count(*shop.writer, "schema_migration"));
    CHECK(facts.lives ==
          std::vector<server::BackupFacts::Life>{{TillId{1}, Incarnation{77}, shop.lives[1].mark},
                                                 {TillId{2}, Incarnation{77}, shop.lives[2].mark}});
    const char* const changes[] = {
        "UPDATE inbox SET body = CAST(body || 'x' AS BLOB) WHERE id = 3", // a body
        "UPDATE inbox SET chain = zeroblob(16) WHERE id = 6",             // a chain value
        "DELETE FROM inbox WHERE id = 2",                                 // an event in between
        "DELETE FROM inbox WHERE id = 8",                                 // the last one
        "UPDATE life SET seq = seq + 1 WHERE till = 1",                   // a mark
        "UPDATE life SET chain = zeroblob(16) WHERE till = 2",
        "DELETE FROM life WHERE till = 2",
    };
    int number = 0;
    for (const char* const change : changes) {
        INFO(change);
        const auto copy = shop.copy("changed" + std::to_string(number++) + ".db");
        REQUIRE(found(copy) == "whole");
        shop.damage(copy, change);
        CHECK(found(copy) == "backup.chain");
    }
}

TEST_CASE("one flipped bit in a stored body is found") {
    Backed shop;
    auto sold = sale(key_of("a"), {{"tea", 1, 5000}});
    sold.lines[0].description = "a description that is nowhere else";
    shop.push(1, std::vector{sold});
    const auto path = shop.copy();
    REQUIRE(found(path) == "whole");
    std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
    std::string bytes{std::istreambuf_iterator<char>{file}, {}};
    const auto at = bytes.find("nowhere else");
    REQUIRE(at != std::string::npos);
    file.clear();
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(bytes[at] ^ 0x10));
    file.close();
    CHECK(found(path) == "backup.chain");
}

TEST_CASE("a file that is no backup is told from a damaged one") {
    Backed shop;
    shop.push(1, some(0, 200));
    CHECK(found(shop.folder.file("missing.db")) == "db.open");
    std::ofstream{shop.folder.file("text.db")} << std::string(5000, 'x');
    CHECK(found(shop.folder.file("text.db")) == "db.corrupt");
    db::Options options;
    options.target = shop.folder.file("other.db");
    run(*must(db::Connection::open(options)), "CREATE TABLE something (a INTEGER) STRICT");
    CHECK(found(options.target) == "backup.schema");
    const auto newer = shop.copy("newer.db");
    shop.damage(newer, "INSERT INTO schema_migration (number, name, hash) VALUES (99, 'later', '')");
    CHECK(found(newer) == "backup.schema");
    const auto torn = shop.copy("torn.db");
    std::filesystem::resize_file(torn, std::filesystem::file_size(torn) / 2);
    const auto name = found(torn);
    CHECK((name == "db.corrupt" || name == "backup.damaged"));
}

TEST_CASE("only a verified backup makes events safe, and only those it has") {
    Backed shop;
    shop.push(1, some(0, 5));
    CHECK(shop.standing(1).safe.value == 0);
    const auto facts = must(server::verify_backup(shop.copy()));
    shop.push(1, some(5, 7));
    shop.push(2, some(7, 9));
    CHECK(shop.standing(1).safe.value == 0);
    CHECK(shop.status().unsafe == 9);
    server::Backups backups{*shop.writer, *shop.inbox};
    CHECK(must(backups.record(facts, "/backups/1", noon, noon + std::chrono::seconds{5})) == 1);
    CHECK(shop.standing(1).safe.value == 5);
    CHECK(shop.standing(2).safe.value == 0);
    const auto batch = shop.till(1).batch(some(9, 10));
    const auto standing = must(must(shop.inbox->append({&batch, 1}, noon)).front());
    CHECK(standing.safe.value == 5);
    CHECK(standing.mark.seq.value == 8);
    shop.open();
    CHECK(must(shop.inbox->register_till(shop.lives[1].hello(), noon)).safe.value == 5);
    CHECK(shop.status().unsafe == 5);
    CHECK(shop.status().backups == 1);
    CHECK(shop.status().backup_verified == noon + std::chrono::seconds{5});
}

TEST_CASE("a backup of another history makes nothing safe, and an older one takes nothing back") {
    Backed shop;
    shop.push(1, some(0, 5));
    server::Backups backups{*shop.writer, *shop.inbox};
    const auto old = must(server::verify_backup(shop.copy("old.db")));
    shop.push(1, some(5, 9));
    auto forged = old;
    forged.lives[0].mark = {EventSeq{9}, hash128("another history")};
    must(backups.record(forged, "", noon, noon));
    CHECK(shop.standing(1).safe.value == 0);
    auto future = old;
    future.lives[0].mark.seq = EventSeq{20}; // what a restore has lost
    must(backups.record(future, "", noon, noon));
    CHECK(shop.standing(1).safe.value == 0);
    must(backups.record(must(server::verify_backup(shop.copy("new.db"))), "", noon, noon));
    CHECK(shop.standing(1).safe.value == 9);
    must(backups.record(old, "", noon, noon));
    CHECK(shop.standing(1).safe.value == 9);
}

TEST_CASE("a server put back says again what was safe when the backup was made") {
    Backed shop;
    shop.push(1, some(0, 5));
    server::Backups backups{*shop.writer, *shop.inbox};
    must(backups.record(must(server::verify_backup(shop.copy("first.db"))), "", noon, noon));
    shop.push(1, some(5, 9));
    const auto path = shop.copy("second.db");
    must(backups.record(must(server::verify_backup(path)), "", noon, noon));
    CHECK(shop.standing(1).safe.value == 9);
    db::Options options = shop.database.options();
    options.target = path;
    const auto restored = must(db::Connection::open(options));
    must(server::migrate(*restored));
    server::Inbox inbox{*restored};
    const auto standing = must(inbox.standing(TillId{1}, Incarnation{77}));
    CHECK(standing.mark.seq.value == 9);
    CHECK(standing.safe.value == 5);
}

TEST_CASE("the operator's word makes safe what was received before that backup") {
    Shop shop{each_engine()};
    shop.push(1, some(0, 3));
    const auto batch = shop.till(1).batch(some(3, 5));
    must(must(shop.inbox->append({&batch, 1}, noon + std::chrono::seconds{1})).front());
    server::Backups backups{*shop.writer, *shop.inbox};
    must(backups.confirm_external(noon, noon + std::chrono::hours{1}));
    CHECK(must(shop.inbox->standing(TillId{1}, Incarnation{77})).safe.value == 3);
    must(backups.confirm_external(noon + std::chrono::seconds{1}, noon + std::chrono::hours{2}));
    CHECK(must(shop.inbox->standing(TillId{1}, Incarnation{77})).safe.value == 5);
    must(backups.confirm_external(noon, noon + std::chrono::hours{3}));
    CHECK(must(shop.inbox->standing(TillId{1}, Incarnation{77})).safe.value == 5);
    const auto rows = must(backups.list(2));
    REQUIRE(rows.size() == 2);
    CHECK(rows[1] ==
          server::BackupRow{2, noon + std::chrono::seconds{1}, "", 0, 5, noon + std::chrono::hours{2}});
    CHECK(must(backups.forget(3)));
    CHECK_FALSE(must(backups.forget(3)));
    CHECK(must(backups.list(10)).at(0).id == 2);
    CHECK(shop.status().backups == 3);
}
