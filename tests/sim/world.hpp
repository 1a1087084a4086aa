#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mudi/base/random.hpp>
#include <mudi/base/time.hpp>

#include "checker.hpp"
#include "network.hpp"
#include "oracle.hpp"
#include "shop_network.hpp"
#include "swarm.hpp"
#include "timeline.hpp"
#include "trace.hpp"

namespace mudi::sim {

class Node;
class TillMachine;
class ServerMachine;
class Operator;

struct WorldOptions {
    std::uint64_t seed{1};
    double hours{1};
    int tills{12};
    bool trace{false};
    /// Drawn by the seed when absent.
    std::optional<Swarm> swarm{};
};

/// What one world was like.
struct Outcome {
    std::string checker; ///< whose promise broke first; empty: all held
    std::string broken;
    std::uint64_t trace_hash{};
    std::int64_t sales{}; ///< that the POS got OK for
    std::int64_t crashes{};
    std::int64_t restores{}; ///< of servers and tills, clones and swaps included
    std::int64_t simulated_ms{};
    Marks marks;
};

/// After the faults stop, all must have come to rest within this.
inline constexpr Duration rest_within{std::chrono::minutes{10}};

/// A chain of shops in one thread: the real programs on simulated machines, seen from outside. First faults
/// for so many hours, then none until everything is in step again.
class World {
public:
    explicit World(const WorldOptions& options);
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    ~World();

    Outcome run();

    /// The first breach counts, and ends the world.
    void fail(std::string_view checker, const std::string& what);
    [[nodiscard]] bool failed() const { return over_; }
    /// Becomes true with the first breach.
    [[nodiscard]] const bool& over() const { return over_; }
    void note(std::string_view what, std::initializer_list<std::int64_t> numbers,
              std::string_view text = {}) {
        trace.note(timeline.now_ms(), what, numbers, text);
    }
    [[nodiscard]] bool chance(Percent percent) { return percent > 0 && dice.below(100) < percent; }
    [[nodiscard]] std::int64_t between(std::int64_t least, std::int64_t most) {
        return least + static_cast<std::int64_t>(dice.below(static_cast<std::uint64_t>(most - least + 1)));
    }
    [[nodiscard]] Time true_time() const { return time_from_ms(world_begins_ms() + timeline.true_ms()); }
    static std::int64_t world_begins_ms();
    [[nodiscard]] bool calm_now() const { return calm_; }
    TillMachine& add_till(std::unique_ptr<TillMachine> machine);

    template <class Hook>
    void check(Hook&& hook) {
        for (const auto& checker : checkers) {
            if (over_) return;
            hook(*checker);
        }
    }

    const WorldOptions options;
    SeededRandom dice; ///< of faults and people
    Swarm swarm;
    Timeline timeline;
    Trace trace;
    Outcome outcome;
    Oracle oracle;
    Network network;
    ShopNetwork shop_network;
    std::unique_ptr<ServerMachine> server;
    std::vector<std::unique_ptr<TillMachine>> tills;
    std::vector<TillEnd*> ends; ///< what the network sees, in the same order
    std::unique_ptr<Operator> people;
    std::vector<std::unique_ptr<Checker>> checkers;

private:
    void stop_faults();
    [[nodiscard]] std::string unrest() const;
    void each_minute();

    bool over_{false};
    bool calm_{false};
};

} // namespace mudi::sim
