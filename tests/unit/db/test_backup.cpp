#include "unit/db/engines.hpp"

#include <filesystem>
#include <fstream>

#include <mudi/base/db/backup.hpp>

using namespace mudi;
using namespace mudi::test;

namespace {

std::string name_of(const Status& status) { return status ? "ok" : status.error().name; }

/// Some megabytes, so that copying takes several steps.
void fill(db::Connection& connection) {
    run(connection, "CREATE TABLE thing (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT");
    run(connection, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600) "
                    "INSERT INTO thing SELECT i, randomblob(8000) FROM n");
}

} // namespace

TEST_CASE("a backup is one file with all that was committed, closed to others") {
    Database database{db::Engine::sqlite};
    const auto connection = database.open();
    fill(*connection);
    TempDir folder;
    const std::string path = folder.file("copy.db");
    SECTION("by a connection of its own") { CHECK(name_of(db::backup(database.options(), path)) == "ok"); }
    SECTION("by the connection that has it open") { CHECK(name_of(db::backup(*connection, path)) == "ok"); }
    REQUIRE(std::filesystem::exists(path));
    CHECK((std::filesystem::status(path).permissions() & std::filesystem::perms::all) ==
          (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
    // Only what was committed, and nothing of the copy keeps the original from being written.
    run(*connection, "DELETE FROM thing");
    db::Options options;
    options.target = path;
    options.read_only = true;
    const auto copy = db::Connection::open(options);
    REQUIRE(copy.has_value());
    CHECK(count(**copy, "thing") == 600);
}

TEST_CASE("a backup that is stopped or meets a file leaves what was there") {
    Database database{db::Engine::sqlite};
    const auto connection = database.open();
    fill(*connection);
    TempDir folder;
    int steps = 0;
    CHECK(name_of(db::backup(*connection, folder.file("copy.db"), [&] { return ++steps < 3; })) ==
          "backup.stopped");
    CHECK(steps == 3);
    CHECK(std::filesystem::is_empty(folder.path()));
    std::ofstream{folder.file("there.db")} << "something else";
    CHECK(name_of(db::backup(*connection, folder.file("there.db"))) == "backup.exists");
    CHECK(std::filesystem::file_size(folder.file("there.db")) == 14);
    std::ofstream{folder.file("again.db.part")} << "of a backup that was cut off";
    CHECK(name_of(db::backup(*connection, folder.file("again.db"))) == "ok");
    CHECK_FALSE(std::filesystem::exists(folder.file("again.db.part")));
    CHECK(name_of(db::backup(*connection, folder.file("no/such/folder.db"))) == "db.open");
    auto transaction = db::WriteTransaction::begin(*connection);
    REQUIRE(transaction.has_value());
    CHECK(name_of(db::backup(*connection, folder.file("inside.db"))) == "db.busy");
}

TEST_CASE("what cannot be copied like this says so") {
    TempDir folder;
    db::Options memory;
    memory.target = ":memory:";
    CHECK(name_of(db::backup(memory, folder.file("copy.db"))) == "db.target");
    Database postgres{db::Engine::postgresql};
    CHECK(name_of(db::backup(postgres.options(), folder.file("copy.db"))) == "backup.engine");
    const auto connection = postgres.open();
    CHECK(name_of(db::backup(*connection, folder.file("copy.db"))) == "backup.engine");
    CHECK(std::filesystem::is_empty(folder.path()));
}
