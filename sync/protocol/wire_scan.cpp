#include "wire_scan.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <mudi/base/assert.hpp>

namespace mudi::sync {
namespace {

enum WireType : std::uint32_t { varint = 0, fixed64 = 1, delimited = 2, fixed32 = 5 };

constexpr std::size_t limits_max = 8;

std::optional<std::uint64_t> take_varint(std::string_view& rest) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 10 && i < rest.size(); ++i) {
        const auto byte = static_cast<unsigned char>(rest[i]);
        value |= std::uint64_t{byte & 0x7fu} << (7 * i);
        if (byte < 0x80) {
            rest.remove_prefix(i + 1);
            return value;
        }
    }
    return std::nullopt;
}

/// Length of the field's content, which `rest` begins with afterwards.
std::optional<std::size_t> content_bytes(std::uint64_t type, std::string_view& rest) {
    switch (type) {
    case varint: {
        const std::size_t before = rest.size();
        std::string_view behind = rest;
        if (!take_varint(behind)) return std::nullopt;
        return before - behind.size();
    }
    case fixed64: return 8;
    case fixed32: return 4;
    case delimited: {
        const auto size = take_varint(rest);
        if (!size || *size > rest.size()) return std::nullopt;
        return static_cast<std::size_t>(*size);
    }
    default: return std::nullopt; // groups: nobody of ours writes them
    }
}

} // namespace

Scan scan(std::string_view message, std::initializer_list<FieldLimit> limits) {
    MUDI_ASSERT(limits.size() <= limits_max);
    std::array<std::size_t, limits_max> times{};
    while (!message.empty()) {
        const auto tag = take_varint(message);
        if (!tag) return Scan::damaged;
        const auto bytes = content_bytes(*tag & 7, message);
        if (!bytes || *bytes > message.size()) return Scan::damaged;
        message.remove_prefix(*bytes);
        const auto limit = std::find_if(limits.begin(), limits.end(),
                                        [&](const FieldLimit& each) { return each.field == *tag >> 3; });
        if (limit == limits.end()) continue;
        const auto at = static_cast<std::size_t>(limit - limits.begin());
        if (++times[at] > limit->times_max || *bytes > limit->bytes_max) return Scan::too_large;
    }
    return Scan::fits;
}

} // namespace mudi::sync
