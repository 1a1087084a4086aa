#include <mudi/base/db/migrate.hpp>

#include <string>
#include <tuple>
#include <vector>

#include <mudi/base/bytes.hpp>
#include <mudi/base/db/statement.hpp>
#include <mudi/base/hash.hpp>

namespace mudi::db {

namespace {

std::string hash_of(const Migration& migration) { return to_hex(hash128(migration.sql)); }

Result<std::vector<Migration>> for_engine(Engine engine, std::span<const Migration> migrations) {
    const std::string_view word = engine == Engine::sqlite ? "sqlite" : "postgresql";
    std::vector<Migration> mine;
    for (const auto& migration : migrations) {
        if (!migration.only_engine.empty() && migration.only_engine != word) continue;
        if (migration.number <= (mine.empty() ? 0 : mine.back().number)) {
            return fail(Code::invalid, "db.sql", "migrations must have rising numbers, each once per engine");
        }
        mine.push_back(migration);
    }
    return mine;
}

/// How many of `mine` the database has; an error when it has anything else.
Result<std::size_t> count_applied(Connection& connection, const std::vector<Migration>& mine) {
    Query<Columns<std::int64_t, std::string>, Params<>> list{
        connection, "SELECT number, hash FROM schema_migration ORDER BY number"};
    MUDI_TRY(const auto applied, list.all());
    if (!applied.empty() && (mine.empty() || std::get<0>(applied.back()) > mine.back().number)) {
        return fail(Code::corrupt, "db.newer_schema",
                    "the database has schema " + std::to_string(std::get<0>(applied.back())) +
                        ", this program knows only " + std::to_string(mine.empty() ? 0 : mine.back().number));
    }
    for (std::size_t i = 0; i < applied.size(); ++i) {
        const auto& [number, hash] = applied[i];
        if (i >= mine.size() || number != mine[i].number || hash != hash_of(mine[i])) {
            return fail(Code::conflict, "db.edited_migration",
                        "schema " + std::to_string(number) +
                            " of the database is not the one of this program");
        }
    }
    return applied.size();
}

/// Applies the next file, if any; false when there is none. Looks again inside the transaction: another
/// process may have been faster.
Result<bool> apply_next(Connection& connection, const std::vector<Migration>& mine) {
    MUDI_TRY(auto transaction, WriteTransaction::begin(connection));
    if (connection.engine() == Engine::postgresql) {
        MUDI_CHECK(connection.execute("LOCK TABLE schema_migration IN EXCLUSIVE MODE"));
    }
    MUDI_TRY(const auto done, count_applied(connection, mine));
    if (done == mine.size()) return false;
    const auto& migration = mine[done];
    const std::string label =
        "migration " + std::to_string(migration.number) + "_" + std::string(migration.name);
    if (auto ran = connection.execute(migration.sql); !ran) return fail(std::move(ran).error(), label);
    Command<std::int64_t, std::string, std::string> record{
        connection, "INSERT INTO schema_migration (number, name, hash) VALUES (:number, :name, :hash)"};
    MUDI_TRY([[maybe_unused]] const auto rows,
             record(migration.number, std::string(migration.name), hash_of(migration)));
    if (auto committed = transaction.commit(); !committed) return fail(std::move(committed).error(), label);
    return true;
}

/// The table is made in a transaction of its own; that changes nothing a newer program would mind.
Status make_table(Connection& connection) {
    MUDI_TRY(auto transaction, WriteTransaction::begin(connection));
    MUDI_CHECK(connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migration ("
        "number INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, hash TEXT NOT NULL) STRICT"));
    return transaction.commit();
}

bool has_table(Connection& connection) {
    Query<Columns<std::int64_t>, Params<>> probe{connection, "SELECT count(*) FROM schema_migration"};
    return probe.first().has_value();
}

} // namespace

Status migrate(Connection& connection, std::span<const Migration> migrations) {
    MUDI_TRY(const auto mine, for_engine(connection.engine(), migrations));
    if (!has_table(connection)) {
        // Two servers may start on one empty PostgreSQL: the slower one finds the table made.
        if (auto made = make_table(connection); !made && !has_table(connection)) return made;
    }
    // Without a write lock first: a program that only starts again must not wait for a busy database.
    MUDI_TRY(const auto done, count_applied(connection, mine));
    for (bool more = done < mine.size(); more;) {
        MUDI_TRY(more, apply_next(connection, mine));
    }
    return {};
}

} // namespace mudi::db
