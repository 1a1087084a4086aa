#pragma once

#include <span>
#include <string_view>

#include <mudi/base/db/connection.hpp>

namespace mudi::db {

/// One numbered file NNNN_name.sql, embedded at build time. Written in SQLite's words; for PostgreSQL these are
/// translated as whole words outside quotes and comments: INTEGER -> BIGINT, REAL -> DOUBLE PRECISION, BLOB -> BYTEA,
/// and the table options STRICT and WITHOUT ROWID are dropped. What cannot be said so gets two files,
/// NNNN_name.sqlite.sql and NNNN_name.postgresql.sql, of which only one runs.
struct Migration {
    int number{};
    std::string_view name;
    std::string_view sql;
    /// Empty: both engines.
    std::string_view only_engine;
};

/// Brings an older database up, each file in a transaction of its own, recorded with a hash of its text in table
/// schema_migration. A database that is newer than the program (`db.newer_schema`) or whose recorded hash differs from
/// the file's (`db.edited_migration`) is refused unchanged.
Status migrate(Connection& connection, std::span<const Migration> migrations);

/// For tests and `schema.sql`: the translated text.
std::string sql_for(Engine engine, std::string_view sql);

} // namespace mudi::db
