#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <mudi/sync/event.hpp>

namespace mudi::till {

/// Where a row of the feed counts when two copies are compared, and as what.
struct FeedPlace {
    std::int64_t part{};
    std::uint64_t digest{};
};

inline FeedPlace place_of(sync::FeedKind kind, std::string_view key, std::string_view body) {
    const auto number = static_cast<std::uint32_t>(kind);
    return {sync::part_of(number, key), sync::row_digest(number, key, body)};
}

/// Neighbouring parts, both ends included.
struct PartRange {
    std::int64_t first{};
    std::int64_t last{};

    [[nodiscard]] bool contains(std::int64_t part) const { return first <= part && part <= last; }
};

/// Sums of digests for each of the finest parts.
using PartSums = std::vector<std::uint64_t>;

inline void add(PartSums& sums, std::int64_t part, std::uint64_t digest) {
    if (part >= 0 && part < static_cast<std::int64_t>(sums.size()))
        sums[static_cast<std::size_t>(part)] += digest;
}

} // namespace mudi::till
