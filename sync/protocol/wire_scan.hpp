#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace mudi::sync {

/// How often a field may come, and how long it may be each time.
struct FieldLimit {
    std::uint32_t field{};
    std::size_t times_max{};
    std::size_t bytes_max{SIZE_MAX};
};

enum class Scan : std::uint8_t { fits, damaged, too_large };

/// Walks the top level of a protobuf message before it is parsed, allocating nothing: two bytes on the wire
/// can cost the parser a hundred, so that a check of what it made would come too late.
Scan scan(std::string_view message, std::initializer_list<FieldLimit> limits);

} // namespace mudi::sync
