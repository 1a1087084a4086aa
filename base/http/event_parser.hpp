#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <mudi/base/result.hpp>
#include <mudi/http/event_reader.hpp>

namespace mudi::http {

/// Bytes of a text/event-stream in, events out (WHATWG HTML, section "Interpreting an event stream"). Pure.
class EventParser {
public:
    void feed(std::string_view bytes) { pending_ += bytes; }
    /// The next whole event; none when more bytes are needed. Error http.bad_answer when an event or a line
    /// grows beyond event_bytes_max.
    Result<std::optional<Event>> next();
    [[nodiscard]] std::uint64_t comments() const { return comments_; }

private:
    /// None until the line's end has come.
    std::optional<std::string_view> line();
    void field(std::string_view line);
    void compact();

    std::string pending_;
    std::size_t at_{0};
    std::string last_id_;
    std::string event_;
    std::string data_;
    bool any_data_{false};
    std::uint64_t comments_{0};
};

} // namespace mudi::http
