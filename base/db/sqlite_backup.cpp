#include "sqlite_backup.hpp"

#include <filesystem>
#include <memory>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include "errors.hpp"
#include "sqlite_statement.hpp"

namespace mudi::db {

using namespace sqlite_api;

namespace {

constexpr int pages_per_step = 256;

struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
};
using Handle = std::unique_ptr<sqlite3, Close>;
struct Finish {
    void operator()(sqlite3_backup* copy) const { sqlite3_backup_finish(copy); }
};

const char* name_or_null(const std::string& vfs) { return vfs.empty() ? nullptr : vfs.c_str(); }

Status run(sqlite3* handle, const char* sql) {
    if (sqlite3_exec(handle, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
    return tl::make_unexpected(sqlite_failure(handle, SqliteStage::opening));
}

Result<std::string> ask(sqlite3* handle, const char* sql) {
    std::string answer;
    const auto keep = [](void* out, int count, char** values, char**) {
        if (count > 0 && values[0] != nullptr) *static_cast<std::string*>(out) = values[0];
        return 0;
    };
    if (sqlite3_exec(handle, sql, keep, &answer, nullptr) == SQLITE_OK) return answer;
    return tl::make_unexpected(sqlite_failure(handle, SqliteStage::opening));
}

/// One snapshot for all steps: without it every commit of somebody else would start the copy afresh.
class Snapshot {
public:
    static Result<Snapshot> take(sqlite3* handle) {
        if (sqlite3_get_autocommit(handle) == 0)
            return fail(Code::busy, "db.busy", "a backup cannot be made inside a transaction");
        MUDI_CHECK(run(handle, "BEGIN"));
        Snapshot snapshot{handle};
        // BEGIN alone reads nothing yet.
        MUDI_TRY([[maybe_unused]] const auto tables, ask(handle, "SELECT count(*) FROM sqlite_schema"));
        return snapshot;
    }
    Snapshot(Snapshot&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Snapshot& operator=(Snapshot&&) = delete;
    ~Snapshot() {
        if (handle_ != nullptr) sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
    }

private:
    explicit Snapshot(sqlite3* handle) : handle_(handle) {}
    sqlite3* handle_;
};

Result<Handle> open_target(const std::string& vfs, const std::string& path) {
    sqlite3* opened = nullptr;
    const int code =
        sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, name_or_null(vfs));
    Handle handle{opened};
    if (code != SQLITE_OK) return tl::make_unexpected(sqlite_error(code, {}, SqliteStage::opening));
    sqlite3_extended_result_codes(opened, 1);
    // Nobody else has this file; and so a file system without shared memory will do.
    MUDI_TRY([[maybe_unused]] const auto mode, ask(opened, "PRAGMA locking_mode = EXCLUSIVE"));
    MUDI_CHECK(run(opened, "PRAGMA synchronous = FULL"));
    return handle;
}

Status copy_pages(sqlite3* from, sqlite3* to, const GoOn& go_on) {
    const std::unique_ptr<sqlite3_backup, Finish> copy{sqlite3_backup_init(to, "main", from, "main")};
    if (!copy) return tl::make_unexpected(sqlite_failure(to, SqliteStage::opening));
    while (true) {
        const int code = sqlite3_backup_step(copy.get(), pages_per_step);
        if (code == SQLITE_DONE) return {};
        if (code != SQLITE_OK) return tl::make_unexpected(sqlite_error(code, {}, SqliteStage::running));
        if (go_on && !go_on())
            return fail(Code::unavailable, "backup.stopped", "the backup was stopped before it was whole");
    }
}

Status copy_into(sqlite3* from, const std::string& vfs, const std::string& path, const GoOn& go_on) {
    MUDI_TRY(const Handle to, open_target(vfs, path));
    MUDI_TRY(const auto pages, ask(to.get(), "PRAGMA page_count"));
    if (pages != "0")
        return fail(Code::conflict, "backup.exists", "a file stands where the backup should go");
    {
        MUDI_TRY(const auto snapshot, Snapshot::take(from));
        MUDI_CHECK(copy_pages(from, to.get(), go_on));
    }
    // The copy has taken over that it is kept with a log; one file alone is what can be carried away.
    MUDI_TRY(const auto mode, ask(to.get(), "PRAGMA journal_mode = DELETE"));
    if (mode != "delete") return fail(Code::io, "db.io", "the backup could not be closed into one file");
    return {};
}

void remove(const std::string& vfs, const std::string& path) {
    sqlite3_vfs* const files = sqlite3_vfs_find(name_or_null(vfs));
    if (files == nullptr) return;
    files->xDelete(files, (path + "-journal").c_str(), 0);
    files->xDelete(files, path.c_str(), 1);
}

Status synced_rename(const std::string& from, const std::string& to) {
    std::error_code error;
    std::filesystem::rename(from, to, error);
    auto folder = std::filesystem::path(to).parent_path();
    if (folder.empty()) folder = ".";
    const int descriptor = error ? -1 : ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
    if (descriptor >= 0) ::close(descriptor);
    if (synced) return {};
    return fail(Code::io, "db.io", "the backup could not be given its name");
}

/// Written beside and renamed. The file exists, empty and closed to others, before a page of it is written.
Status backup_to_system(sqlite3* from, const std::string& to_path, const GoOn& go_on) {
    std::error_code error;
    if (std::filesystem::exists(to_path, error))
        return fail(Code::conflict, "backup.exists", "a file stands where the backup should go");
    const std::string part = to_path + ".part";
    remove({}, part);
    const int descriptor = ::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0) return fail(Code::io, "db.open", "the backup's file cannot be made");
    ::close(descriptor);
    auto copied = copy_into(from, {}, part, go_on);
    if (copied) copied = synced_rename(part, to_path);
    if (!copied) remove({}, part);
    return copied;
}

} // namespace

Status sqlite_backup(sqlite3* from, const std::string& vfs, const std::string& to_path, const GoOn& go_on) {
    if (vfs.empty()) return backup_to_system(from, to_path, go_on);
    auto copied = copy_into(from, vfs, to_path, go_on);
    if (!copied && copied.error().name != "backup.exists") remove(vfs, to_path);
    return copied;
}

} // namespace mudi::db
