#pragma once

#include <cstdint>
#include <string>

namespace mudi::sim {

/// A whole chain comes back at once after a long outage.
struct StormOptions {
    std::uint64_t seed{1};
    int tills{5'000};
    int hours_away{8};
    int sales_per_hour{50}; ///< at each till
};

struct StormResult {
    std::string broken; ///< empty: all promises held
    std::int64_t events{};
    std::int64_t simulated_ms{}; ///< until the last till was in step
    std::int64_t first_ms{};     ///< until the first one was
    std::int64_t starved_ms{};   ///< longest that a till with something to send made no progress
    std::size_t requests_max{};  ///< open at the server at once
    std::size_t pushes_max{};    ///< waiting for its writer at once
};

/// The real cores on both ends and the server's real inbox; the tills' outboxes are made up as they are read.
StormResult run_storm(const StormOptions& options);

} // namespace mudi::sim
