#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/http/message.hpp>

namespace mudi::http {

inline constexpr std::size_t answer_bytes_max = 64 * 1024 * 1024;

/// Where a client connects to: a Unix socket, or a numeric IP address ("localhost" is 127.0.0.1; other names
/// are not looked up, because a lookup cannot be bounded in time).
struct Target {
    std::string unix_path;
    std::string address;
    std::uint16_t port{0};

    static Target unix_socket(std::string path) { return {std::move(path), {}, 0}; }
    static Target tcp(std::string address, std::uint16_t port) { return {{}, std::move(address), port}; }
};

struct Call {
    std::string method{"GET"};
    std::string target{"/"}; ///< path and query, already escaped (percent_encode)
    std::string body;
    std::string content_type{"application/json"}; ///< sent with a body only
    Headers headers;
    Duration timeout{5'000}; ///< hard cap over connect, write and read together
    /// May be done twice: allows one retry when a kept connection dies under the call.
    bool idempotent{false};
};

/// Blocking HTTP/1.1 client with one kept connection. No threads, no signals, no exceptions; one caller at a
/// time.
class Client {
public:
    explicit Client(Target target);
    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;
    ~Client();

    /// Any status is an answer. Errors: http.connect, http.timeout, http.broken (closed before the answer was
    /// whole) - all unavailable; http.bad_answer (corrupt: not HTTP, or above answer_bytes_max);
    /// http.bad_target (invalid).
    Result<Response> send(const Call& call);
    /// Lets go of the kept connection.
    void disconnect();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace mudi::http
