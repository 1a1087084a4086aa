#pragma once

#include <functional>
#include <string>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/result.hpp>

namespace mudi::db {

/// Asked after every 256 pages; false ends the copying.
using GoOn = std::function<bool()>;

/// Copies the database as it stands when the copying begins into the new file `to_path`: whole, synced, and
/// one file (no log beside it). Others read and commit meanwhile; until it is done, the log of `from` only
/// grows. On a connection of its own, so any thread may do it. Errors: backup.engine (invalid: PostgreSQL has
/// its own tools), backup.exists (conflict: something stands at `to_path`), backup.stopped (unavailable:
/// `go_on` said so), db.target (invalid: a database in memory), db.open, db.full, db.io (io), db.corrupt.
/// After an error nothing stands at `to_path`. In the operating system's file system the name appears only
/// when the copy is complete; the file is readable by its owner only.
Status backup(const Options& from, const std::string& to_path, const GoOn& go_on = {});
/// The same through an open connection that is in no transaction (`db.busy` otherwise), into the file system
/// `from` is in. It cannot be used for anything else before this returns.
Status backup(Connection& from, const std::string& to_path, const GoOn& go_on = {});

} // namespace mudi::db
