#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <mudi/base/hash.hpp>

namespace mudi::till {

/// Turns the parts of a name (mudi/till/name_fold.hpp) into numbers that only this till's key can make: 16
/// hash bits each of the first two, three and four bytes. All parts that begin alike lie side by side, so one
/// row per part serves a beginning of any length.
class NameParts {
public:
    explicit NameParts(const Key256& data_key);

    [[nodiscard]] std::int64_t token(std::string_view key) const;

    struct Range {
        std::int64_t first{};
        std::int64_t last{};
    };
    /// All tokens of keys that begin so (and a few that do not). A single letter stands for itself only;
    /// empty for none.
    [[nodiscard]] std::optional<Range> beginning(std::string_view typed) const;

private:
    [[nodiscard]] std::int64_t bits(std::string_view start) const;

    Key256 key_;
};

} // namespace mudi::till
