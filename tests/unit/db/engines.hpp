#pragma once

#include <memory>
#include <string>

#include <catch2/catch.hpp>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/db/statement.hpp>

#include "support/postgres.hpp"
#include "support/temp_dir.hpp"

namespace mudi::test {

/// An empty database of one engine, to which a test may open several connections.
class Database {
public:
    explicit Database(db::Engine engine) {
        options_ =
            db::parse_target(engine == db::Engine::sqlite ? folder_.file("test.db") : postgres_database())
                .value();
        // A test that meets a lock wants to know at once.
        options_.busy_ms_max = 1;
        options_.durability = db::Durability::off;
    }

    [[nodiscard]] const db::Options& options() const { return options_; }
    [[nodiscard]] std::unique_ptr<db::Connection> open() const {
        auto connection = db::Connection::open(options_);
        if (!connection) throw std::runtime_error(connection.error().what);
        return std::move(*connection);
    }

private:
    TempDir folder_;
    db::Options options_;
};

/// Runs the test case once per engine.
inline db::Engine each_engine() {
    const auto engine = GENERATE(db::Engine::sqlite, db::Engine::postgresql);
    UNSCOPED_INFO((engine == db::Engine::sqlite ? "on SQLite" : "on PostgreSQL"));
    return engine;
}

inline void run(db::Connection& connection, std::string_view sql) {
    const auto done = connection.execute(sql);
    INFO(sql);
    REQUIRE((done ? std::string{} : done.error().name + ": " + done.error().what) == "");
}

inline std::int64_t count(db::Connection& connection, const std::string& table) {
    db::Query<db::Columns<std::int64_t>, db::Params<>> query{connection, "SELECT count(*) FROM " + table};
    return std::get<0>(**query.first());
}

} // namespace mudi::test
