#include <mudi/base/db/halt.hpp>

namespace mudi::db {

void Halt::now() {
    called_.store(true);
    const std::lock_guard lock(mutex_);
    if (connection_ != nullptr) interrupt_(connection_);
}

void Halt::attach(void (*interrupt)(void* connection), void* connection) {
    const std::lock_guard lock(mutex_);
    interrupt_ = interrupt;
    connection_ = connection;
}

} // namespace mudi::db
