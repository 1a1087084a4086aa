#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mudi {

/// Raw bytes, as read from the wire or a BLOB column. A type of its own, so that it can never be bound to a
/// text column or printed by accident.
struct Bytes {
    std::string data;

    friend auto operator<=>(const Bytes&, const Bytes&) = default;
};

/// 128 bits: random ids and hashes. Text form is 32 lower-case hex digits.
struct Bits128 {
    std::uint64_t high{};
    std::uint64_t low{};

    friend auto operator<=>(const Bits128&, const Bits128&) = default;
    [[nodiscard]] bool is_zero() const { return high == 0 && low == 0; }
};

/// Big-endian, 16 bytes.
Bytes to_bytes(Bits128 bits);
/// Empty unless `data` is exactly 16 bytes.
std::optional<Bits128> bits128_from_bytes(std::string_view data);
std::string to_hex(Bits128 bits);
/// Empty unless `text` is exactly 32 hex digits.
std::optional<Bits128> bits128_from_hex(std::string_view text);

std::string to_hex(std::string_view data);
/// Empty when the length is odd or a digit is not hex.
std::optional<std::string> from_hex(std::string_view text);

} // namespace mudi

template <>
struct std::hash<mudi::Bits128> {
    std::size_t operator()(const mudi::Bits128& bits) const noexcept {
        return static_cast<std::size_t>(bits.high ^ (bits.low * 0x9e3779b97f4a7c15ULL));
    }
};
