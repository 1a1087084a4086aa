#include <mudi/base/bytes.hpp>

namespace mudi {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

int hex_value(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

} // namespace

Bytes to_bytes(Bits128 bits) {
    Bytes out;
    out.data.resize(16);
    for (std::size_t i = 0; i < 8; ++i) {
        out.data[i] = static_cast<char>(bits.high >> (56 - 8 * i));
        out.data[8 + i] = static_cast<char>(bits.low >> (56 - 8 * i));
    }
    return out;
}

std::optional<Bits128> bits128_from_bytes(std::string_view data) {
    if (data.size() != 16) return std::nullopt;
    Bits128 bits;
    for (std::size_t i = 0; i < 8; ++i) {
        bits.high = bits.high << 8 | static_cast<unsigned char>(data[i]);
        bits.low = bits.low << 8 | static_cast<unsigned char>(data[8 + i]);
    }
    return bits;
}

std::string to_hex(Bits128 bits) { return to_hex(to_bytes(bits).data); }

std::optional<Bits128> bits128_from_hex(std::string_view text) {
    if (text.size() != 32) return std::nullopt;
    const auto data = from_hex(text);
    if (!data) return std::nullopt;
    return bits128_from_bytes(*data);
}

std::string to_hex(std::string_view data) {
    std::string out;
    out.reserve(data.size() * 2);
    for (const char byte : data) {
        const auto value = static_cast<unsigned char>(byte);
        out.push_back(hex_digits[value >> 4]);
        out.push_back(hex_digits[value & 15]);
    }
    return out;
}

std::optional<std::string> from_hex(std::string_view text) {
    if (text.size() % 2 != 0) return std::nullopt;
    std::string out;
    out.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hex_value(text[i]);
        const int low = hex_value(text[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        out.push_back(static_cast<char>(high << 4 | low));
    }
    return out;
}

} // namespace mudi
