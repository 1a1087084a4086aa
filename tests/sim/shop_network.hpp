#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>

namespace mudi::sim {

class World;
class TillMachine;

/// The wires between the tills of a shop, over which they ask their lead: what pos-agent's LeadClient and
/// LeadService see of them. Loses, doubles and delays, and a till can be cut off from its neighbours.
class ShopNetwork {
public:
    using OnAnswer = std::function<void(Result<std::string> frame)>;

    explicit ShopNetwork(World& world) : world_(world) {}

    /// Where a machine would serve its neighbours.
    static std::string url_of(int machine);
    /// Asks whoever serves there. `on_answer` is called once, within `patience`, if the program that asks
    /// still runs: lead.unreachable (it was not asked), lead.silent (it did not answer).
    void ask(TillMachine& from, const std::string& url, const std::string& frame, Duration patience,
             OnAnswer on_answer);

    // Faults.
    void cut_off(int machine, std::int64_t ms);
    void heal() { cut_until_ms_.clear(); }

private:
    struct Conversation {
        OnAnswer on_answer; ///< empty: answered
    };
    [[nodiscard]] bool cut(int machine) const;
    [[nodiscard]] TillMachine* serving_at(const std::string& url) const;
    /// Empty: lost.
    std::optional<std::int64_t> travel(int a, int b);

    World& world_;
    std::vector<std::int64_t> cut_until_ms_; ///< by machine
};

} // namespace mudi::sim
