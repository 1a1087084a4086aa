#include "postgresql.hpp"
namespace mudi::db {
Result<std::unique_ptr<Connection>> open_postgresql(const Options&) {
    return fail(Code::unavailable, "db.connection", "");
}
} // namespace mudi::db
