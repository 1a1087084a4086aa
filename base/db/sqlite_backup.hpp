#pragma once

#include <string>

#include <soci/sqlite3/soci-sqlite3.h>

#include <mudi/base/db/backup.hpp>

namespace mudi::db {

/// db::backup for SQLite. `vfs`: of both files; empty = the operating system's.
Status sqlite_backup(sqlite_api::sqlite3* from, const std::string& vfs, const std::string& to_path,
                     const GoOn& go_on);

} // namespace mudi::db
