#pragma once

#include <string_view>

#include <mudi/base/result.hpp>

namespace mudi::db {

/// Where an SQLite error came up: only texts from preparing and from constraints are free of bound values (a
/// full-text query that does not parse is quoted in the message of its first step).
enum class SqliteStage { opening, preparing, running };

/// `code` is the extended result code.
Error sqlite_error(int code, std::string_view message, SqliteStage stage);

/// `message` was made with terse verbosity: its details would quote the row.
Error postgresql_error(std::string_view sqlstate, std::string_view message, bool connected);

/// Words for mistakes in the program's own SQL.
Error sql_error(std::string_view what);

} // namespace mudi::db
