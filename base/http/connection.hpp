#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <boost/beast/core/flat_buffer.hpp>

#include <mudi/base/result.hpp>
#include <mudi/http/client.hpp>

#include "address.hpp"
#include "parser.hpp"

namespace mudi::http {

/// The moment after which a call must have returned.
class Deadline {
public:
    explicit Deadline(Duration from_now) : at_(std::chrono::steady_clock::now() + from_now) {}
    /// For poll(): rounded up, so that it does not spin in the last millisecond; 0 when passed.
    [[nodiscard]] int left_ms() const;

private:
    std::chrono::steady_clock::time_point at_;
};

/// Checks method, target and headers (a line end in them would smuggle in another request) and writes the
/// request's head.
Result<std::string> request_head(const Target& target, const Call& call);

/// The client's end of one socket. Every wait ends at a deadline.
class ClientConnection {
public:
    static Result<ClientConnection> open(const Target& target, const Deadline& deadline);

    /// False when the server has closed, or has said something nobody asked for.
    [[nodiscard]] bool idle() const;
    /// True when any byte has come since the last exchange began.
    [[nodiscard]] bool heard() const { return heard_; }
    /// For poll() only.
    [[nodiscard]] int descriptor() const { return socket_.get(); }
    /// True when all that was to be sent has been.
    [[nodiscard]] bool sent() const { return unsent_ == 0; }

    /// Begins to send; read() carries on with it, because a server may answer before it has taken everything.
    void begin(std::string_view head, std::string_view body);
    /// Feeds the parser until it is done (`until_header`: until the header is). Errors: http.timeout,
    /// http.broken, http.bad_answer.
    Status read(ResponseParser& parser, const Deadline& deadline, bool until_header);
    /// One round of the same: waits for bytes, feeds them. False when the deadline passed.
    Result<bool> read_some(ResponseParser& parser, const Deadline& deadline);
    [[nodiscard]] bool leftover() const { return buffer_.size() > 0; }

private:
    explicit ClientConnection(Descriptor socket) : socket_(std::move(socket)) {}

    void send_some();
    Status parse(ResponseParser& parser);
    Result<bool> receive(ResponseParser& parser);

    Descriptor socket_;
    beast::flat_buffer buffer_;
    std::string_view head_; // of the caller, valid during the exchange
    std::string_view body_;
    std::size_t unsent_{0};
    bool heard_{false};
    bool send_failed_{false};
};

} // namespace mudi::http
