#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/http/guard.hpp>
#include <mudi/http/responder.hpp>

namespace boost::asio {
class io_context;
}

namespace mudi::http {

inline constexpr std::size_t header_bytes_max = 16 * 1024;

struct ServerOptions {
    std::string address{"127.0.0.1"};      ///< numeric IPv4 or IPv6 address
    std::optional<std::uint16_t> tcp_port; ///< 0 takes a free one; none: no TCP
    std::string unix_path;                 ///< empty: no Unix socket; the file gets mode 0660
    std::optional<GuardPolicy> guard;      ///< none: everybody may call everything (tests only)

    std::size_t body_bytes_max{1024 * 1024}; ///< beyond: 413 http.body_too_large
    std::size_t connections_max{256};        ///< streams included; beyond: 503 http.too_many_connections
    std::size_t streams_max{32};             ///< beyond: 503 http.too_many_streams
    std::size_t stream_queue_bytes_max{256 * 1024}; ///< a slower client is dropped
    Duration read_timeout{30'000};  ///< idle connection, and one whole request from its first byte (408)
    Duration write_timeout{30'000}; ///< without any progress
    Duration heartbeat{15'000};     ///< comment line on a silent stream
};

struct ServerStats {
    std::uint64_t requests{};        ///< that reached the guard
    std::uint64_t refused{};         ///< connections turned away at the limit
    std::uint64_t streams_dropped{}; ///< too slow
    std::size_t connections{};       ///< open now, streams included
    std::size_t streams{};           ///< open now
};

/// HTTP/1.1 on one loop thread: keep-alive, pipelining (answered in order, one at a time), named limits.
/// Everything, construction and destruction included, happens on the thread that runs `io` (or while nobody
/// runs it); `io` outlives the server.
class Server {
public:
    /// Listens on return; requests are served as soon as `io` runs. Errors: http.port_taken,
    /// http.socket_taken (somebody answers on the Unix socket), http.socket_path, http.listen (all io),
    /// http.address (invalid).
    static Result<std::unique_ptr<Server>> start(boost::asio::io_context& io, ServerOptions options,
                                                 Handler handler);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    /// Calls stop().
    ~Server();

    /// Closes every connection at once, removes the socket file, lets go of the handler. Responders and
    /// streams that are still about become idle.
    void stop();
    /// 0 without TCP.
    [[nodiscard]] std::uint16_t port() const;
    /// May be changed at any time (a new pairing token); there is one only if the options had one.
    [[nodiscard]] GuardPolicy* policy();
    [[nodiscard]] ServerStats stats() const;

private:
    class Core;
    friend class Session;
    friend class EventConnection;
    explicit Server(std::shared_ptr<Core> core);
    std::shared_ptr<Core> core_;
};

} // namespace mudi::http
