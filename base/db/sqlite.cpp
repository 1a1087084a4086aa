#include "sqlite.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include <soci/soci.h>

#include "sqlite_statement.hpp"

namespace mudi::db {

using namespace sqlite_api;

namespace {

std::string_view synchronous_word(Durability durability) {
    switch (durability) {
    case Durability::full: return "FULL";
    case Durability::normal: return "NORMAL";
    case Durability::off: break;
    }
    return "OFF";
}

/// Every connection belongs to one thread, so SQLite may do without its locks: a fifth more rows per second.
/// Must come before the first use of SQLite in the process; too late, it is refused and only the speed is
/// lost.
void drop_locks_once() {
    [[maybe_unused]] static const bool done = sqlite3_config(SQLITE_CONFIG_MULTITHREAD) == SQLITE_OK &&
                                              sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK;
}

/// SOCI keeps the type information of its backends to itself, so the check of this cast cannot link.
__attribute__((no_sanitize("vptr"))) sqlite3* native_handle(soci::session& session) {
    return static_cast<soci::sqlite3_session_backend*>(session.get_backend())->conn_;
}

/// One prepared row, run per add_row().
class SqliteBulk final : public BulkBackend {
public:
    SqliteBulk(ConnectionBase& connection, sqlite3* handle, std::string_view sql, std::vector<Slot> prototype)
        : connection_(connection), statement_(connection, handle, sql, std::move(prototype), {}) {}

    Slot& value(std::size_t index) override { return statement_.parameters[index]; }

    Status add_row() override {
        forget_rolled_back();
        auto ran = statement_.start();
        if (!ran) return tl::make_unexpected(std::move(ran).error());
        changed_ += statement_.affected;
        return {};
    }

    Result<std::int64_t> flush() override {
        forget_rolled_back();
        return std::exchange(changed_, 0);
    }

private:
    void forget_rolled_back() {
        if (std::exchange(serial_, connection_.transaction_serial()) != serial_) changed_ = 0;
    }

    ConnectionBase& connection_;
    SqliteStatement statement_;
    std::int64_t changed_{};
    std::uint64_t serial_{};
};

class SqliteConnection final : public ConnectionBase {
public:
    explicit SqliteConnection(const Options& options)
        : target_(options.target), full_(options.durability == Durability::full),
          session_(soci::sqlite3,
                   "dbname=\"" + options.target + "\"" + (options.read_only ? " readonly=1" : "")),
          handle_(native_handle(session_)) {
        sqlite3_extended_result_codes(handle_, 1);
    }

    Status set_up(const Options& options);

    [[nodiscard]] Engine engine() const override { return Engine::sqlite; }
    Status execute(std::string_view sql) override;
    [[nodiscard]] std::int64_t size_bytes() const override;

private:
    std::unique_ptr<StatementBackend> make_statement(std::string_view sql, std::vector<Slot> parameters,
                                                     std::vector<Slot> columns) override {
        return std::make_unique<SqliteStatement>(*this, handle_, sql, std::move(parameters),
                                                 std::move(columns));
    }
    std::unique_ptr<BulkBackend> make_bulk(std::string_view table, std::string_view columns,
                                           std::string_view on_conflict,
                                           std::vector<Slot> prototype) override;
    Status run_begin(Commit commit) override;
    Status run_commit() override { return run("COMMIT"); }
    void run_rollback() noexcept override {
        // After a full disk SQLite has often rolled back by itself.
        if (sqlite3_get_autocommit(handle_) == 0)
            sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
    }
    Status run(const std::string& sql, SqliteStage stage = SqliteStage::running);
    /// The single value of a pragma or select.
    Result<std::string> ask(const char* sql);

    std::string target_;
    bool full_;                      ///< the connection's own durability is full
    Commit commit_{Commit::durable}; ///< how the engine is set now
    soci::session session_;
    sqlite3* handle_;
};

/// The engine takes the setting between transactions only.
Status SqliteConnection::run_begin(Commit commit) {
    if (full_ && commit != commit_) {
        MUDI_CHECK(
            run(commit == Commit::relaxed ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL"));
        commit_ = commit;
    }
    return run("BEGIN IMMEDIATE");
}

Status SqliteConnection::run(const std::string& sql, SqliteStage stage) {
    if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
    return tl::make_unexpected(sqlite_failure(handle_, stage));
}

Status SqliteConnection::execute(std::string_view sql) {
    // No bound values here, so the engine's own message may be shown.
    auto ran = run(std::string(sql), SqliteStage::preparing);
    if (!ran) return note(std::move(ran).error());
    return {};
}

Result<std::string> SqliteConnection::ask(const char* sql) {
    std::string answer;
    const auto keep_first = [](void* out, int count, char** values, char**) {
        if (count > 0 && values[0] != nullptr) *static_cast<std::string*>(out) = values[0];
        return 0;
    };
    if (sqlite3_exec(handle_, sql, keep_first, &answer, nullptr) == SQLITE_OK) return answer;
    return tl::make_unexpected(sqlite_failure(handle_, SqliteStage::opening));
}

Status SqliteConnection::set_up(const Options& options) {
    sqlite3_busy_timeout(handle_, options.busy_ms_max);
    // SQLite opens lazily and falls back to reading; these two notice damage and a file we may not write.
    MUDI_TRY([[maybe_unused]] const auto tables, ask("SELECT count(*) FROM sqlite_schema"));
    if (!options.read_only) {
        if (sqlite3_db_readonly(handle_, "main") != 0) {
            return fail(Code::io, "db.open", "the database file may not be written");
        }
        MUDI_TRY(const auto mode, ask("PRAGMA journal_mode = WAL"));
        if (mode != "wal" && mode != "memory") {
            return fail(Code::io, "db.open", "the folder of the database allows no write-ahead log");
        }
    }
    // In memory, temporary tables leave no personal data in /tmp.
    return run("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -" +
               std::to_string(std::max(options.cache_kib, 64)) +
               "; PRAGMA synchronous = " + std::string(synchronous_word(options.durability)));
}

std::int64_t SqliteConnection::size_bytes() const {
    std::int64_t sum = 0;
    for (const char* suffix : {"", "-wal"}) {
        std::error_code error;
        const auto size = std::filesystem::file_size(target_ + suffix, error);
        if (!error) sum += static_cast<std::int64_t>(size);
    }
    return sum;
}

std::unique_ptr<BulkBackend> SqliteConnection::make_bulk(std::string_view table, std::string_view columns,
                                                         std::string_view on_conflict,
                                                         std::vector<Slot> prototype) {
    std::string sql = "INSERT INTO " + std::string(table) + " (" + std::string(columns) + ") VALUES (";
    for (std::size_t i = 0; i < prototype.size(); ++i) sql += (i == 0 ? ":p" : ", :p") + std::to_string(i);
    sql += ") ";
    sql += on_conflict;
    return std::make_unique<SqliteBulk>(*this, handle_, sql, std::move(prototype));
}

} // namespace

Result<std::unique_ptr<Connection>> open_sqlite(const Options& options) {
    if (options.target.find('"') != std::string::npos) {
        return fail(Code::invalid, "db.target", "a database path may not contain a quote");
    }
    drop_locks_once();
    try {
        auto connection = std::make_unique<SqliteConnection>(options);
        MUDI_CHECK(connection->set_up(options));
        return connection;
    } catch (const soci::sqlite3_soci_error& error) {
        return tl::make_unexpected(sqlite_error(error.result(), {}, SqliteStage::opening));
    } catch (const soci::soci_error&) {
        return fail(Code::io, "db.open", "the database file cannot be opened");
    }
}

} // namespace mudi::db
