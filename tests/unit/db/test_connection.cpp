#include "engines.hpp"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include <mudi/base/db/halt.hpp>

using namespace mudi;
using namespace mudi::db;
using namespace mudi::test;

namespace {

std::string open_error(const Options& options) {
    const auto connection = Connection::open(options);
    return connection ? "fine" : connection.error().name;
}

std::int64_t pragma(Connection& connection, const std::string& name) {
    Query<Columns<std::int64_t>, Params<>> query{connection, "PRAGMA " + name};
    return std::get<0>(**query.first());
}

} // namespace

TEST_CASE("a target names its engine") {
    CHECK(parse_target("sqlite:/var/lib/mudi/till.db")->target == "/var/lib/mudi/till.db");
    CHECK(parse_target("till.db")->engine == Engine::sqlite);
    CHECK(parse_target("/data/a:b.db")->target == "/data/a:b.db");
    CHECK(parse_target(":memory:")->target == ":memory:");
    CHECK(parse_target("sqlite::memory:")->target == ":memory:");
    const auto server = parse_target("postgresql://mudi@db.example/mudi");
    CHECK(server->engine == Engine::postgresql);
    CHECK(server->target == "postgresql://mudi@db.example/mudi");
    for (const auto* wrong : {"", "sqlite:", "mysql://host/db", "http:x", "a\"b", "a\nb"}) {
        CHECK(parse_target(wrong).error().name == "db.target");
    }
}

TEST_CASE("a commit is on the disk when it returns, unless asked otherwise") {
    const TempDir folder;
    Options options{.target = folder.file("a.db")};
    const auto full = Connection::open(options).value();
    CHECK(pragma(*full, "synchronous") == 2);
    CHECK(pragma(*full, "foreign_keys") == 1);
    Query<Columns<std::string>, Params<>> mode{*full, "PRAGMA journal_mode"};
    CHECK(std::get<0>(**mode.first()) == "wal");
    options.durability = Durability::normal;
    CHECK(pragma(**Connection::open(options), "synchronous") == 1);
    options.durability = Durability::off;
    CHECK(pragma(**Connection::open(options), "synchronous") == 0);
}

TEST_CASE("PostgreSQL keeps the durability that was asked for") {
    const Database database{Engine::postgresql};
    auto options = database.options();
    const auto word = [&](Durability durability) {
        options.durability = durability;
        const auto connection = Connection::open(options).value();
        Query<Columns<std::string>, Params<>> show{*connection, "SHOW synchronous_commit"};
        return std::get<0>(**show.first());
    };
    CHECK(word(Durability::full) == "on");
    CHECK(word(Durability::normal) == "off");
}

TEST_CASE("a damaged file is refused when it is opened") {
    const TempDir folder;
    Options options{.target = folder.file("a.db")};
    SECTION("because it is something else") { std::ofstream(options.target) << std::string(8192, 'x'); }
    SECTION("because its end is missing") {
        run(**Connection::open(options),
            "CREATE TABLE t (a TEXT); CREATE TABLE u (a TEXT); CREATE TABLE v (a TEXT)");
        std::filesystem::resize_file(options.target, 4096);
    }
    SECTION("because its first page is overwritten") {
        run(**Connection::open(options), "CREATE TABLE t (a TEXT)");
        std::fstream(options.target, std::ios::in | std::ios::out).seekp(100) << std::string(3000, '\xff');
    }
    const auto before = std::filesystem::file_size(options.target);
    CHECK(open_error(options) == "db.corrupt");
    CHECK(std::filesystem::file_size(options.target) == before);
}

TEST_CASE("a place that cannot hold a database is db.open") {
    const TempDir folder;
    CHECK(open_error({.target = folder.file("none/a.db")}) == "db.open");
    CHECK(open_error({.target = folder.path().string()}) == "db.open");
    std::ofstream(folder.file("plain")) << "x";
    CHECK(open_error({.target = folder.file("plain/a.db")}) == "db.open");
    CHECK(open_error({.target = folder.file("absent.db"), .read_only = true}) == "db.open");
    CHECK_FALSE(std::filesystem::exists(folder.file("absent.db")));
}

TEST_CASE("a server that is not there is unavailable, and the error keeps the password") {
    const TempDir folder;
    const auto connection =
        Connection::open({.engine = Engine::postgresql,
                          .target = "postgresql:///x?host=" + folder.path().string() + "&password=sesame"});
    REQUIRE_FALSE(connection);
    CHECK(connection.error().code == Code::unavailable);
    CHECK(connection.error().name == "db.connection");
    CHECK(connection.error().what.find("sesame") == std::string::npos);
}

