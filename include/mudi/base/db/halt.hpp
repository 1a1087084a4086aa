#pragma once

#include <atomic>
#include <mutex>

namespace mudi::db {

/// Lets another thread end what a connection is in the middle of, however long one statement takes. Given to
/// one connection at a time (Options::halt), which it outlives. SQLite only: PostgreSQL goes on to the end.
class Halt {
public:
    Halt() = default;
    Halt(const Halt&) = delete;
    Halt& operator=(const Halt&) = delete;

    /// Any thread. The statement that runs fails soon with db.stopped (unavailable). One that begins a moment
    /// later does not notice: whoever waits for an end says it again until it has come.
    void now();
    /// Any thread. For work of many statements, to be looked at between them.
    [[nodiscard]] bool called() const { return called_.load(); }

    /// Of base/db only: what is to be called to interrupt `connection`, which may be null.
    void attach(void (*interrupt)(void* connection), void* connection);

private:
    std::atomic<bool> called_{false};
    std::mutex mutex_; ///< guards what follows; held while it is called, so that the connection stays
    void (*interrupt_)(void*){nullptr};
    void* connection_{nullptr};
};

} // namespace mudi::db
