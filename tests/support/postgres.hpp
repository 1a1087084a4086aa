#pragma once

#include <string>

namespace mudi::test {

/// The target (for db::parse_target) of a new, empty database on a PostgreSQL of this program's own: started
/// at the first call in a temporary folder, with a Unix socket only, gone when the program ends, however it
/// ends. Throws std::runtime_error with a clear text when PostgreSQL is not installed or does not start.
std::string postgres_database();

} // namespace mudi::test
