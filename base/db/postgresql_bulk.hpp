#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "postgresql_statement.hpp"

namespace mudi::db {

std::unique_ptr<BulkBackend> make_postgresql_bulk(PostgresqlSession& connection, std::string_view table,
                                                  std::string_view columns, std::string_view on_conflict,
                                                  std::vector<Slot> prototype);

} // namespace mudi::db
