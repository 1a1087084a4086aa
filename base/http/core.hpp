#pragma once

#include <chrono>
#include <memory>
#include <unordered_map>
#include <vector>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <mudi/http/server.hpp>

#include "listen.hpp"

namespace mudi::http {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;
/// One type for TCP and Unix sockets; the loop's own executor type saves the type-erased one.
using Protocol = asio::generic::stream_protocol;
using Socket = asio::basic_stream_socket<Protocol, asio::io_context::executor_type>;
using Acceptor = asio::basic_socket_acceptor<Protocol, asio::io_context::executor_type>;
using SteadyTime = std::chrono::steady_clock::time_point;

inline constexpr std::size_t read_bytes = 16 * 1024;
inline constexpr std::size_t write_bytes = 256 * 1024;

inline SteadyTime steady_now() { return std::chrono::steady_clock::now(); }

class Session;
class EventConnection;

/// What the connections share. Asio keeps handlers of closed sockets for one more turn of the loop, so the
/// server's inside must be able to outlive the Server by that turn: hence shared_ptr here and in the
/// connections.
class Server::Core final : public std::enable_shared_from_this<Server::Core> {
public:
    Core(asio::io_context& io, ServerOptions settings, Handler function);

    Status listen();
    void stop();
    /// Runs the handler; what it throws ends here, as an unanswered request.
    void handle(Request request, Responder responder);

    void remove(Session& session);
    void remove(EventConnection& stream);
    [[nodiscard]] bool stream_possible() const { return !stopped_ && streams_.size() < options.streams_max; }
    void add(std::shared_ptr<EventConnection> stream);

    ServerOptions options;
    ServerStats counts; // only the totals; what is open now is in the two maps
    [[nodiscard]] ServerStats stats() const;
    [[nodiscard]] std::uint16_t port() const { return port_; }

private:
    struct Door {
        Door(asio::io_context& io, bool unix_socket) : acceptor(io), peer(io), is_unix(unix_socket) {}

        Acceptor acceptor;
        Socket peer;
        bool is_unix;
    };

    Status add_door(int family, int descriptor, bool is_unix);
    void accept(Door& door);
    void welcome(Door& door);
    void accept_later(Door& door);
    void start_ticking();
    void tick();

    asio::io_context& io_;
    Handler handler_;
    std::vector<std::unique_ptr<Door>> doors_;
    asio::steady_timer ticker_;
    asio::steady_timer accept_retry_;
    bool ticking_{false};
    bool stopped_{false};
    int handling_{0};
    std::uint16_t port_{0};
    UnixListener unix_listener_;
    std::unordered_map<Session*, std::shared_ptr<Session>> sessions_;
    std::unordered_map<EventConnection*, std::shared_ptr<EventConnection>> streams_;
};

} // namespace mudi::http
