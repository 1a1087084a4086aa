#include "sqlite.hpp"

#include <algorithm>
#include <cctype>

#include <soci/soci.h>

#include <mudi/base/db/halt.hpp>

#include "sqlite_backup.hpp"
#include "sqlite_log.hpp"
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

/// What SOCI takes: words with quoted values.
std::string connect_words(const Options& options) {
    std::string words = "dbname=\"" + options.target + "\"";
    if (!options.vfs.empty()) words += " vfs=\"" + options.vfs + "\"";
    if (options.read_only) words += " readonly=1";
    return words;
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
        : full_(options.durability == Durability::full), vfs_(options.vfs),
          session_(soci::sqlite3, connect_words(options)), handle_(native_handle(session_)),
          halt_(options.halt) {
        sqlite3_extended_result_codes(handle_, 1);
        if (halt_ != nullptr) {
            halt_->attach([](void* handle) { sqlite3_interrupt(static_cast<sqlite3*>(handle)); }, handle_);
        }
    }
    ~SqliteConnection() override;

    Status set_up(const Options& options);

    [[nodiscard]] Engine engine() const override { return Engine::sqlite; }
    Status execute(std::string_view sql) override;
    [[nodiscard]] std::int64_t size_bytes() const override;
    Status back_up(const std::string& to_path, const GoOn& go_on) override {
        return sqlite_backup(handle_, vfs_, to_path, go_on);
    }

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

    bool full_; ///< the connection's own durability is full
    std::string vfs_;
    Commit commit_{Commit::durable}; ///< how the engine is set now
    SqliteLog log_;
    soci::session session_;
    sqlite3* handle_;
    Halt* halt_;
};

/// The engine takes the setting between transactions only.
Status SqliteConnection::run_begin(Commit commit) {
    if (full_ && commit != commit_) {
        MUDI_CHECK(
            run(commit == Commit::relaxed ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL"));
        commit_ = commit;
    }
    MUDI_CHECK(run("BEGIN IMMEDIATE"));
    if (!log_.doubtful()) return {};
    auto mended = log_.mend();
    if (!mended) run_rollback();
    return mended;
}

SqliteConnection::~SqliteConnection() {
    if (halt_ != nullptr) halt_->attach(nullptr, nullptr);
    // Closing moves the log into the database, which is safe only when all of the log is on the disk.
    if (log_.has_failed() && run_begin(Commit::durable)) run_rollback();
}

Status SqliteConnection::run(const std::string& sql, SqliteStage stage) {
    if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
    log_.failed(sqlite3_extended_errcode(handle_));
    return tl::make_unexpected(sqlite_failure(handle_, stage));
}

Status SqliteConnection::execute(std::string_view sql) {
    // No bound values here, so the engine's own message may be shown.
    auto ran = run(std::string(sql), SqliteStage::preparing);
    if (!ran) return note(std::move(ran).error());
    if (sql.find("wal_autocheckpoint") != std::string_view::npos) log_.take_over();
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
        log_.watch(handle_, options.durability != Durability::off);
    }
    // In memory, temporary tables leave no personal data in /tmp.
    return run("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -" +
               std::to_string(std::max(options.cache_kib, 64)) +
               "; PRAGMA synchronous = " + std::string(synchronous_word(options.durability)));
}

/// Asked of the open files, whatever file system they are in; in memory there are none.
std::int64_t SqliteConnection::size_bytes() const {
    std::int64_t sum = 0;
    // In WAL mode SQLite's journal is the log.
    for (const int which : {SQLITE_FCNTL_FILE_POINTER, SQLITE_FCNTL_JOURNAL_POINTER}) {
        sqlite3_file* file = nullptr;
        sqlite3_int64 size = 0;
        if (sqlite3_file_control(handle_, "main", which, static_cast<void*>(&file)) != SQLITE_OK) continue;
        if (file == nullptr || file->pMethods == nullptr) continue;
        if (file->pMethods->xFileSize(file, &size) == SQLITE_OK) sum += size;
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
    const auto plain = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
    };
    if (!std::ranges::all_of(options.vfs, plain)) {
        return fail(Code::invalid, "db.target", "a file system's name has letters, digits, - and _ only");
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
