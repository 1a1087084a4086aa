#pragma once

#include <string>
#include <vector>

#include "bench/wire_tills.hpp"

namespace mudi::bench {

/// A till that has packed everything beforehand and only sends, one push after the answer to the one before:
/// what is left is the transport and the server. Unsigned: for a server that takes any till.
class RawTill {
public:
    /// `outbox` in pushes of `events_max`.
    RawTill(const Outbox& outbox, TillId till, std::size_t events_max);

    /// Greets; then send_all() may be called. bench.patience, bench.refused (unavailable).
    Status greet(const WireServer& server, std::chrono::seconds patience);
    Status send_all(std::chrono::seconds patience);
    /// Of all pushes, before TLS and what NNG adds.
    [[nodiscard]] std::size_t bytes() const;

private:
    Status exchange(const std::string& frame, MonoTime end);

    std::string hello_;
    std::vector<std::string> pushes_;
    SystemClock clock_;
    JobQueue jobs_;
    std::unique_ptr<sync::TillTransport> transport_;
    bool up_{false};
    std::uint64_t asked_{};
    std::uint64_t answered_{};
    Result<std::string> answer_;
};

} // namespace mudi::bench
