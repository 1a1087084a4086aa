#include "postgresql.hpp"

namespace mudi::db {

Result<std::unique_ptr<Connection>> open_postgresql(const Options&) {
    return fail(Code::invalid, "db.engine", "this program keeps its data in SQLite only");
}

} // namespace mudi::db
