#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <mudi/base/clock.hpp>
#include <mudi/base/db/connection.hpp>
#include <mudi/base/db/halt.hpp>
#include <mudi/base/result.hpp>
#include <mudi/server/api.hpp>

#include "post.hpp"

namespace mudi::server {

/// Makes the backups, by itself and when asked, on a thread of its own: copied while the server works,
/// checked event by event, and only then told to the writer, who marks what it holds as safe.
class BackupKeeper {
public:
    struct Options {
        db::Options database;
        std::filesystem::path folder; ///< of those made by itself
        Duration every{};             ///< 0: only when asked
        std::size_t keep{};           ///< of those made by itself
    };
    /// Hands a job to the writer's thread, from any thread; false when too many wait.
    using Write = std::function<bool(std::function<void(WriteSide&)>)>;
    using Done = std::function<void(Result<BackupRow>)>;

    /// `post` brings what is finished to the loop thread.
    BackupKeeper(Options options, const Clock& clock, Write write, Post post);
    BackupKeeper(const BackupKeeper&) = delete;
    BackupKeeper& operator=(const BackupKeeper&) = delete;
    /// A copy or a check under way is given up, at once.
    ~BackupKeeper();

    /// One at a time: backup.running (busy). backup.external (invalid: PostgreSQL has its own tools),
    /// backup.path (invalid: not absolute), and those of db::backup and verify_backup. `done` runs on the
    /// loop thread, and not at all when the server ends first. Any thread.
    void ask(BackupWish wish, Done done);

    struct State {
        bool running{};
        std::string failed; ///< name of the last attempt's error; empty: it went well
    };
    [[nodiscard]] State state() const;

private:
    struct Asked {
        BackupWish wish;
        Done done;
    };
    /// A job that this thread waits for while the writer's does it.
    struct Job;

    void loop();
    /// The next one to make; empty when the server ends.
    std::optional<Asked> wait();
    Result<BackupRow> make(const BackupWish& wish);
    Result<std::filesystem::path> path_for(const BackupWish& wish, Time now) const;
    Status copy_and_verify(const std::filesystem::path& path, BackupFacts& facts);
    Result<BackupRow> record(const BackupFacts& facts, const std::filesystem::path& path, Time made);
    void schedule();
    void remove_old();
    /// Runs on the writer's thread; this one waits. backup.stopped (unavailable) when the server ends.
    Status on_writer(std::function<Status(WriteSide&)> act);
    [[nodiscard]] bool stopped() const;

    const Options options_;
    const Clock& clock_;
    const Write write_;
    const Post post_;

    mutable std::mutex mutex_; ///< guards what follows
    std::condition_variable wake_;
    std::optional<Asked> asked_;
    bool stop_{false};
    State state_;
    std::optional<MonoTime> due_at_;
    bool ended_{false}; ///< the thread's last word
    db::Halt halt_;     ///< of the check under way

    std::thread thread_; ///< last: starts when all else stands
};

/// Of the server's own backups in `folder`, those beyond the newest `keep`. Pure.
std::vector<BackupRow> backups_to_remove(const std::vector<BackupRow>& rows,
                                         const std::filesystem::path& folder, std::size_t keep);

} // namespace mudi::server
