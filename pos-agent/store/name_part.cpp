#include "name_part.hpp"

#include <algorithm>
#include <string>

#include <mudi/base/bytes.hpp>

namespace mudi::till {

NameParts::NameParts(const Key256& data_key) {
    // A key of its own: one key must not serve two ciphers.
    const std::string derived = to_bytes(hash128(data_key, "name part, first half")).data +
                                to_bytes(hash128(data_key, "name part, second half")).data;
    std::copy_n(derived.begin(), key_.data.size(), key_.data.begin());
}

std::int64_t NameParts::bits(std::string_view start) const {
    return static_cast<std::int64_t>(hash128(key_, start).low & 0xFFFF);
}

std::int64_t NameParts::token(std::string_view key) const {
    return bits(key.substr(0, 2)) << 32 | bits(key.substr(0, 3)) << 16 | bits(key.substr(0, 4));
}

std::optional<NameParts::Range> NameParts::beginning(std::string_view typed) const {
    if (typed.empty()) return std::nullopt;
    const std::int64_t whole = token(typed);
    if (typed.size() == 1 || typed.size() >= 4) return Range{whole, whole};
    const std::int64_t below = typed.size() == 3 ? 0xFFFF : 0xFFFF'FFFF;
    return Range{whole & ~below, whole | below};
}

} // namespace mudi::till
