#include "engines.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include <mudi/base/bytes.hpp>
#include <mudi/base/id.hpp>

using namespace mudi;
using namespace mudi::db;
using namespace mudi::test;

namespace {

constexpr auto all_kinds = "CREATE TABLE thing (id INTEGER NOT NULL PRIMARY KEY, number INTEGER, ratio REAL, "
                           "word TEXT, data BLOB) STRICT";

using Kinds = Command<std::int64_t, std::optional<std::int64_t>, std::optional<double>,
                      std::optional<std::string>, std::optional<Bytes>>;
constexpr auto insert_kinds =
    "INSERT INTO thing (id, number, ratio, word, data) VALUES (:id, :number, :ratio, :word, :data)";
using ReadKinds = Query<Columns<std::optional<std::int64_t>, std::optional<double>,
                                std::optional<std::string>, std::optional<Bytes>>,
                        Params<std::int64_t>>;
constexpr auto read_kinds = "SELECT number, ratio, word, data FROM thing WHERE id = :id";

std::string all_bytes(std::size_t size) {
    std::string data(size, '\0');
    for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<char>(i % 251);
    return data;
}

} // namespace

TEST_CASE("values of every kind come back as they were stored") {
    const Database database{each_engine()};
    const auto connection = database.open();
    run(*connection, all_kinds);
    Kinds insert{*connection, insert_kinds};
    ReadKinds read{*connection, read_kinds};

    const ReadKinds::Row rows[] = {
        {0, 0.0, "", Bytes{}},
        {std::numeric_limits<std::int64_t>::max(), 1.0 / 3.0, "রহিম চাচা — ₹5 'x' \"y\" \\z",
         Bytes{all_bytes(1)}},
        {std::numeric_limits<std::int64_t>::min(), -1e300, "रमेश 👍", Bytes{all_bytes(70'000)}},
        {(std::int64_t{1} << 53) + 1, 5e-324, std::string(100'000, 'a'), Bytes{"\\x00"}},
        {std::nullopt, std::nullopt, std::nullopt, std::nullopt},
    };
    std::int64_t id = 0;
    for (const auto& [number, ratio, word, data] : rows) {
        REQUIRE(insert(++id, number, ratio, word, data).value() == 1);
    }
    id = 0;
    for (const auto& row : rows) {
        const auto found = read.first(++id);
        REQUIRE(found);
        REQUIRE(found->has_value());
        CHECK(**found == row);
    }
    CHECK_FALSE(read.first(99).value().has_value());
}

TEST_CASE("our value types are stored by what they hold") {
    const Database database{each_engine()};
    const auto connection = database.open();
    run(*connection, "CREATE TABLE sale (event BLOB NOT NULL, store TEXT NOT NULL, at INTEGER NOT NULL, "
                     "day INTEGER NOT NULL, incarnation INTEGER NOT NULL, void INTEGER NOT NULL)");
    const EventId event{Bits128{0x0011223344556677ULL, 0xff00ff00ff00ff00ULL}};
    const StoreId store{"KOL-1"};
    const auto at = time_from_ms(1'800'000'000'123);
    const BusinessDay day{20261121};
    const Incarnation incarnation{0xfedcba9876543210ULL};
    Command<EventId, StoreId, Time, BusinessDay, Incarnation, bool> insert{
        *connection, "INSERT INTO sale VALUES (:event, :store, :at, :day, :incarnation, :void)"};
    REQUIRE(insert(event, store, at, day, incarnation, true));
    Query<Columns<EventId, StoreId, Time, BusinessDay, Incarnation, bool>, Params<EventId>> find{
        *connection, "SELECT event, store, at, day, incarnation, void FROM sale WHERE event = :event"};
    CHECK(find.first(event).value() == std::tuple{event, store, at, day, incarnation, true});
}

TEST_CASE("one name may stand in a statement twice") {
    const Database database{each_engine()};
    const auto connection = database.open();
    run(*connection, "CREATE TABLE pair (a INTEGER NOT NULL, b INTEGER NOT NULL)");
    Command<std::int64_t, std::int64_t> insert{*connection, "INSERT INTO pair (a, b) VALUES (:x, :x + :y)"};
    REQUIRE(insert(5, 2));
    Query<Columns<std::int64_t, std::int64_t>, Params<std::optional<std::int64_t>>> find{
        *connection, "SELECT a, b FROM pair WHERE :a IS NULL OR a = :a"};
    CHECK(find.first(std::nullopt).value() == std::tuple{std::int64_t{5}, std::int64_t{7}});
    CHECK(find.first(5).value().has_value());
    CHECK_FALSE(find.first(6).value().has_value());
}

TEST_CASE("names are not looked for in quotes, comments and casts") {
    const Database database{each_engine()};
    const auto connection = database.open();
    Query<Columns<std::string, std::int64_t>, Params<std::int64_t>> query{
        *connection, "SELECT 'at 10:30, it''s :not_me' AS \"x\", -- neither :me it's\n"
                     "cast(:id AS INTEGER) /* nor :me */ + 1"};
    CHECK(query.first(std::int64_t{1} << 40).value() ==
          std::tuple{std::string("at 10:30, it's :not_me"), (std::int64_t{1} << 40) + 1});
}

TEST_CASE("a command tells how many rows it changed") {
    const Database database{each_engine()};
    const auto connection = database.open();
    run(*connection, "CREATE TABLE tally (word TEXT NOT NULL PRIMARY KEY, n INTEGER NOT NULL)");
    Command<std::string> bump{*connection, "INSERT INTO tally (word, n) VALUES (:word, 1) "
                                           "ON CONFLICT (word) DO UPDATE SET n = tally.n + excluded.n"};
    Command<std::string> once{*connection,
                              "INSERT INTO tally (word, n) VALUES (:word, 1) ON CONFLICT DO NOTHING"};
    Command<std::int64_t> remove{*connection, "DELETE FROM tally WHERE n >= :n"};
    CHECK(bump("tea").value() == 1);
    CHECK(bump("tea").value() == 1);
    CHECK(once("tea").value() == 0);
    CHECK(once("rice").value() == 1);
    Query<Columns<std::int64_t>, Params<std::string>> find{*connection,
                                                           "SELECT n FROM tally WHERE word = :word"};
    CHECK(std::get<0>(*find.first("tea").value()) == 2);
    CHECK(remove(3).value() == 0);
    CHECK(remove(1).value() == 2);
}

TEST_CASE("a statement that changes and returns rows is complete however few rows are looked at") {
    const Database database{each_engine()};
    const auto connection = database.open();
    run(*connection, "CREATE TABLE t (a INTEGER NOT NULL)");
    Query<Columns<std::int64_t>, Params<std::int64_t>> insert{
        *connection, "INSERT INTO t (a) VALUES (:a), (:a + 1), (:a + 2) RETURNING a"};
    CHECK(std::get<0>(*insert.first(7).value()) == 7);
    CHECK(count(*connection, "t") == 3);
    CHECK(insert.all(10).value().size() == 3);
    CHECK(count(*database.open(), "t") == 6);
}

TEST_CASE("rows are visited in order until the visitor has enough") {
    const Database database{each_engine()};
    const auto connection = database.open();
    run(*connection, "CREATE TABLE t (a INTEGER NOT NULL)");
    run(*connection, "INSERT INTO t VALUES (3); INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)");
    Query<Columns<std::int64_t>, Params<>> list{*connection, "SELECT a FROM t ORDER BY a"};
    std::vector<std::int64_t> seen;
    REQUIRE(list.each([&](std::int64_t a) {
        seen.push_back(a);
        return a < 2;
    }));
    CHECK(seen == std::vector<std::int64_t>{1, 2});
    CHECK(list.all().value().size() == 3);
}

TEST_CASE("a select that was left early keeps nothing open") {
    const Database database{each_engine()};
    const auto reader = database.open();
    const auto writer = database.open();
    run(*writer, "CREATE TABLE t (a INTEGER NOT NULL)");
    run(*writer, "INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)");
    Query<Columns<std::int64_t>, Params<>> list{*reader, "SELECT a FROM t ORDER BY a"};
    REQUIRE(list.first());

    run(*writer, "INSERT INTO t VALUES (0)");
    CHECK(std::get<0>(*list.first().value()) == 0);
    run(*reader, "INSERT INTO t VALUES (4)");
    if (reader->engine() == Engine::sqlite) {
        Query<Columns<std::int64_t, std::int64_t, std::int64_t>, Params<>> checkpoint{
            *writer, "PRAGMA wal_checkpoint(TRUNCATE)"};
        CHECK(checkpoint.first().value() == std::tuple{std::int64_t{0}, std::int64_t{0}, std::int64_t{0}});
    }
}

TEST_CASE("a broken constraint is a conflict that names it and quotes no value") {
    const Database database{each_engine()};
    const auto connection = database.open();
    run(*connection, "CREATE TABLE card (number TEXT NOT NULL PRIMARY KEY, points INTEGER NOT NULL "
                     "CONSTRAINT points_not_negative CHECK (points >= 0))");
    Command<std::string, std::optional<std::int64_t>> insert{
        *connection, "INSERT INTO card (number, points) VALUES (:number, :points)"};
    REQUIRE(insert("9876543210", 5));
    const auto twice = insert("9876543210", 6);
    REQUIRE_FALSE(twice);
    CHECK(twice.error().code == Code::conflict);
    CHECK(twice.error().name == "db.constraint");
    CHECK(twice.error().what.find("card") != std::string::npos);
    const auto negative = insert("5550001111", -77);
    REQUIRE_FALSE(negative);
    CHECK(negative.error().name == "db.constraint");
    CHECK(negative.error().what.find("points_not_negative") != std::string::npos);
    const auto missing = insert("5550002222", std::nullopt);
    REQUIRE_FALSE(missing);
    CHECK(missing.error().what.find("points") != std::string::npos);
    for (const auto& error : {twice.error(), negative.error(), missing.error()}) {
        CHECK(error.what.find("987") == std::string::npos);
        CHECK(error.what.find("555") == std::string::npos);
        CHECK(error.what.find("77") == std::string::npos);
    }
    CHECK(insert("1", 1).value() == 1);
}

TEST_CASE("a full-text query that does not parse is not quoted in the error") {
    const auto connection = Connection::open(Options{.target = ":memory:"}).value();
    run(*connection, "CREATE VIRTUAL TABLE person USING fts5(name)");
    Query<Columns<std::string>, Params<std::string>> find{*connection,
                                                          "SELECT name FROM person WHERE person MATCH :name"};
    const auto found = find.first("ramesh\" AND (");
    REQUIRE_FALSE(found);
    CHECK(found.error().name == "db.sql");
    CHECK(found.error().what.find("ramesh") == std::string::npos);
}

TEST_CASE("a text the engines cannot both keep is refused") {
    const Database database{each_engine()};
    const auto connection = database.open();
    run(*connection, "CREATE TABLE t (a TEXT NOT NULL)");
    Command<std::string> insert{*connection, "INSERT INTO t (a) VALUES (:a)"};
    const auto with_nul = insert(std::string("a\0b", 3));
    REQUIRE_FALSE(with_nul);
    CHECK(with_nul.error().name == "db.value");
    CHECK(count(*connection, "t") == 0);
}

TEST_CASE("broken SQL and rows of another shape are db.sql") {
    const Database database{each_engine()};
    const auto connection = database.open();
    run(*connection, "CREATE TABLE t (a INTEGER, b TEXT)");
    run(*connection, "INSERT INTO t VALUES (NULL, 'x')");
    const auto name_of = [&]<class C, class... P>(Query<Columns<C>, Params<P...>> query, const P&... values) {
        const auto found = query.first(values...);
        return found ? std::string("fine") : found.error().name;
    };
    using Numbers = Query<Columns<std::int64_t>, Params<>>;
    CHECK(name_of(Numbers{*connection, "SELECT nonsense FROM t"}) == "db.sql");
    CHECK(name_of(Numbers{*connection, "SELEKT 1"}) == "db.sql");
    CHECK(name_of(Numbers{*connection, "SELECT a FROM t"}) == "db.sql");
    CHECK(name_of(Numbers{*connection, "SELECT b FROM t"}) == "db.sql");
    CHECK(name_of(Numbers{*connection, "SELECT 1, 2"}) == "db.sql");
    CHECK(name_of(Numbers{*connection, "SELECT 1 WHERE 1 = :a"}) == "db.sql");
    CHECK(name_of(Query<Columns<std::int64_t>, Params<std::int64_t>>{*connection, "SELECT 1"},
                  std::int64_t{1}) == "db.sql");
    CHECK(name_of(Query<Columns<Bytes>, Params<>>{*connection, "SELECT b FROM t"}) == "db.sql");
}

TEST_CASE("a statement may be made before its table") {
    const Database database{each_engine()};
    const auto connection = database.open();
    Command<std::int64_t> insert{*connection, "INSERT INTO later (a) VALUES (:a)"};
    CHECK(insert(1).error().name == "db.sql");
    run(*connection, "CREATE TABLE later (a INTEGER NOT NULL)");
    CHECK(insert(1).value() == 1);
}
