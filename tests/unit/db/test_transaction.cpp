#include "engines.hpp"

using namespace mudi;
using namespace mudi::db;
using namespace mudi::test;

namespace {

constexpr auto table = "CREATE TABLE t (a INTEGER NOT NULL PRIMARY KEY, n INTEGER NOT NULL)";
constexpr auto insert_sql = "INSERT INTO t (a, n) VALUES (:a, 0)";

} // namespace

TEST_CASE("what is committed stays, for others too") {
    const Database database{each_engine()};
    const auto connection = database.open();
    const auto other = database.open();
    run(*connection, table);
    Command<std::int64_t> insert{*connection, insert_sql};
    CHECK_FALSE(connection->in_transaction());
    auto transaction = WriteTransaction::begin(*connection);
    REQUIRE(transaction);
    CHECK(connection->in_transaction());
    REQUIRE(insert(1));
    CHECK(count(*other, "t") == 0);
    REQUIRE(transaction->commit());
    CHECK_FALSE(connection->in_transaction());
    CHECK(count(*other, "t") == 1);
}

TEST_CASE("a transaction that is left without commit leaves nothing") {
    const Database database{each_engine()};
    const auto connection = database.open();
    run(*connection, table);
    Command<std::int64_t> insert{*connection, insert_sql};
    {
        auto transaction = WriteTransaction::begin(*connection);
        REQUIRE(transaction);
        const auto moved = std::move(*transaction);
        REQUIRE(insert(1));
        run(*connection, "CREATE TABLE u (a INTEGER)");
    }
    CHECK_FALSE(connection->in_transaction());
    CHECK(count(*connection, "t") == 0);
    run(*connection, "CREATE TABLE u (a INTEGER)");
    CHECK(insert(1).value() == 1);
}

TEST_CASE("after an error nothing of the transaction can be committed") {
    const Database database{each_engine()};
    const auto connection = database.open();
    run(*connection, table);
    Command<std::int64_t> insert{*connection, insert_sql};
    REQUIRE(insert(1));
    auto transaction = WriteTransaction::begin(*connection);
    REQUIRE(transaction);
    REQUIRE(insert(2));
    CHECK(insert(1).error().name == "db.constraint");
    const auto committed = transaction->commit();
    REQUIRE_FALSE(committed);
    CHECK(committed.error().name == "db.constraint");
    CHECK_FALSE(connection->in_transaction());
    CHECK(count(*connection, "t") == 1);

    auto next = WriteTransaction::begin(*connection);
    REQUIRE(next);
    REQUIRE(insert(3));
    CHECK(next->commit());
    CHECK(count(*connection, "t") == 2);
}

TEST_CASE("an error that shows only at the commit rolls back") {
    const Database database{each_engine()};
    const auto connection = database.open();
    run(*connection, table);
    run(*connection,
        "CREATE TABLE child (a INTEGER NOT NULL REFERENCES t (a) DEFERRABLE INITIALLY DEFERRED)");
    auto transaction = WriteTransaction::begin(*connection);
    REQUIRE(transaction);
    run(*connection, "INSERT INTO child VALUES (7)");
    const auto committed = transaction->commit();
    REQUIRE_FALSE(committed);
    CHECK(committed.error().name == "db.constraint");
    CHECK_FALSE(connection->in_transaction());
    CHECK(count(*connection, "child") == 0);
    CHECK(WriteTransaction::begin(*connection));
}

TEST_CASE("the second writer of one SQLite file is told that it is busy when it begins") {
    const Database database{Engine::sqlite};
    const auto first = database.open();
    const auto second = database.open();
    run(*first, table);
    auto held = WriteTransaction::begin(*first);
    REQUIRE(held);
    const auto refused = WriteTransaction::begin(*second);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::busy);
    CHECK(refused.error().name == "db.busy");
    CHECK_FALSE(second->in_transaction());
    CHECK(count(*second, "t") == 0);
    REQUIRE(held->commit());
    CHECK(WriteTransaction::begin(*second));
}

TEST_CASE("the second writer of one row is told that it is busy") {
    const Database database{Engine::postgresql};
    const auto first = database.open();
    const auto second = database.open();
    run(*first, table);
    run(*first, "INSERT INTO t VALUES (1, 0)");
    Command<std::int64_t> bump_first{*first, "UPDATE t SET n = n + 1 WHERE a = :a"};
    Command<std::int64_t> bump_second{*second, "UPDATE t SET n = n + 1 WHERE a = :a"};
    auto held = WriteTransaction::begin(*first);
    REQUIRE(held);
    REQUIRE(bump_first(1));
    const auto refused = bump_second(1);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().name == "db.busy");
    REQUIRE(held->commit());
    CHECK(bump_second(1).value() == 1);
}

TEST_CASE("rows may be changed while others are read in one transaction") {
    const Database database{each_engine()};
    const auto connection = database.open();
    run(*connection, table);
    run(*connection, "INSERT INTO t VALUES (1, 0); INSERT INTO t VALUES (2, 0)");
    Query<Columns<std::int64_t>, Params<>> list{*connection, "SELECT a FROM t ORDER BY a"};
    Command<std::int64_t> bump{*connection, "UPDATE t SET n = n + 1 WHERE a = :a"};
    auto transaction = WriteTransaction::begin(*connection);
    REQUIRE(transaction);
    REQUIRE(list.each([&](std::int64_t a) { REQUIRE(bump(a)); }));
    REQUIRE(transaction->commit());
    Query<Columns<std::int64_t>, Params<>> sum{*connection, "SELECT sum(n) FROM t"};
    CHECK(std::get<0>(**sum.first()) == 2);
}

TEST_CASE("statements that keep failing leave nothing behind at the server") {
    const Database database{Engine::postgresql};
    const auto connection = database.open();
    run(*connection, table);
    Command<std::int64_t> insert{*connection, insert_sql};
    REQUIRE(insert(1));
    for (int i = 0; i < 5; ++i) {
        const auto transaction = WriteTransaction::begin(*connection);
        REQUIRE(transaction);
        REQUIRE_FALSE(insert(1));
        REQUIRE_FALSE(insert(2));
    }
    // The count itself is prepared, too.
    CHECK(count(*connection, "pg_prepared_statements") == 1);
}
