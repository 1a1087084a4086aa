#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

/// What the targets share.
namespace mudi::fuzz {

/// A broken promise is a find.
inline void require(bool promise) {
    if (!promise) std::abort();
}

/// What a decoder lets through must come back the same from its encoder: else two sides would understand two
/// things.
template <class Result, class Value>
void require_same(const Result& again, const Value& value) {
    require(again.has_value());
    require(*again == value);
}

/// Takes the input apart from its front.
class Input {
public:
    Input(const std::uint8_t* data, std::size_t size) : left_(reinterpret_cast<const char*>(data), size) {}

    std::uint8_t byte() {
        if (left_.empty()) return 0;
        const auto value = static_cast<std::uint8_t>(left_.front());
        left_.remove_prefix(1);
        return value;
    }
    std::size_t below(std::size_t bound) { return (std::size_t{byte()} << 8 | byte()) % bound; }
    std::string_view take(std::size_t size) {
        const std::string_view taken = left_.substr(0, std::min(size, left_.size()));
        left_.remove_prefix(taken.size());
        return taken;
    }
    [[nodiscard]] std::string_view rest() const { return left_; }

private:
    std::string_view left_;
};

} // namespace mudi::fuzz
