#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>

#include <mudi/base/bytes.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/http/message.hpp>

namespace mudi::till {

/// What was answered to which Idempotency-Key. In memory: completes, returns and voids are idempotent by
/// their business key as well, which survives a restart; for the rest a restart forgets.
class IdempotencyStore {
public:
    static constexpr std::size_t answers_max = 10'000;
    static constexpr std::size_t bytes_max = 4 * 1024 * 1024;
    static constexpr std::size_t key_bytes_max = 128;
    static constexpr Duration life{std::chrono::hours{24}};

    /// Names what a request asks for: the same key with another fingerprint is a conflict.
    static Bits128 fingerprint(const http::Request& request);

    /// The kept answer; none when the key is new. idempotency.conflict (conflict), idempotency.key (invalid:
    /// length).
    Result<std::optional<http::Response>> find(const std::string& key, Bits128 fingerprint, MonoTime now);
    /// Answers of 500 and above are not kept: the caller should be able to try again.
    void keep(const std::string& key, Bits128 fingerprint, const http::Response& answer, MonoTime now);

    [[nodiscard]] std::size_t size() const { return kept_.size(); }

private:
    struct Kept {
        Bits128 fingerprint;
        http::Response answer;
        MonoTime at;
    };
    void forget_oldest();

    std::unordered_map<std::string, Kept> kept_;
    std::deque<std::string> order_; ///< oldest first
    std::size_t bytes_{};
};

} // namespace mudi::till
