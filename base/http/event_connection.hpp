#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "core.hpp"

namespace mudi::http {

/// The server's end of an event stream: a bounded queue of bytes in front of a socket.
class EventConnection final : public std::enable_shared_from_this<EventConnection> {
public:
    EventConnection(std::shared_ptr<Server::Core> core, Socket socket);

    /// Sends the HTTP head and begins to watch for the client's going.
    void start(std::string_view head);
    /// False when the stream is closed or the client is too slow (which closes it).
    bool send(std::string_view frame);
    /// Sends what is queued, then closes.
    void finish();
    void close();
    /// Heartbeat and write time-out.
    void tick(SteadyTime now);
    [[nodiscard]] bool closed() const { return closed_ || finishing_; }

private:
    void watch();
    void write();
    void on_written(ErrorCode error);

    std::shared_ptr<Server::Core> core_;
    Socket socket_;
    std::string queued_;  // waits while writing_ is under way
    std::string writing_; // empty when nothing is under way
    std::array<char, 64> ignored_{};
    SteadyTime last_write_{};
    SteadyTime last_progress_{};
    bool finishing_{false};
    bool closed_{false};
};

} // namespace mudi::http
