#include "engines.hpp"

#include <array>
#include <vector>

#include <mudi/base/db/migrate.hpp>

using namespace mudi;
using namespace mudi::db;
using namespace mudi::test;

namespace {

const std::vector<Migration> two{
    {1, "customer", "CREATE TABLE customer (id INTEGER NOT NULL PRIMARY KEY, face BLOB) STRICT;", ""},
    {2, "store",
     "-- Where: the shop's own word\nCREATE TABLE store (name TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT "
     "ROWID;\n"
     "INSERT INTO store VALUES ('at 10:30 INTEGER');",
     ""},
};

std::string name_of(const Status& status) { return status ? "fine" : status.error().name; }

std::vector<std::int64_t> applied(Connection& connection) {
    Query<Columns<std::int64_t>, Params<>> list{connection,
                                                "SELECT number FROM schema_migration ORDER BY number"};
    std::vector<std::int64_t> numbers;
    REQUIRE(list.each([&](std::int64_t number) { numbers.push_back(number); }));
    return numbers;
}

} // namespace

TEST_CASE("migrations bring a new database up and then leave it alone") {
    const Database database{each_engine()};
    const auto connection = database.open();
    REQUIRE(name_of(migrate(*connection, two)) == "fine");
    CHECK(applied(*connection) == std::vector<std::int64_t>{1, 2});
    Query<Columns<std::string>, Params<>> store{*connection, "SELECT name FROM store"};
    CHECK(std::get<0>(**store.first()) == "at 10:30 INTEGER");
    // A second run inserts no second store.
    REQUIRE(name_of(migrate(*database.open(), two)) == "fine");
    CHECK(count(*connection, "store") == 1);
}

TEST_CASE("an older database gets only what it lacks") {
    const Database database{each_engine()};
    const auto connection = database.open();
    REQUIRE(migrate(*connection, std::span(two).first(1)));
    run(*connection, "INSERT INTO customer (id) VALUES (7)");
    REQUIRE(name_of(migrate(*connection, two)) == "fine");
    CHECK(applied(*connection) == std::vector<std::int64_t>{1, 2});
    CHECK(count(*connection, "customer") == 1);
}

TEST_CASE("a database that is newer than the program is refused") {
    const Database database{each_engine()};
    const auto connection = database.open();
    REQUIRE(migrate(*connection, two));
    const auto refused = migrate(*connection, std::span(two).first(1));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().name == "db.newer_schema");
    CHECK(refused.error().code == Code::corrupt);
    CHECK(applied(*connection) == std::vector<std::int64_t>{1, 2});
}

TEST_CASE("a migration that was edited after it ran is refused before anything else runs") {
    const Database database{each_engine()};
    const auto connection = database.open();
    REQUIRE(migrate(*connection, std::span(two).first(1)));
    auto edited = two;
    edited[0].sql = "CREATE TABLE customer (id INTEGER NOT NULL PRIMARY KEY, face TEXT) STRICT;";
    CHECK(name_of(migrate(*connection, edited)) == "db.edited_migration");
    CHECK(applied(*connection) == std::vector<std::int64_t>{1});
}

TEST_CASE("a migration slipped in below the newest is refused") {
    const Database database{each_engine()};
    const auto connection = database.open();
    REQUIRE(migrate(*connection, std::span(two).last(1)));
    CHECK(name_of(migrate(*connection, two)) == "db.edited_migration");
    CHECK(applied(*connection) == std::vector<std::int64_t>{2});
}

TEST_CASE("a migration that fails leaves nothing of itself") {
    const Database database{each_engine()};
    const auto connection = database.open();
    auto failing = two;
    failing.push_back({3, "broken", "CREATE TABLE half (a INTEGER); CREATE TABLE half (a INTEGER);", ""});
    const auto refused = migrate(*connection, failing);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().name == "db.sql");
    CHECK(refused.error().what.find("3_broken") != std::string::npos);
    CHECK_FALSE(connection->in_transaction());
    CHECK(applied(*connection) == std::vector<std::int64_t>{1, 2});
    failing.back().sql = "CREATE TABLE half (a INTEGER);";
    CHECK(name_of(migrate(*connection, failing)) == "fine");
}

TEST_CASE("of two files for one number only the engine's own runs") {
    const Database database{each_engine()};
    const auto connection = database.open();
    const std::vector<Migration> split{
        {1, "word", "CREATE TABLE only_sqlite (a INTEGER)", "sqlite"},
        {1, "word", "CREATE TABLE only_postgresql (a BIGINT)", "postgresql"},
    };
    REQUIRE(name_of(migrate(*connection, split)) == "fine");
    CHECK(count(*connection, connection->engine() == Engine::sqlite ? "only_sqlite" : "only_postgresql") ==
          0);
}

TEST_CASE("migrations out of order or twice are refused") {
    const Database database{Engine::sqlite};
    const auto connection = database.open();
    CHECK(name_of(migrate(*connection, std::vector<Migration>{two[1], two[0]})) == "db.sql");
    CHECK(name_of(migrate(*connection, std::vector<Migration>{two[0], two[0]})) == "db.sql");
}

TEST_CASE("a numbered key that counts by itself does so on both engines") {
    const Database database{each_engine()};
    const auto connection = database.open();
    run(*connection, "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, word TEXT NOT NULL) STRICT");
    Query<Columns<std::int64_t>, Params<std::string>> insert{
        *connection, "INSERT INTO t (word) VALUES (:word) RETURNING id"};
    CHECK(std::get<0>(**insert.first("a")) == 1);
    CHECK(std::get<0>(**insert.first("b")) == 2);
}

TEST_CASE("only whole words outside quotes and comments are translated") {
    const auto translated = [](std::string_view sql) { return sql_for(Engine::postgresql, sql); };
    CHECK(translated("a integer, b REAL, c Blob, d TEXT") == "a BIGINT, b DOUBLE PRECISION, c BYTEA, d TEXT");
    CHECK(translated("integers INTEGER_ _BLOB real1") == "integers INTEGER_ _BLOB real1");
    CHECK(translated("'INTEGER ''REAL' \"BLOB\"") == "'INTEGER ''REAL' \"BLOB\"");
    CHECK(translated("-- INTEGER\nREAL /* BLOB */") == "-- INTEGER\nDOUBLE PRECISION /* BLOB */");
    CHECK(translated("CREATE TABLE t (a INTEGER) STRICT;") == "CREATE TABLE t (a BIGINT);");
    CHECK(translated("CREATE TABLE t (a INTEGER)\n  without rowid , strict;\nSELECT 1") ==
          "CREATE TABLE t (a BIGINT);\nSELECT 1");
    CHECK(translated("CREATE TABLE t (strict TEXT)") == "CREATE TABLE t (strict TEXT)");
    CHECK(sql_for(Engine::sqlite, "a INTEGER) STRICT") == "a INTEGER) STRICT");
}
