#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include <mudi/sync/event.hpp>

#include "packing.hpp"

namespace mudi::sync {

inline constexpr std::uint8_t built_in_number = 1;
inline constexpr std::size_t dictionary_bytes_max = 64 * 1024;

/// Typical goods of an Indian grocery and the outline of a sale. Its bytes are part of the wire format: a
/// change is a new number.
const Dictionary& built_in();

/// Learns a server's own goods from the sales that come in: again each time it has seen four times as many, a
/// few times in the life of a server. Takes only what the catalogue says of an item (number, name, category,
/// unit, price, tax) and the names of the workstations: nothing of any person ends up in a dictionary.
class DictionaryLearner {
public:
    DictionaryLearner();
    /// A dictionary, at the calls that complete one. Of a large push only some events are looked at.
    std::optional<Dictionary> observe(std::span<const Event> events);

private:
    void take(const Event& event);
    [[nodiscard]] std::optional<Dictionary> build() const;

    std::unordered_map<std::string, std::uint32_t> items_; ///< wire form -> times seen
    std::set<std::string> heads_;                          ///< store, workstation, host, day
    std::vector<std::string> samples_; ///< events as a push packs them, for the statistics only
    std::size_t sales_{};
    std::size_t lines_{};
    std::size_t lines_wanted_;
    std::uint8_t number_{built_in_number};
};

} // namespace mudi::sync
