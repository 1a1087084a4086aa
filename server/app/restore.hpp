#pragma once

#include <filesystem>

#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/server/backup.hpp>

#include "settings.hpp"

namespace mudi::server {

struct Restored {
    std::filesystem::path database;
    std::filesystem::path replaced; ///< what was there before; empty: nothing
    BackupFacts facts;
};

/// Puts a backup in the place of the plan's SQLite database while no server runs on it. The copy is verified
/// before anything is moved; what was there stays beside as <name>.replaced-<time>. A power cut leaves the
/// old database or the new one. data_dir.in_use (busy), restore.external (invalid: PostgreSQL), file.missing
/// (not_found), file.*, and those of verify_backup.
Result<Restored> restore(const Plan& plan, const std::filesystem::path& from, Time now);

} // namespace mudi::server
