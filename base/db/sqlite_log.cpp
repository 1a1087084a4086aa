#include "sqlite_log.hpp"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "errors.hpp"

namespace mudi::db {

using namespace sqlite_api;

namespace {

constexpr int chunk_bytes = 64 * 1024;

} // namespace

void SqliteLog::watch(sqlite3* handle, bool promises) {
    handle_ = handle;
    promises_ = promises;
    inherited_ = promises;
    take_over();
}

void SqliteLog::take_over() {
    if (handle_ == nullptr) return;
    // Gives 0 while the hook is ours.
    const auto keep = [](void* out, int, char** values, char**) {
        if (values[0] != nullptr) *static_cast<int*>(out) = std::atoi(values[0]);
        return 0;
    };
    pages_max_ = 0;
    static_cast<void>(sqlite3_exec(handle_, "PRAGMA wal_autocheckpoint", keep, &pages_max_, nullptr));
    sqlite3_wal_hook(handle_, after_commit, this);
}

void SqliteLog::failed(int code) noexcept {
    if (promises_ && (code & 0xff) == SQLITE_IOERR) failed_ = true;
}

int SqliteLog::after_commit(void* self, sqlite3* handle, const char* name, int pages) {
    auto& log = *static_cast<SqliteLog*>(self);
    if (log.pages_max_ > 0 && pages >= log.pages_max_) {
        // A checkpoint that fails is tried again after the next commit; the commit itself stands.
        log.failed(sqlite3_wal_checkpoint_v2(handle, name, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr));
    }
    return SQLITE_OK;
}

Status SqliteLog::mend() {
    sqlite3_file* file = nullptr;
    sqlite3_int64 size = 0;
    int code = sqlite3_file_control(handle_, "main", SQLITE_FCNTL_JOURNAL_POINTER, static_cast<void*>(&file));
    if (code == SQLITE_OK && file != nullptr && file->pMethods != nullptr) {
        std::vector<char> chunk(chunk_bytes);
        code = file->pMethods->xFileSize(file, &size);
        for (sqlite3_int64 at = 0; code == SQLITE_OK && at < size; at += chunk_bytes) {
            const int part = static_cast<int>(std::min<sqlite3_int64>(chunk_bytes, size - at));
            code = file->pMethods->xRead(file, chunk.data(), part, at);
            if (code == SQLITE_OK) code = file->pMethods->xWrite(file, chunk.data(), part, at);
        }
    }
    if (code != SQLITE_OK) return tl::make_unexpected(sqlite_error(code, {}, SqliteStage::running));
    failed_ = false;
    inherited_ = false;
    return {};
}

} // namespace mudi::db
