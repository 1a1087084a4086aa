#pragma once

#include <memory>

#include <mudi/base/db/connection.hpp>

namespace mudi::db {

Result<std::unique_ptr<Connection>> open_sqlite(const Options& options);

} // namespace mudi::db
