#pragma once

#include <mudi/base/result.hpp>

#include <soci/sqlite3/soci-sqlite3.h>

namespace mudi::db {

/// Keeps a promise that SQLite's write-ahead log alone does not keep on Linux. After an fsync has failed, the
/// system takes what was written before it for clean: it can still be read, a later fsync says OK, but it is
/// never written back. Commits without fsync that stand in the log before the failure would leave a gap on
/// the disk, and a power cut would lose every commit behind it. So the log is written anew, byte for byte,
/// before anything more is promised: after a failure, and before a program's first write, as an earlier one
/// may have died with its failure.
class SqliteLog {
public:
    /// Takes over the automatic checkpoints, which SQLite runs without telling of their errors, with the
    /// number of pages set last by the pragma. Without `promises` (nothing is ever fsynced) it does only
    /// that.
    void watch(sqlite_api::sqlite3* handle, bool promises);
    /// To be called after what may have set that pragma, which gives SQLite its own checkpoints back.
    void take_over();
    /// `code` is the result of a commit or checkpoint.
    void failed(int code) noexcept;
    [[nodiscard]] bool doubtful() const { return failed_ || inherited_; }
    [[nodiscard]] bool has_failed() const { return failed_; }
    /// In a write transaction, so that nobody else writes the log. Without an fsync: the next commit's or
    /// checkpoint's covers it.
    Status mend();

private:
    static int after_commit(void* self, sqlite_api::sqlite3* handle, const char* name, int pages);

    sqlite_api::sqlite3* handle_{};
    int pages_max_{}; ///< a commit that leaves so many in the log is followed by a checkpoint; 0: never
    bool promises_{};
    bool failed_{};
    bool inherited_{};
};

} // namespace mudi::db
