#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <mudi/base/time.hpp>
#include <mudi/http/responder.hpp>

namespace mudi::till {

/// The events of /v1/events: hands each to the open streams and keeps the newest for readers who come back.
/// Loop thread only.
class EventHub {
public:
    static constexpr std::size_t kept_max = 1000;
    static constexpr std::size_t kept_bytes_max = 1024 * 1024;

    /// Numbers begin at the start's own instant, so that a reader of an earlier start is recognised by its
    /// number.
    explicit EventHub(Time started) : newest_(static_cast<std::uint64_t>(to_ms(started)) * 1000) {}

    void publish(std::string_view name, const nlohmann::json& data);

    /// Says hello, then what the reader missed after `after`, then all that follows. A reader whose `after`
    /// lies too far back, or comes from another start, gets `reset` first.
    void attach(http::EventStream stream, std::optional<std::uint64_t> after);

    [[nodiscard]] std::uint64_t newest() const { return newest_; }

private:
    struct Kept {
        std::uint64_t number{};
        std::string name;
        std::string data;
    };

    std::uint64_t newest_;
    std::deque<Kept> kept_; ///< dense, oldest first
    std::size_t kept_bytes_{};
    std::vector<http::EventStream> streams_;
};

} // namespace mudi::till
