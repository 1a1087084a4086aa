#include "connection.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <boost/beast/http/error.hpp>

namespace mudi::http {

namespace {

constexpr std::size_t receive_bytes = 64 * 1024;
/// A Unix socket whose backlog is full cannot be waited for; it is tried again after this.
constexpr int backlog_pause_ms = 5;

tl::unexpected<Error> timed_out() {
    return fail(Code::unavailable, "http.timeout", "the server did not answer in time");
}

tl::unexpected<Error> connect_failed(int reason) {
    return fail(Code::unavailable, "http.connect", std::string("cannot connect: ") + std::strerror(reason));
}

tl::unexpected<Error> broken() {
    return fail(Code::unavailable, "http.broken", "the connection closed before the answer was whole");
}

/// True when `events` (or an error) are there, false at the deadline.
bool wait(int descriptor, short events, const Deadline& deadline) {
    pollfd entry{descriptor, events, 0};
    for (;;) {
        const int ready = ::poll(&entry, 1, deadline.left_ms());
        if (ready > 0) return true;
        if (ready == 0) return false;
        if (errno != EINTR && errno != EAGAIN) return true; // the next read or write will tell
    }
}

Status finish_connect(int descriptor, const Deadline& deadline) {
    if (!wait(descriptor, POLLOUT, deadline)) return timed_out();
    int reason = 0;
    socklen_t size = sizeof reason;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &reason, &size) != 0) reason = errno;
    if (reason != 0) return connect_failed(reason);
    return {};
}

Status connect_until(int descriptor, const SocketAddress& address, const Deadline& deadline) {
    for (;;) {
        if (::connect(descriptor, address.get(), address.size) == 0) return {};
        if (errno == EINPROGRESS || errno == EINTR) return finish_connect(descriptor, deadline);
        if (errno != EAGAIN) return connect_failed(errno);
        const int left = deadline.left_ms();
        if (left == 0) return timed_out();
        ::poll(nullptr, 0, std::min(left, backlog_pause_ms));
    }
}

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7f;
    });
}

bool is_word(std::string_view text) {
    return !text.empty() && !has_control(text) && text.find_first_of(" :") == std::string_view::npos;
}

void add_field(std::string& head, std::string_view name, std::string_view value) {
    head.append(name).append(": ").append(value).append("\r\n");
}

} // namespace

int Deadline::left_ms() const {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(at_ - std::chrono::steady_clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 24 * 3600 * 1000));
}

Result<std::string> request_head(const Target& target, const Call& call) {
    bool fit = is_word(call.method) && call.target.starts_with('/') && !has_control(call.target) &&
               call.target.find(' ') == std::string::npos && !has_control(call.content_type);
    for (const Header& header : call.headers) fit = fit && is_word(header.name) && !has_control(header.value);
    if (!fit)
        return fail(Code::invalid, "http.bad_target", "method, target or headers are not fit for a request");

    std::string head;
    head.reserve(256 + call.target.size());
    head.append(call.method).append(" ").append(call.target).append(" HTTP/1.1\r\n");
    if (!call.headers.has("Host")) {
        const bool v6 = target.address.find(':') != std::string::npos;
        const auto host = v6 ? "[" + target.address + "]" : target.address;
        add_field(head, "Host",
                  target.unix_path.empty() ? host + ":" + std::to_string(target.port) : "localhost");
    }
    if (!call.body.empty() && !call.content_type.empty()) add_field(head, "Content-Type", call.content_type);
    if (!call.body.empty() || (call.method != "GET" && call.method != "HEAD")) {
        add_field(head, "Content-Length", std::to_string(call.body.size()));
    }
    for (const Header& header : call.headers) add_field(head, header.name, header.value);
    head += "\r\n";
    return head;
}

Result<ClientConnection> ClientConnection::open(const Target& target, const Deadline& deadline) {
    const bool local = !target.unix_path.empty();
    const auto address = local ? unix_address(target.unix_path) : ip_address(target.address, target.port);
    if (!address) {
        return fail(Code::unavailable, "http.connect",
                    "this is neither a numeric address nor a usable socket path");
    }
    Descriptor socket(::socket(address->family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket.open()) return connect_failed(errno);
    MUDI_CHECK(connect_until(socket.get(), *address, deadline));
    if (!local) {
        const int on = 1;
        ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    return ClientConnection(std::move(socket));
}

bool ClientConnection::idle() const {
    char byte{};
    return ::recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}

void ClientConnection::begin(std::string_view head, std::string_view body) {
    head_ = head;
    body_ = body;
    unsent_ = head.size() + body.size();
    heard_ = false;
    send_some();
}

void ClientConnection::send_some() {
    while (unsent_ > 0) {
        const auto head = head_.substr(head_.size() - (unsent_ > body_.size() ? unsent_ - body_.size() : 0));
        const auto body = body_.substr(body_.size() - std::min(unsent_, body_.size()));
        // sendmsg takes the bytes as not const, and does not change them.
        std::array<iovec, 2> parts{
            {{const_cast<char*>(head.data()), head.size()}, {const_cast<char*>(body.data()), body.size()}}};
        msghdr message{};
        message.msg_iov = parts.data();
        message.msg_iovlen = parts.size();
        const auto taken = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
        if (taken < 0 && errno == EINTR) continue;
        if (taken < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (taken < 0) {
            // The server takes no more, but its answer (a refusal, most likely) may be waiting to be read.
            send_failed_ = true;
            return;
        }
        unsent_ -= static_cast<std::size_t>(taken);
    }
}

Status ClientConnection::parse(ResponseParser& parser) {
    while (buffer_.size() > 0 && !parser.is_done()) {
        beast::error_code error;
        const auto used = parser.put(boost::asio::const_buffer(buffer_.cdata()), error);
        buffer_.consume(used);
        if (error == beast::http::error::need_more || (!error && used == 0)) return {};
        if (error)
            return fail(Code::corrupt, "http.bad_answer",
                        "the answer is not HTTP or too large: " + error.message());
    }
    return {};
}

/// False when there was nothing to read after all.
Result<bool> ClientConnection::receive(ResponseParser& parser) {
    const auto space = buffer_.prepare(receive_bytes);
    const auto count = ::recv(socket_.get(), space.data(), space.size(), MSG_DONTWAIT);
    if (count < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return false;
        return broken();
    }
    if (count == 0) {
        beast::error_code error;
        if (parser.is_header_done() && parser.need_eof()) parser.put_eof(error);
        if (!parser.is_done() || error) return broken();
        return true;
    }
    heard_ = true;
    buffer_.commit(static_cast<std::size_t>(count));
    MUDI_CHECK(parse(parser));
    return true;
}

Result<bool> ClientConnection::read_some(ResponseParser& parser, const Deadline& deadline) {
    for (;;) {
        const bool sending = unsent_ > 0 && !send_failed_;
        if (!wait(socket_.get(), static_cast<short>(sending ? POLLIN | POLLOUT : POLLIN), deadline))
            return false;
        if (sending) send_some();
        MUDI_TRY(const bool received, receive(parser));
        if (received) return true;
        if (deadline.left_ms() == 0) return false; // a busy connection does not outlast the deadline either
    }
}

Status ClientConnection::read(ResponseParser& parser, const Deadline& deadline, bool until_header) {
    MUDI_CHECK(parse(parser));
    while (!(until_header ? parser.is_header_done() : parser.is_done())) {
        if (deadline.left_ms() == 0) return timed_out();
        MUDI_TRY(const bool in_time, read_some(parser, deadline));
        if (!in_time) return timed_out();
    }
    return {};
}

} // namespace mudi::http
