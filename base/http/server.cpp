#include <mudi/http/server.hpp>

#include <algorithm>
#include <exception>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "core.hpp"
#include "event_connection.hpp"
#include "session.hpp"

namespace mudi::http {

namespace {

/// Beyond connections_max this many may be open just long enough to be told so; the rest is closed unheard.
constexpr std::size_t turned_away_max = 32;
/// When descriptors run out, accepting again at once would spin.
constexpr std::chrono::milliseconds accept_pause{100};
constexpr std::chrono::milliseconds tick_min{10};
constexpr std::chrono::milliseconds tick_max{1'000};

template <class Connections>
auto copy_of(const Connections& connections) {
    std::vector<typename Connections::mapped_type> list;
    list.reserve(connections.size());
    for (const auto& [key, connection] : connections) list.push_back(connection);
    return list;
}

} // namespace

Server::Core::Core(asio::io_context& io, ServerOptions settings, Handler function)
    : options(std::move(settings)), io_(io), handler_(std::move(function)), ticker_(io), accept_retry_(io) {}

Status Server::Core::listen() {
    if (options.tcp_port) {
        MUDI_TRY(const TcpListener tcp, listen_tcp(options.address, *options.tcp_port));
        port_ = tcp.port;
        if (options.guard) options.guard->port = tcp.port;
        MUDI_CHECK(add_door(tcp.family, tcp.descriptor, false));
    }
    if (!options.unix_path.empty()) {
        MUDI_TRY(unix_listener_, listen_unix(options.unix_path));
        MUDI_CHECK(add_door(AF_UNIX, unix_listener_.descriptor, true));
    }
    for (const auto& door : doors_) accept(*door);
    return {};
}

Status Server::Core::add_door(int family, int descriptor, bool is_unix) {
    doors_.push_back(std::make_unique<Door>(io_, is_unix));
    ErrorCode error;
    doors_.back()->acceptor.assign(Protocol(family, is_unix ? 0 : IPPROTO_TCP), descriptor, error);
    if (!error) return {};
    ::close(descriptor);
    return fail(Code::io, "http.listen", "the event loop refuses the listening socket: " + error.message());
}

void Server::Core::accept(Door& door) {
    door.acceptor.async_accept(door.peer, [self = shared_from_this(), &door](ErrorCode error) {
        if (self->stopped_) return;
        if (!error)
            self->welcome(door);
        else if (error != asio::error::connection_aborted)
            return self->accept_later(door);
        self->accept(door);
    });
}

void Server::Core::accept_later(Door& door) {
    accept_retry_.expires_after(accept_pause);
    accept_retry_.async_wait([self = shared_from_this(), &door](ErrorCode) {
        if (!self->stopped_) self->accept(door);
    });
}

void Server::Core::welcome(Door& door) {
    Socket socket = std::move(door.peer); // which is as good as new afterwards, says Asio
    const auto open = sessions_.size() + streams_.size();
    const bool full = open >= options.connections_max;
    if (full) ++counts.refused;
    if (open >= options.connections_max + turned_away_max) return;
    if (!door.is_unix) {
        const int on = 1;
        ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    const auto session = std::make_shared<Session>(shared_from_this(), std::move(socket), door.is_unix);
    sessions_.emplace(session.get(), session);
    start_ticking();
    if (full)
        session->turn_away();
    else
        session->start();
}

void Server::Core::start_ticking() {
    if (ticking_ || stopped_) return;
    ticking_ = true;
    const auto shortest = std::min({options.read_timeout, options.write_timeout, options.heartbeat});
    ticker_.expires_after(std::clamp<Duration>(shortest / 4, tick_min, tick_max));
    ticker_.async_wait([self = shared_from_this()](ErrorCode) {
        self->ticking_ = false;
        self->tick();
    });
}

/// One timer for all connections instead of one each: setting a deadline costs nothing on the way of a
/// request.
void Server::Core::tick() {
    if (stopped_) return;
    const auto now = steady_now();
    for (const auto& session : copy_of(sessions_)) session->tick(now);
    for (const auto& stream : copy_of(streams_)) stream->tick(now);
    if (!sessions_.empty() || !streams_.empty()) start_ticking();
}

void Server::Core::handle(Request request, Responder responder) {
    ++handling_;
    try {
        handler_(std::move(request), responder);
    } catch (const std::exception&) {
        // Letting go of the responder answers 500. The text stays here: it may hold the customer's data.
    }
    if (--handling_ == 0 && stopped_) handler_ = nullptr;
}

void Server::Core::remove(Session& session) { sessions_.erase(&session); }

void Server::Core::remove(EventConnection& stream) { streams_.erase(&stream); }

void Server::Core::add(std::shared_ptr<EventConnection> stream) {
    auto* const key = stream.get();
    streams_.emplace(key, std::move(stream));
}

ServerStats Server::Core::stats() const {
    ServerStats now = counts;
    now.connections = sessions_.size() + streams_.size();
    now.streams = streams_.size();
    return now;
}

void Server::Core::stop() {
    if (std::exchange(stopped_, true)) return;
    ErrorCode ignored;
    for (const auto& door : doors_) door->acceptor.close(ignored);
    if (unix_listener_.descriptor >= 0) remove_socket_file(options.unix_path, unix_listener_);
    ticker_.cancel();
    accept_retry_.cancel();
    for (const auto& session : copy_of(sessions_)) session->close();
    for (const auto& stream : copy_of(streams_)) stream->close();
    if (handling_ == 0)
        handler_ = nullptr; // a handler that stops the server is not destroyed under its own feet
}

Server::Server(std::shared_ptr<Core> core) : core_(std::move(core)) {}

Result<std::unique_ptr<Server>> Server::start(asio::io_context& io, ServerOptions options, Handler handler) {
    auto core = std::make_shared<Core>(io, std::move(options), std::move(handler));
    if (auto listening = core->listen(); !listening) {
        core->stop(); // the other door may be open already
        return tl::make_unexpected(std::move(listening).error());
    }
    return std::unique_ptr<Server>(new Server(std::move(core)));
}

Server::~Server() { stop(); }

void Server::stop() { core_->stop(); }

std::uint16_t Server::port() const { return core_->port(); }

GuardPolicy* Server::policy() { return core_->options.guard ? &*core_->options.guard : nullptr; }

ServerStats Server::stats() const { return core_->stats(); }

} // namespace mudi::http
