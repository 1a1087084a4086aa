#include <mudi/base/db/backup.hpp>

#include "backend.hpp"

namespace mudi::db {

Status ConnectionBase::back_up(const std::string&, const GoOn&) {
    return fail(Code::invalid, "backup.engine",
                "a PostgreSQL database is backed up with its own tools, such as pg_dump");
}

Status backup(Connection& from, const std::string& to_path, const GoOn& go_on) {
    // Every connection that open() makes is one.
    return static_cast<ConnectionBase&>(from).back_up(to_path, go_on);
}

Status backup(const Options& from, const std::string& to_path, const GoOn& go_on) {
    if (from.engine == Engine::sqlite && from.target == ":memory:")
        return fail(Code::invalid, "db.target", "a database in memory has no second connection");
    Options options = from;
    options.read_only = true;
    MUDI_TRY(const auto connection, Connection::open(options));
    return backup(*connection, to_path, go_on);
}

} // namespace mudi::db