TEST_CASE("a lost server is unavailable") {
    const Database database{Engine::postgresql};
    const auto lost = database.open();
    const auto killer = database.open();
    Query<Columns<std::int64_t>, Params<>> own{*lost, "SELECT pg_backend_pid()"};
    const auto pid = std::get<0>(**own.first());
    auto transaction = WriteTransaction::begin(*lost);
    REQUIRE(transaction);
    Query<Columns<std::int64_t>, Params<std::int64_t>> kill{
        *killer, "SELECT 1 WHERE pg_terminate_backend(cast(:pid AS int), 10000)"};
    REQUIRE(kill.first(pid).value().has_value());

    const auto asked = own.first();
    REQUIRE_FALSE(asked);
    CHECK(asked.error().code == Code::unavailable);
    CHECK(asked.error().name == "db.connection");
    CHECK(transaction->commit().error().name == "db.connection");
    CHECK_FALSE(lost->in_transaction());
    CHECK(lost->execute("SELECT 1").error().name == "db.connection");
    CHECK(WriteTransaction::begin(*lost).error().name == "db.connection");
}

TEST_CASE("a full disk is db.full and costs only the transaction") {
    const TempDir folder;
    const auto connection =
        Connection::open({.target = folder.file("a.db"), .durability = Durability::off}).value();
    run(*connection, "CREATE TABLE t (a TEXT NOT NULL); PRAGMA max_page_count = 20");
    Command<std::string> insert{*connection, "INSERT INTO t (a) VALUES (:a)"};
    REQUIRE(insert("small"));
    {
        auto transaction = WriteTransaction::begin(*connection);
        REQUIRE(transaction);
        const auto large = insert(std::string(200'000, 'x'));
        REQUIRE_FALSE(large);
        CHECK(large.error().name == "db.full");
        CHECK(large.error().code == Code::io);
        CHECK(transaction->commit().error().name == "db.full");
    }
    CHECK(insert("small").value() == 1);
    CHECK(count(*connection, "t") == 2);
}

TEST_CASE("a connection that only reads cannot write") {
    const Database database{each_engine()};
    const auto writer = database.open();
    run(*writer, "CREATE TABLE t (a INTEGER NOT NULL)");
    auto options = database.options();
    options.read_only = true;
    const auto reader = Connection::open(options).value();
    CHECK(count(*reader, "t") == 0);
    Command<std::int64_t> insert{*reader, "INSERT INTO t (a) VALUES (:a)"};
    const auto written = insert(1);
    REQUIRE_FALSE(written);
    CHECK(written.error().name == "db.read_only");
    run(*writer, "INSERT INTO t VALUES (1)");
    CHECK(count(*reader, "t") == 1);
}

TEST_CASE("a database knows its size") {
    const Database database{each_engine()};
    const auto connection = database.open();
    run(*connection, "CREATE TABLE t (a TEXT NOT NULL)");
    const auto before = connection->size_bytes();
    CHECK(before > 0);
    // Digits of a growing number: PostgreSQL would compress a repeated letter away.
    Command<std::string> insert{*connection, "INSERT INTO t (a) VALUES (:a)"};
    std::string text;
    for (int i = 0; i < 20'000; ++i) text += std::to_string(i * 7919);
    for (int i = 0; i < 10; ++i) REQUIRE(insert(text));
    CHECK(connection->size_bytes() > before + 500'000);
    CHECK((*Connection::open({.target = ":memory:"}))->size_bytes() == 0);
}

TEST_CASE("a statement that takes long is ended from another thread, and the connection goes on") {
    const TempDir folder;
    Halt halt;
    Options options{.target = folder.file("a.db")};
    options.halt = &halt;
    const auto connection = Connection::open(options).value();
    REQUIRE(connection->execute("CREATE TABLE filler AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT "
                                "i + 1 FROM n WHERE i < 2000) SELECT i, randomblob(4000) AS body FROM n"));
    const auto end_of = [&](const char* sql) {
        std::atomic<bool> ended{false};
        std::thread other([&] {
            while (!ended) halt.now();
        });
        Status done;
        // One that was through before it was told to end proves nothing.
        while (done) done = connection->execute(sql);
        ended = true;
        other.join();
        return done.error();
    };
    CHECK_FALSE(halt.called());
    SECTION("without an end of its own") {
        const auto error = end_of("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                                  "SELECT count(*) FROM n");
        CHECK(error.name == "db.stopped");
        CHECK(error.code == Code::unavailable);
    }
    SECTION("inside one step of the engine") { CHECK(end_of("PRAGMA integrity_check").name == "db.stopped"); }
    CHECK(halt.called());
    CHECK(connection->execute("INSERT INTO filler VALUES (0, x'00')"));
}
