#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/http/client.hpp>

namespace mudi::http {

inline constexpr std::size_t event_bytes_max = 1024 * 1024;

/// One server-sent event. `id` is the last one seen on the stream, as the standard wants it for resuming.
struct Event {
    std::string id;
    std::string event{"message"};
    std::string data;
};

/// Blocking reader of a stream of server-sent events. No threads, no signals, no exceptions; one caller at a
/// time.
class EventReader {
public:
    /// GETs `call.target`; `call.timeout` caps connect and headers. Errors as Client::send, or the problem
    /// document's own when the server answers anything but 200.
    static Result<EventReader> open(const Target& target, const Call& call);
    /// For callers who may not wait: sends the request and returns; `call.timeout` caps the connecting only.
    /// next() then reads the answer's head first, and gives the errors that open() would have given.
    static Result<EventReader> begin(const Target& target, const Call& call);
    EventReader(EventReader&&) noexcept;
    EventReader& operator=(EventReader&&) noexcept;
    ~EventReader();

    /// The next event; none when `timeout` passes first. Errors: http.stream_ended, http.broken
    /// (unavailable), http.bad_answer (corrupt; also an event above event_bytes_max). After an error the
    /// reader is done.
    Result<std::optional<Event>> next(Duration timeout);
    /// True once the server has answered with a stream.
    [[nodiscard]] bool answered() const;
    /// For poll(): readable when next() has something to read. Stays the reader's.
    [[nodiscard]] int descriptor() const;
    /// Comment lines (heartbeats) seen so far.
    [[nodiscard]] std::uint64_t comments() const;

private:
    struct Impl;
    explicit EventReader(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace mudi::http
