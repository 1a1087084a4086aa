#include <mudi/server/schema.hpp>

#include <span>

#include <mudi/base/db/migrate.hpp>

namespace mudi::server {

namespace sql {
std::span<const db::Migration> migrations();
} // namespace sql

Status migrate(db::Connection& writer) { return db::migrate(writer, sql::migrations()); }

} // namespace mudi::server
