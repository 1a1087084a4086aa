#pragma once

#include <mudi/base/db/connection.hpp>
#include <mudi/base/result.hpp>

namespace mudi::server {

/// Brings the server's tables up to this program. Run once at start, on the writer's connection, before
/// anything else here is used. Errors: those of db::migrate.
Status migrate(db::Connection& writer);

} // namespace mudi::server
