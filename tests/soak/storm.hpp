#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "soak/namespaces.hpp"
#include "soak/oracle.hpp"
#include "soak/shop.hpp"

namespace mudi::soak {

struct StormOptions {
    int seconds{120};
    std::uint64_t seed{};
    /// Then every till must be level with the server, without anybody's help.
    int level_within_seconds{60};
};

struct Outcome {
    std::size_t sold{};
    std::size_t stored{};
    int forks{};
    double level_seconds{};
    int level_within_seconds{};
    Oracle::Verdict verdict;
    std::vector<std::string> faults; ///< that have nothing to do with single sales
};

/// Sells at every till while a process is killed every 0 to 2 s, a database copied or put back from a copy
/// every few seconds, and (with `spaces`) a link broken. Then all is left in peace, and judged. An error: the
/// storm itself could not go on.
Result<Outcome> storm(Shop& shop, Oracle& oracle, Namespaces* spaces, const StormOptions& options);

} // namespace mudi::soak
