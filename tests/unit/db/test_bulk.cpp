#include "engines.hpp"

#include <optional>
#include <string>

#include <mudi/base/db/bulk.hpp>

using namespace mudi;
using namespace mudi::db;
using namespace mudi::test;

TEST_CASE("many rows of every kind arrive as they were added") {
    const Database database{each_engine()};
    const auto connection = database.open();
    run(*connection,
        "CREATE TABLE thing (id INTEGER NOT NULL PRIMARY KEY, ratio REAL, word TEXT, data BLOB) STRICT");
    using Row =
        std::tuple<std::int64_t, std::optional<double>, std::optional<std::string>, std::optional<Bytes>>;
    std::vector<Row> rows{
        {std::int64_t{1} << 60, 0.1, "{\"a\\b\",NULL}", Bytes{std::string("\0\xff\\\"", 4)}},
        {2, -1e-300, "NULL", Bytes{}},
        {3, std::nullopt, std::nullopt, std::nullopt},
        {4, 2.0, "", Bytes{std::string(1000, '\0')}},
        {5, 1e22, " রহিম, \n'x' ", Bytes{"{}"}},
    };
    // More than one statement's worth on PostgreSQL.
    for (std::int64_t id = 10; id < 10'012; ++id) rows.emplace_back(id, 0.5, std::to_string(id), Bytes{"b"});
    std::sort(rows.begin(), rows.end());

    Bulk<std::int64_t, std::optional<double>, std::optional<std::string>, std::optional<Bytes>> bulk{
        *connection, "thing", "id, ratio, word, data"};
    auto transaction = WriteTransaction::begin(*connection);
    REQUIRE(transaction);
    for (const auto& [id, ratio, word, data] : rows) REQUIRE(bulk.add(id, ratio, word, data));
    CHECK(bulk.flush().value() == static_cast<std::int64_t>(rows.size()));
    CHECK(bulk.flush().value() == 0);
    REQUIRE(transaction->commit());

    Query<Columns<std::int64_t, std::optional<double>, std::optional<std::string>, std::optional<Bytes>>,
          Params<>>
        list{*connection, "SELECT id, ratio, word, data FROM thing ORDER BY id"};
    CHECK((list.all().value() == rows));
}

TEST_CASE("a bulk insert follows its conflict clause row by row") {
    const Database database{each_engine()};
    const auto connection = database.open();
    run(*connection, "CREATE TABLE tally (word TEXT NOT NULL PRIMARY KEY, n INTEGER NOT NULL)");
    Bulk<std::string, std::int64_t> add{*connection, "tally", "word, n",
                                        "ON CONFLICT (word) DO UPDATE SET n = tally.n + excluded.n"};
    REQUIRE(add.add("tea", 1));
    REQUIRE(add.add("rice", 2));
    REQUIRE(add.add("tea", 3));
    REQUIRE(add.add("tea", 4));
    CHECK(add.flush().value() == 4);
    Query<Columns<std::int64_t>, Params<std::string>> find{*connection,
                                                           "SELECT n FROM tally WHERE word = :word"};
    CHECK(std::get<0>(*find.first("tea").value()) == 8);
    CHECK(std::get<0>(*find.first("rice").value()) == 2);

    Bulk<std::string, std::int64_t> keep{*connection, "tally", "word, n", "ON CONFLICT (word) DO NOTHING"};
    REQUIRE(keep.add("salt", 5));
    REQUIRE(keep.add("salt", 6));
    REQUIRE(keep.add("tea", 7));
    CHECK(keep.flush().value() == 1);
    CHECK(std::get<0>(*find.first("salt").value()) == 5);
    CHECK(std::get<0>(*find.first("tea").value()) == 8);
}

TEST_CASE("rows gathered in a transaction that was rolled back do not come back in the next") {
    const Database database{each_engine()};
    const auto connection = database.open();
    run(*connection, "CREATE TABLE t (a INTEGER NOT NULL)");
    Bulk<std::int64_t> bulk{*connection, "t", "a"};
    {
        const auto transaction = WriteTransaction::begin(*connection);
        REQUIRE(transaction);
        REQUIRE(bulk.add(1));
    }
    auto transaction = WriteTransaction::begin(*connection);
    REQUIRE(transaction);
    REQUIRE(bulk.add(2));
    CHECK(bulk.flush().value() == 1);
    REQUIRE(transaction->commit());
    CHECK(count(*connection, "t") == 1);
}

TEST_CASE("a bulk insert that breaks a constraint says so and can be used again") {
    const Database database{each_engine()};
    const auto connection = database.open();
    run(*connection, "CREATE TABLE t (word TEXT NOT NULL PRIMARY KEY)");
    Bulk<std::string> bulk{*connection, "t", "word"};
    const auto twice = [&]() -> Status {
        MUDI_TRY(auto transaction, WriteTransaction::begin(*connection));
        MUDI_CHECK(bulk.add("9876543210"));
        MUDI_CHECK(bulk.add("9876543210"));
        MUDI_TRY([[maybe_unused]] const auto rows, bulk.flush());
        return transaction.commit();
    }();
    REQUIRE_FALSE(twice);
    CHECK(twice.error().name == "db.constraint");
    CHECK(twice.error().what.find("987") == std::string::npos);
    CHECK(count(*connection, "t") == 0);
    REQUIRE(bulk.add("9876543210"));
    CHECK(bulk.flush().value() == 1);
}
