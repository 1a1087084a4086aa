#include "session.hpp"

#include <array>
#include <cerrno>
#include <utility>

#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>

#include <mudi/http/guard.hpp>
#include <mudi/http/problem.hpp>

#include "event_connection.hpp"
#include "response_head.hpp"

namespace mudi::http {

namespace {

using beast::http::error;

/// After a refusal the client may still be sending. Closing at once would make the kernel answer with a
/// reset, which can destroy the refusal before the client reads it; so we listen on for a while, within these
/// limits.
constexpr std::size_t linger_bytes_max = 64 * 1024 * 1024;
constexpr std::chrono::seconds linger_time{5};
constexpr std::string_view continue_line = "HTTP/1.1 100 Continue\r\n\r\n";

} // namespace

Session::Session(std::shared_ptr<Server::Core> core, Socket socket, bool over_unix_socket)
    : core_(std::move(core)), socket_(std::move(socket)), over_unix_socket_(over_unix_socket) {}

void Session::start() {
    expect_request();
    read();
}

void Session::turn_away() {
    refuse(503, {Code::busy, "http.too_many_connections", "too many connections are open"});
}

void Session::close() {
    if (std::exchange(phase_, Phase::closed) == Phase::closed) return;
    ErrorCode ignored;
    socket_.close(ignored);
    core_->remove(*this);
}

void Session::tick(SteadyTime now) {
    if (now < deadline_) return;
    if (phase_ == Phase::receiving && !timed_out_) {
        timed_out_ = true; // on_read answers 408 when the cancelled read comes back
        deadline_ = now + core_->options.write_timeout;
        ErrorCode ignored;
        socket_.cancel(ignored);
    } else {
        close();
    }
}

void Session::expect_request() {
    phase_ = Phase::waiting;
    deadline_ = steady_now() + core_->options.read_timeout;
    parser_.emplace(header_bytes_max, core_->options.body_bytes_max);
    continue_sent_ = false;
    head_only_ = false;
}

void Session::read() {
    socket_.async_read_some(
        buffer_.prepare(read_bytes),
        [self = shared_from_this()](ErrorCode error, std::size_t bytes) { self->on_read(error, bytes); });
}

void Session::on_read(ErrorCode error, std::size_t bytes) {
    if (phase_ == Phase::closed) return;
    if (timed_out_) {
        return refuse(408, {Code::unavailable, "http.slow_request", "the request did not arrive in time"});
    }
    if (error) return close();
    buffer_.commit(bytes);
    consume();
}

void Session::consume() {
    if (phase_ == Phase::waiting && buffer_.size() > 0) {
        phase_ = Phase::receiving;
        deadline_ = steady_now() + core_->options.read_timeout;
    }
    while (!parser_->is_done()) {
        ErrorCode error = error::need_more;
        std::size_t used = 0;
        if (buffer_.size() > 0) used = parser_->put(asio::const_buffer(buffer_.cdata()), error);
        buffer_.consume(used);
        if (error == error::need_more || (!error && used == 0 && !parser_->is_done())) {
            return parser_->wants_continue() && !continue_sent_ ? send_continue() : read();
        }
        if (error) return refuse(error);
    }
    dispatch();
}

void Session::send_continue() {
    continue_sent_ = true;
    asio::async_write(socket_, asio::buffer(continue_line.data(), continue_line.size()),
                      [self = shared_from_this()](ErrorCode error, std::size_t) {
                          if (self->phase_ == Phase::closed) return;
                          if (error || self->timed_out_)
                              self->close();
                          else
                              self->read();
                      });
}

void Session::dispatch() {
    phase_ = Phase::handling;
    deadline_ = SteadyTime::max(); // how long the work takes is the handler's affair
    keep_alive_ = parser_->keep_alive() && !parser_->is_http_1_0();
    Request request = std::move(parser_->message);
    request.over_unix_socket = over_unix_socket_;
    head_only_ = request.method == "HEAD";
    extra_headers_ = {};
    ++core_->counts.requests;
    if (core_->options.guard) {
        auto verdict = guard(*core_->options.guard, request);
        extra_headers_ = std::move(verdict.headers);
        if (verdict.answer) return answer(std::move(*verdict.answer));
    }
    core_->handle(std::move(request), Responder(weak_from_this()));
}

void Session::refuse(ErrorCode error) {
    if (error == error::header_limit) {
        return refuse(431, {Code::invalid, "http.header_too_large", "the request's header is above 16 KiB"});
    }
    if (error == error::body_limit) {
        return refuse(
            413, {Code::invalid, "http.body_too_large",
                  "the request's body is above " + std::to_string(core_->options.body_bytes_max) + " bytes"});
    }
    if (error == error::bad_target) {
        return refuse(
            400, {Code::invalid, "http.bad_target", "the request target is not a path in well-formed UTF-8"});
    }
    refuse(400, {Code::invalid, "http.malformed", "this is not an HTTP/1.1 request"});
}

void Session::refuse(int status, const Error& error) {
    keep_alive_ = false;
    head_only_ = false;
    extra_headers_ = {};
    write(problem(status, error));
}

void Session::answer(Response response) {
    if (phase_ == Phase::handling) write(std::move(response));
}

/// Nothing is read while a request is worked on, so the end of the connection has to be looked for.
bool Session::gone() {
    if (phase_ == Phase::closed) return true;
    char next = 0;
    const auto bytes = ::recv(socket_.native_handle(), &next, 1, MSG_PEEK | MSG_DONTWAIT);
    return bytes == 0 || (bytes < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

void Session::write(Response response) {
    phase_ = Phase::writing;
    write_head(head_, response, extra_headers_, keep_alive_ ? BodyEnd::length : BodyEnd::last);
    body_ = std::move(response.body);
    if (head_only_ || response.status == 204 || response.status == 304) body_.clear();
    deadline_ = steady_now() + core_->options.write_timeout;
    const auto progress = [this](const ErrorCode& error, std::size_t written) -> std::size_t {
        if (error) return 0;
        if (written > 0) deadline_ = steady_now() + core_->options.write_timeout;
        return write_bytes;
    };
    const std::array<asio::const_buffer, 2> parts{asio::buffer(head_), asio::buffer(body_)};
    asio::async_write(socket_, parts, progress,
                      [self = shared_from_this()](ErrorCode error, std::size_t) { self->on_written(error); });
}

void Session::on_written(ErrorCode error) {
    if (phase_ == Phase::closed) return;
    if (error) return close();
    if (!keep_alive_) return linger();
    expect_request();
    if (buffer_.size() > 0)
        consume();
    else
        read();
}

void Session::linger() {
    phase_ = Phase::lingering;
    deadline_ = steady_now() + linger_time;
    ErrorCode ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
    discard();
}

void Session::discard() {
    buffer_.clear();
    socket_.async_read_some(buffer_.prepare(read_bytes),
                            [self = shared_from_this()](ErrorCode error, std::size_t bytes) {
                                if (self->phase_ == Phase::closed) return;
                                self->discarded_bytes_ += bytes;
                                if (error || self->discarded_bytes_ > linger_bytes_max)
                                    self->close();
                                else
                                    self->discard();
                            });
}

Result<EventStream> Session::open_stream() {
    if (phase_ != Phase::handling) return fail(Code::unavailable, "http.no_stream", "the client has gone");
    if (!core_->stream_possible()) {
        const Error error{Code::busy, "http.too_many_streams", "too many event streams are open"};
        write(problem(error));
        return tl::make_unexpected(error);
    }
    std::string head;
    Response response{200, "text/event-stream", "", {}};
    response.headers.add("Cache-Control", "no-cache");
    write_head(head, response, extra_headers_, BodyEnd::connection);
    const auto stream = std::make_shared<EventConnection>(core_, std::move(socket_));
    core_->add(stream);
    phase_ = Phase::closed; // from here on the socket is the stream's
    core_->remove(*this);
    stream->start(head);
    return EventStream(stream);
}

} // namespace mudi::http
