#include "idempotency.hpp"

#include <mudi/base/hash.hpp>

namespace mudi::till {
namespace {

std::size_t cost(const std::string& key, const http::Response& answer) {
    return 200 + 2 * key.size() + answer.body.size();
}

} // namespace

Bits128 IdempotencyStore::fingerprint(const http::Request& request) {
    return hash128(request.method + "\n" + request.raw_path + "\n" + request.body);
}

Result<std::optional<http::Response>> IdempotencyStore::find(const std::string& key, Bits128 fingerprint,
                                                             MonoTime now) {
    if (key.empty() || key.size() > key_bytes_max) {
        return fail(Code::invalid, "idempotency.key", "an Idempotency-Key has 1 to 128 bytes");
    }
    while (!order_.empty() && kept_.at(order_.front()).at + life <= now) forget_oldest();
    const auto found = kept_.find(key);
    if (found == kept_.end()) return std::optional<http::Response>{};
    if (found->second.fingerprint != fingerprint) {
        return fail(Code::conflict, "idempotency.conflict",
                    "this Idempotency-Key was used for another request");
    }
    return std::optional<http::Response>{found->second.answer};
}

void IdempotencyStore::keep(const std::string& key, Bits128 fingerprint, const http::Response& answer,
                            MonoTime now) {
    if (answer.status >= 500 || !kept_.try_emplace(key, Kept{fingerprint, answer, now}).second) return;
    order_.push_back(key);
    bytes_ += cost(key, answer);
    while (order_.size() > answers_max || bytes_ > bytes_max) forget_oldest();
}

void IdempotencyStore::forget_oldest() {
    const auto oldest = kept_.find(order_.front());
    bytes_ -= cost(oldest->first, oldest->second.answer);
    kept_.erase(oldest);
    order_.pop_front();
}

} // namespace mudi::till
