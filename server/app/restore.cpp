#include "restore.hpp"

#include <cerrno>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/file.hpp>
#include <mudi/server/rights.hpp>
#include <mudi/server/schema.hpp>

#include "data_dir.hpp"

namespace mudi::server {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Error> io(const fs::path& path, const std::error_code& error) {
    const bool full = error == std::errc::no_space_on_device;
    return fail(Code::io, full ? "file.full" : "file.io", path.string() + ": " + error.message());
}

/// What the file system holds of it, a folder's names included, is on the disk.
Status sync(const fs::path& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return io(path, {errno, std::generic_category()});
    const int failed = ::fsync(file) != 0 ? errno : 0;
    ::close(file);
    if (failed != 0) return io(path, {failed, std::generic_category()});
    return {};
}

fs::path with(const fs::path& path, const std::string& ending) { return path.string() + ending; }

/// "20261121T101530".
std::string stamp(Time now) {
    std::string out;
    for (const char c : format_time(now).substr(0, 19)) {
        if (c != '-' && c != ':') out += c;
    }
    return out;
}

Status copy_whole(const fs::path& from, const fs::path& to) {
    std::error_code error;
    fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
    if (error) return io(to, error);
    fs::permissions(to, fs::perms::owner_read | fs::perms::owner_write, error);
    if (error) return io(to, error);
    return sync(to);
}

/// The log goes with its file: a log that finds another file would be written into that one. The file itself
/// keeps its name until the new one takes it, so that at no moment a start would make an empty database.
Result<fs::path> keep_aside(const fs::path& database, Time now) {
    std::error_code error;
    if (!fs::exists(database, error)) return fs::path();
    auto aside = with(database, ".replaced-" + stamp(now));
    for (int i = 2; fs::exists(aside, error); ++i)
        aside = with(database, ".replaced-" + stamp(now) + "-" + std::to_string(i));
    fs::create_hard_link(database, aside, error);
    if (error) {
        fs::rename(database, aside, error); // a file system without links
        if (error) return io(database, error);
    }
    const auto log = with(database, "-wal");
    if (fs::exists(log, error)) {
        fs::rename(log, with(aside, "-wal"), error);
        if (error) return io(log, error);
    }
    fs::remove(with(database, "-shm"), error);
    if (error) return io(with(database, "-shm"), error);
    MUDI_CHECK(sync(database.parent_path()));
    return aside;
}

/// What was given out after the backup was made is not in it: until the tills have told, nothing is.
Status settle_points(const fs::path& path, Time now) {
    db::Options options;
    options.target = path.string();
    MUDI_TRY(const auto file, db::Connection::open(options));
    MUDI_CHECK(migrate(*file));
    RightsBook rights{*file};
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(*file));
    MUDI_CHECK(rights.settle(now));
    return transaction.commit();
}

} // namespace

Result<Restored> restore(const Plan& plan, const fs::path& from, Time now) {
    if (plan.database.engine != db::Engine::sqlite) {
        return fail(Code::invalid, "restore.external",
                    "the database is PostgreSQL: restore it with its own tools, then start the server");
    }
    std::error_code error;
    if (!fs::is_regular_file(from, error))
        return fail(Code::not_found, "file.missing", from.string() + ": there is no such file");
    Restored restored;
    restored.database = plan.database.target;
    MUDI_CHECK(make_folder(plan.data_dir.string(), 0700));
    MUDI_TRY(const auto lock, FolderLock::take(plan.data_dir));
    const auto fresh = with(restored.database, ".restoring");
    if (const auto copied = copy_whole(from, fresh); !copied) {
        fs::remove(fresh, error);
        return tl::make_unexpected(copied.error());
    }
    auto facts = verify_backup(fresh.string());
    if (!facts) {
        fs::remove(fresh, error);
        return fail(std::move(facts).error(), from.string());
    }
    restored.facts = *std::move(facts);
    if (const auto settled = settle_points(fresh, now); !settled) {
        fs::remove(fresh, error);
        return fail(settled.error(), from.string());
    }
    MUDI_CHECK(sync(fresh));
    MUDI_TRY(restored.replaced, keep_aside(restored.database, now));
    fs::rename(fresh, restored.database, error);
    if (error) return io(restored.database, error);
    MUDI_CHECK(sync(restored.database.parent_path()));
    return restored;
}

} // namespace mudi::server
