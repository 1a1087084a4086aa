#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "bench/wire_shop.hpp"
#include "cli/process.hpp"

namespace mudi::bench {

/// Thousands of tills in some processes of their own: NNG has one thread a process that ends and dials
/// connections, so that too many in one would wait for each other and not for the server.
class StormTills {
public:
    /// Tills 1 to `count`, dialling from now on. `program`: this one.
    static Result<std::unique_ptr<StormTills>> start(const std::filesystem::path& program,
                                                     const WireShop& shop, std::int64_t count,
                                                     const std::filesystem::path& log);
    /// Takes in what they said since; an error when one of them ended.
    Status look(Duration patience);
    [[nodiscard]] std::int64_t linked() const;
    [[nodiscard]] std::int64_t level() const; ///< that were level with the server once

private:
    struct Part {
        cli::Process process;
        std::int64_t linked{};
        std::int64_t level{};
    };
    std::vector<Part> parts_;
};

inline constexpr const char* storm_tills_word = "tills-of-a-storm";
/// What such a process does: mudi-bench tills-of-a-storm URL IDENTITY FIRST COUNT. Until it is killed.
int run_storm_tills(int argc, char** argv);

} // namespace mudi::bench
