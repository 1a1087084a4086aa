#include "backup_keeper.hpp"

#include <algorithm>
#include <string_view>
#include <system_error>
#include <utility>

#include <mudi/base/db/backup.hpp>
#include <mudi/base/file.hpp>
#include <mudi/base/log.hpp>

namespace mudi::server {
namespace {

namespace fs = std::filesystem;

/// After the start the tills come back first.
constexpr Duration first_after{std::chrono::minutes{1}};
constexpr Duration retry_after{std::chrono::hours{1}};
constexpr Duration writer_retry{std::chrono::milliseconds{200}};
constexpr std::chrono::milliseconds halt_again{20};
constexpr std::size_t rows_max = 10'000;
constexpr std::string_view prefix = "mudi-";
constexpr std::string_view suffix = ".db";
constexpr std::string_view unverified = ".unverified";

/// "mudi-20261121-101530.db": its name sorts by age.
std::string file_name(Time now) {
    auto text = format_time(now).substr(0, 19); // 2026-11-21T10:15:30
    std::string digits;
    for (const char c : text) {
        if (c == 'T') digits += '-';
        if (c >= '0' && c <= '9') digits += c;
    }
    return std::string(prefix) + digits + std::string(suffix);
}

bool is_own(const BackupRow& row, const fs::path& folder) {
    const fs::path path(row.path);
    const auto name = path.filename().string();
    return path.parent_path() == folder && name.starts_with(prefix) && name.ends_with(suffix);
}

Error stopped_error() { return {Code::unavailable, "backup.stopped", "the server ends"}; }

} // namespace

std::vector<BackupRow> backups_to_remove(const std::vector<BackupRow>& rows, const fs::path& folder,
                                         std::size_t keep) {
    std::vector<BackupRow> own;
    std::copy_if(rows.begin(), rows.end(), std::back_inserter(own),
                 [&](const BackupRow& row) { return is_own(row, folder); });
    std::sort(own.begin(), own.end(), [](const BackupRow& a, const BackupRow& b) { return a.made > b.made; });
    own.erase(own.begin(), own.begin() + static_cast<std::ptrdiff_t>(std::min(keep, own.size())));
    return own;
}

/// Shared with the writer's queue, which may drop it unrun.
struct BackupKeeper::Job {
    std::mutex mutex;
    std::condition_variable done;
    std::optional<Status> result;
    bool given_up{false};
};

BackupKeeper::BackupKeeper(Options options, const Clock& clock, Write write, Post post)
    : options_(std::move(options)), clock_(clock), write_(std::move(write)), post_(std::move(post)),
      thread_([this] {
          loop();
          const std::lock_guard lock(mutex_);
          ended_ = true;
          wake_.notify_all();
      }) {}

BackupKeeper::~BackupKeeper() {
    {
        std::unique_lock lock(mutex_);
        stop_ = true;
        wake_.notify_all();
        do {
            halt_.now();
        } while (!wake_.wait_for(lock, halt_again, [this] { return ended_; }));
    }
    thread_.join();
}

void BackupKeeper::ask(BackupWish wish, Done done) {
    auto refused = [&]() -> std::optional<Error> {
        if (options_.database.engine == db::Engine::postgresql) {
            return Error{
                Code::invalid, "backup.external",
                "PostgreSQL is backed up by its own tools (pg_basebackup, pg_dump); then say so with "
                "mudi server backup --confirm-external"};
        }
        if (!wish.to.empty() && !fs::path(wish.to).is_absolute())
            return Error{Code::invalid, "backup.path", "the path must begin with /"};
        const std::lock_guard lock(mutex_);
        if (stop_) return stopped_error();
        if (asked_ || state_.running)
            return Error{Code::busy, "backup.running", "a backup is being made already"};
        asked_ = Asked{std::move(wish), std::move(done)};
        return std::nullopt;
    }();
    if (!refused) return wake_.notify_all();
    post_([done = std::move(done), error = *std::move(refused)] { done(tl::make_unexpected(error)); });
}

BackupKeeper::State BackupKeeper::state() const {
    const std::lock_guard lock(mutex_);
    return state_;
}

bool BackupKeeper::stopped() const {
    const std::lock_guard lock(mutex_);
    return stop_;
}

void BackupKeeper::loop() {
    schedule();
    while (auto asked = wait()) {
        auto row = make(asked->wish);
        if (stopped()) return;
        if (row) {
            log::info("backup.made",
                      {{"path", row->path}, {"bytes", row->bytes}, {"events", row->events}, {"id", row->id}});
            remove_old();
        } else {
            log::warning("backup.failed", row.error(), {{"asked_for", asked->done ? "yes" : "no"}});
        }
        {
            const std::lock_guard lock(mutex_);
            state_.running = false;
            // A wish that could not be fulfilled is told to whoever had it and is nobody else's worry.
            const bool wish =
                !row && (row.error().code == Code::conflict || row.error().code == Code::invalid);
            if (!asked->done || !wish) state_.failed = row ? std::string() : row.error().name;
            if (options_.every > Duration{0})
                due_at_ = clock_.mono() + (row ? options_.every : std::min(options_.every, retry_after));
        }
        if (asked->done)
            post_([done = std::move(asked->done), row = std::move(row)]() mutable { done(std::move(row)); });
    }
}

std::optional<BackupKeeper::Asked> BackupKeeper::wait() {
    std::unique_lock lock(mutex_);
    const auto ready = [&] { return stop_ || asked_; };
    if (due_at_)
        wake_.wait_until(lock, *due_at_, ready);
    else
        wake_.wait(lock, ready);
    if (stop_) return std::nullopt;
    state_.running = true;
    return asked_ ? *std::exchange(asked_, std::nullopt) : Asked{};
}

/// A server that is started anew every morning must not make its backup anew every morning.
void BackupKeeper::schedule() {
    if (options_.every <= Duration{0} || options_.database.engine != db::Engine::sqlite) return;
    std::optional<Time> newest;
    const auto asked = on_writer([&newest](WriteSide& side) -> Status {
        MUDI_TRY(const auto rows, side.backups.list(1));
        if (!rows.empty()) newest = rows.front().made;
        return {};
    });
    if (!asked && !stopped()) log::error("backup.schedule", asked.error());
    auto wait = first_after;
    if (newest) wait = std::max(wait, std::min(options_.every, *newest + options_.every - clock_.wall()));
    const std::lock_guard lock(mutex_);
    due_at_ = clock_.mono() + wait;
}

Result<fs::path> BackupKeeper::path_for(const BackupWish& wish, Time now) const {
    std::error_code error;
    fs::path folder = wish.to.empty() ? options_.folder : fs::path(wish.to);
    if (!wish.to.empty() && !fs::is_directory(folder, error)) return folder;
    if (wish.to.empty()) MUDI_CHECK(make_folder(folder.string(), 0700));
    // Two of one second: the next one's name.
    for (Time at = now;; at += std::chrono::seconds{1}) {
        const auto path = folder / file_name(at);
        if (!fs::exists(path, error)) return path;
    }
}

Status BackupKeeper::copy_and_verify(const fs::path& path, BackupFacts& facts) {
    std::error_code error;
    if (fs::exists(path, error))
        return fail(Code::conflict, "backup.exists", path.string() + ": is there already");
    // The name tells that it was verified.
    const std::string raw = path.string() + std::string(unverified);
    fs::remove(raw, error); // of an attempt that a power cut ended
    if (const auto copied = db::backup(options_.database, raw, [this] { return !stopped(); }); !copied)
        return fail(copied.error(), raw);
    auto verified = verify_backup(raw, {}, &halt_);
    if (!verified) {
        fs::remove(raw, error);
        return tl::make_unexpected(std::move(verified).error());
    }
    facts = *std::move(verified);
    fs::rename(raw, path, error);
    if (error) return fail(Code::io, "file.io", path.string() + ": " + error.message());
    return {};
}

Result<BackupRow> BackupKeeper::make(const BackupWish& wish) {
    const Time made = clock_.wall();
    MUDI_TRY(const auto path, path_for(wish, made));
    BackupFacts facts;
    MUDI_CHECK(copy_and_verify(path, facts));
    return record(facts, path, made);
}

Result<BackupRow> BackupKeeper::record(const BackupFacts& facts, const fs::path& path, Time made) {
    BackupRow row;
    row.made = made;
    row.path = path.string();
    row.bytes = facts.bytes;
    row.events = facts.events;
    MUDI_CHECK(on_writer([&](WriteSide& side) -> Status {
        row.verified = clock_.wall();
        MUDI_TRY(row.id, side.backups.record(facts, row.path, made, row.verified));
        return {};
    }));
    return row;
}

void BackupKeeper::remove_old() {
    std::vector<BackupRow> old;
    const auto listed = on_writer([&](WriteSide& side) -> Status {
        MUDI_TRY(const auto rows, side.backups.list(rows_max));
        old = backups_to_remove(rows, options_.folder, options_.keep);
        return {};
    });
    if (!listed) return log::warning("backup.remove", listed.error());
    for (const auto& row : old) {
        std::error_code error;
        fs::remove(row.path, error);
        if (error) {
            log::warning("backup.remove", {{"path", row.path}, {"error", error.message()}});
            continue;
        }
        const auto forgotten = on_writer(
            [&](WriteSide& side) -> Status { return side.backups.forget(row.id).map([](bool) {}); });
        if (!forgotten) return log::warning("backup.remove", forgotten.error());
    }
}

Status BackupKeeper::on_writer(std::function<Status(WriteSide&)> act) {
    const auto job = std::make_shared<Job>();
    const auto run = [job, act = std::move(act)](WriteSide& side) {
        const std::lock_guard lock(job->mutex);
        // Whoever gave up has taken along what `act` refers to.
        if (!job->given_up) job->result = act(side);
        job->done.notify_all();
    };
    std::unique_lock lock(job->mutex);
    bool handed = false;
    while (!job->result) {
        if (stopped()) {
            job->given_up = true;
            return tl::make_unexpected(stopped_error());
        }
        if (!handed) handed = write_(run);
        job->done.wait_for(lock, writer_retry);
    }
    return *std::move(job->result);
}

} // namespace mudi::server
