#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <mudi/base/bytes.hpp>
#include <mudi/base/db/connection.hpp>
#include <mudi/base/id.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/sync/server_sync.hpp>

namespace mudi::server {

class Inbox;

/// What a backup was found to hold, event by event.
struct BackupFacts {
    struct Life {
        TillId till;
        Incarnation incarnation;
        sync::HighWater mark;

        friend bool operator==(const Life&, const Life&) = default;
    };
    std::vector<Life> lives; ///< by till and incarnation
    std::int64_t events{};
    std::int64_t bytes{};  ///< of the file
    std::int64_t schema{}; ///< number of its newest migration
};

/// Reads the whole file (made by db::backup, opened by nobody): the engine's own check, then the chain of
/// every life recomputed from the bodies, against the stored values and the mark. Any thread; changes
/// nothing. db.open (io), db.corrupt, backup.damaged (corrupt: the engine's check), backup.chain (corrupt: a
/// body, a chain value or a mark is not what it was), backup.schema (invalid: no database of a server, or of
/// a newer one), db.stopped (unavailable: `halt` was called, before or midway). `vfs` as in db::Options.
Result<BackupFacts> verify_backup(const std::string& path, const std::string& vfs = {},
                                  db::Halt* halt = nullptr);

struct BackupRow {
    std::int64_t id{};
    Time made;
    std::string path; ///< empty: confirmed by the operator, made by other means
    std::int64_t bytes{};
    std::int64_t events{};
    Time verified;

    friend bool operator==(const BackupRow&, const BackupRow&) = default;
};

/// What is known of verified backups, and with it how much of every life is safe. Each method is one durable
/// transaction. The writer's connection and thread.
class Backups {
public:
    /// `inbox` is told what became safe.
    Backups(db::Connection& writer, Inbox& inbox);
    Backups(const Backups&) = delete;
    Backups& operator=(const Backups&) = delete;
    ~Backups();

    /// What verify_backup() found is safe from now on, as far as this database has the same history; nothing
    /// that is safe already becomes less. `made`: when the copying began. Gives the backup's number.
    Result<std::int64_t> record(const BackupFacts& facts, const std::string& path, Time made, Time now);
    /// The operator's word that a backup by other means (PostgreSQL) has everything received before `made`.
    Result<std::int64_t> confirm_external(Time made, Time now);

    /// Newest first.
    Result<std::vector<BackupRow>> list(std::size_t limit);
    /// The file of this backup is deleted: it is not listed any more. False when there was none.
    Result<bool> forget(std::int64_t id);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace mudi::server
