#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <mudi/base/result.hpp>

/// The one door to SQL, on SOCI (only here). One connection per thread, kept open; nothing here is
/// thread-safe: a connection may move to another thread, but two may never use it, or its statements, at
/// once. Errors never contain bound values. Names: db.busy (Code::busy), db.constraint (conflict), db.corrupt
/// and db.newer_schema (corrupt), db.full and db.io (io), db.sql (invalid: broken SQL text, or rows and
/// parameters that do not fit the C++ types), db.value (invalid: a value the engine cannot take, such as text
/// with a NUL), db.read_only (denied), db.open (io), db.connection (unavailable), db.stopped (unavailable: by
/// a Halt).
namespace mudi::db {

class Halt;
struct Slot;
struct StatementBackend;
struct BulkBackend;

enum class Engine { sqlite, postgresql };

/// How much of a commit is on the disk when it returns.
enum class Durability {
    full,   ///< all of it, fdatasync before the commit returns (SQLite synchronous=FULL; PostgreSQL default)
    normal, ///< a power cut may take the last commits, never the consistency
    off,    ///< for benches and tests only
};

struct Options {
    Engine engine{Engine::sqlite};
    /// SQLite: a file, or ":memory:". PostgreSQL: a libpq connection string.
    std::string target;
    Durability durability{Durability::full};
    /// SQLite: another process or thread may hold the write lock for so long.
    int busy_ms_max{5000};
    /// A second connection that only reads (server reader threads, status commands).
    bool read_only{false};
    /// SQLite page cache in KiB.
    int cache_kib{2048};
    /// SQLite: name of a registered virtual file system (letters, digits, - and _; else `db.target`), of
    /// which `target` is then a path; empty = the operating system's.
    std::string vfs{};
    Halt* halt{nullptr}; ///< ends long work; <mudi/base/db/halt.hpp>
};

/// "sqlite:PATH", "postgresql://…" or a plain path. `db.target` (invalid) on anything else.
Result<Options> parse_target(std::string_view text);

/// What a commit promises about a power cut.
enum class Commit {
    durable, ///< as the connection's Durability says
    relaxed, ///< may be lost with others after the last durable commit, never out of order: for what can be
             ///< done again
};

class Connection {
public:
    /// SQLite: WAL, foreign keys on, busy timeout set; a damaged file is `db.corrupt`.
    static Result<std::unique_ptr<Connection>> open(const Options& options);
    virtual ~Connection() = default;

    [[nodiscard]] virtual Engine engine() const = 0;
    /// One or more statements without parameters or rows: schema work, pragmas. On PostgreSQL the words are
    /// translated as in a migration.
    virtual Status execute(std::string_view sql) = 0;
    /// True between a WriteTransaction's begin and its end.
    [[nodiscard]] virtual bool in_transaction() const = 0;
    /// Bytes of the database file including its WAL; 0 in memory.
    [[nodiscard]] virtual std::int64_t size_bytes() const = 0;

private:
    friend class WriteTransaction;
    friend class Prepared;
    friend class BulkInserter;
    virtual std::unique_ptr<StatementBackend>
    make_statement(std::string_view sql, std::vector<Slot> parameters, std::vector<Slot> columns) = 0;
    virtual std::unique_ptr<BulkBackend> make_bulk(std::string_view table, std::string_view columns,
                                                   std::string_view on_conflict,
                                                   std::vector<Slot> prototype) = 0;
    virtual Status begin_immediate(Commit commit) = 0;
    virtual Status commit() = 0;
    virtual void rollback() noexcept = 0;
};

/// BEGIN IMMEDIATE (SQLite) or BEGIN (PostgreSQL); rolls back unless committed. They do not nest.
class WriteTransaction {
public:
    static Result<WriteTransaction> begin(Connection& connection, Commit commit = Commit::durable);
    WriteTransaction(WriteTransaction&& other) noexcept
        : connection_(std::exchange(other.connection_, nullptr)) {}
    WriteTransaction& operator=(WriteTransaction&&) = delete;
    ~WriteTransaction() {
        if (connection_ != nullptr) connection_->rollback();
    }
    /// On an error the transaction is rolled back. When a statement inside it has failed, nothing is
    /// committed and this gives the first such error: PostgreSQL would refuse, SQLite must not differ.
    Status commit();

private:
    explicit WriteTransaction(Connection& connection) : connection_(&connection) {}
    Connection* connection_;
};

} // namespace mudi::db
