#pragma once

#include <mudi/base/db/connection.hpp>
#include <mudi/base/result.hpp>

namespace mudi::server {

/// The connection that writes, on SQLite. A chunk of applied sales changes a few thousand pages all over the
/// habits and indexes; what does not fit is written to the log and read back in the middle of it.
inline constexpr int writer_cache_kib = 32 * 1024;
/// Group commits of a drain fill SQLite's usual 1,000 pages many times a second, and each time wait for a
/// checkpoint: a tenth of the rate.
inline constexpr int log_pages_max = 8000;

/// Brings the server's tables up to this program. Run once at start, on the writer's connection, before
/// anything else here is used. Errors: those of db::migrate.
Status migrate(db::Connection& writer);

} // namespace mudi::server
