#include "postgresql.hpp"

#include <cstdlib>

#include <mudi/base/db/migrate.hpp>
#include <mudi/base/db/statement.hpp>

#include "postgresql_bulk.hpp"
#include "postgresql_statement.hpp"

namespace mudi::db {

namespace {

using Answer = std::unique_ptr<PGresult, decltype(&PQclear)>;

class PostgresqlConnection final : public PostgresqlSession {
public:
    explicit PostgresqlConnection(const std::string& target) : PostgresqlSession(target) {
        // The full texts quote the row that failed.
        PQsetErrorVerbosity(handle(), PQERRORS_TERSE);
        PQsetNoticeProcessor(
            handle(), [](void*, const char*) {}, nullptr);
    }

    Status set_up(const Options& options);

    [[nodiscard]] Engine engine() const override { return Engine::postgresql; }
    Status execute(std::string_view sql) override;
    [[nodiscard]] std::int64_t size_bytes() const override;

private:
    std::unique_ptr<StatementBackend> make_statement(std::string_view sql, std::vector<Slot> parameters,
                                                     std::vector<Slot> columns) override {
        return std::make_unique<PostgresqlStatement>(*this, sql, std::move(parameters), std::move(columns));
    }
    std::unique_ptr<BulkBackend> make_bulk(std::string_view table, std::string_view columns,
                                           std::string_view on_conflict,
                                           std::vector<Slot> prototype) override {
        return make_postgresql_bulk(*this, table, columns, on_conflict, std::move(prototype));
    }
    Status run_begin(Commit commit) override {
        return run(commit == Commit::durable ? "BEGIN" : "BEGIN; SET LOCAL synchronous_commit TO off");
    }
    Status run_commit() override;
    void run_rollback() noexcept override;
    Status run(const std::string& sql);
};

/// On the native handle: SOCI would take every ":x" of a schema file for a parameter.
Status PostgresqlConnection::run(const std::string& sql) {
    const Answer answer(PQexec(handle(), sql.c_str()), &PQclear);
    const auto status = PQresultStatus(answer.get());
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY) return {};
    const char* state = PQresultErrorField(answer.get(), PG_DIAG_SQLSTATE);
    return tl::make_unexpected(postgresql_error(state == nullptr ? "" : state,
                                                PQresultErrorMessage(answer.get()),
                                                PQstatus(handle()) == CONNECTION_OK));
}

Status PostgresqlConnection::execute(std::string_view sql) {
    auto ran = run(sql_for(Engine::postgresql, sql));
    if (!ran) return note(std::move(ran).error());
    return {};
}

Status PostgresqlConnection::run_commit() {
    MUDI_CHECK(run("COMMIT"));
    forget_buried();
    return {};
}

void PostgresqlConnection::run_rollback() noexcept {
    PQclear(PQexec(handle(), "ROLLBACK"));
    forget_buried();
}

Status PostgresqlConnection::set_up(const Options& options) {
    // busy_ms_max means the same as on SQLite: how long a writer may wait for another one.
    std::string sql =
        "SET client_encoding = 'UTF8'; SET standard_conforming_strings = on; SET bytea_output = 'hex'; "
        "SET lock_timeout = " +
        std::to_string(options.busy_ms_max);
    if (options.durability != Durability::full) sql += "; SET synchronous_commit = off";
    if (options.read_only) sql += "; SET default_transaction_read_only = on";
    return run(sql);
}

std::int64_t PostgresqlConnection::size_bytes() const {
    const Answer answer(PQexec(handle(), "SELECT pg_database_size(current_database())"), &PQclear);
    return PQntuples(answer.get()) == 1 ? std::atoll(PQgetvalue(answer.get(), 0, 0)) : 0;
}

} // namespace

Result<std::unique_ptr<Connection>> open_postgresql(const Options& options) {
    try {
        auto connection = std::make_unique<PostgresqlConnection>(options.target);
        MUDI_CHECK(connection->set_up(options));
        return connection;
    } catch (const soci::soci_error&) {
        // libpq's own text may quote pieces of a connection string, and with it a password.
        return fail(Code::unavailable, "db.connection", "cannot connect to PostgreSQL");
    }
}

} // namespace mudi::db
