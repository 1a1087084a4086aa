#include "bench/bare_sql.hpp"

#include <mudi/server/schema.hpp>

namespace mudi::bench {
namespace {

constexpr int busy_ms_max = 10'000;

} // namespace

Status sql_error(sqlite3* database) { return fail(Code::io, "anchor.sql", sqlite3_errmsg(database)); }

Result<BareDatabase> open_bare_database(const std::filesystem::path& file, const std::string& words) {
    sqlite3* raw = nullptr;
    const int opened = sqlite3_open(file.c_str(), &raw);
    BareDatabase database{raw};
    if (opened != SQLITE_OK) return fail(Code::io, "anchor.sql", file.string());
    sqlite3_busy_timeout(raw, busy_ms_max);
    const std::string settings =
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -" +
        std::to_string(server::writer_cache_kib) +
        "; PRAGMA wal_autocheckpoint = " + std::to_string(server::log_pages_max) + ";";
    MUDI_CHECK(run(database, (settings + words).c_str()));
    return database;
}

Result<BareStatement> prepare(const BareDatabase& database, const std::string& sql) {
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v3(database.get(), sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr) !=
        SQLITE_OK)
        return tl::make_unexpected(sql_error(database.get()).error());
    return BareStatement{raw};
}

Status run(const BareDatabase& database, const char* sql) {
    if (sqlite3_exec(database.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
        return sql_error(database.get());
    return {};
}

Status done(const BareDatabase& database, const BareStatement& statement) {
    const bool good = sqlite3_step(statement.get()) == SQLITE_DONE;
    const Status status = good ? Status{} : sql_error(database.get());
    sqlite3_reset(statement.get());
    return status;
}

} // namespace mudi::bench
