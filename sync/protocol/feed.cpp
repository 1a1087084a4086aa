#include <mudi/sync/event.hpp>

#include <mudi/base/hash.hpp>

namespace mudi::sync {
namespace {

void append_number(std::string& out, std::uint32_t number) {
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(number >> shift & 0xff);
}

/// Kind and key, so that no two pairs read the same.
Bits128 name_hash(std::uint32_t kind, std::string_view key) {
    std::string name;
    name.reserve(8 + key.size());
    append_number(name, kind);
    append_number(name, static_cast<std::uint32_t>(key.size()));
    return hash128(name.append(key));
}

constexpr int part_bits = 10;
static_assert(parts_max == 1u << part_bits);

} // namespace

std::uint32_t part_of(std::uint32_t kind, std::string_view key) {
    return static_cast<std::uint32_t>(name_hash(kind, key).high >> (64 - part_bits));
}

std::uint64_t row_digest(std::uint32_t kind, std::string_view key, std::string_view body) {
    // The name's hash has a fixed length: what follows it is the body, whatever that contains.
    return chain_next(name_hash(kind, key), body).low;
}

} // namespace mudi::sync
