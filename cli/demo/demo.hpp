#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include <nlohmann/json.hpp>

#include <mudi/base/random.hpp>
#include <mudi/base/result.hpp>

#include "cli/demo_shop/demo_shop.hpp"
#include "cli/fleet.hpp"
#include "cli/server_client.hpp"

namespace mudi::cli {

struct DemoOptions {
    std::uint64_t seed{1};
    int seconds{0}; ///< 0 = until stopped
    int rate{20};   ///< sales a second, all tills together
    std::size_t people{2000};
    bool json{false};
    std::string folder;
    int outage_s{10}; ///< the server is taken away for so long, once or again and again; 0: never
};

/// One look at everything, for the screen and the summary.
struct DemoLook {
    nlohmann::json server;
    nlohmann::json tills;                    ///< what the server says of them
    std::vector<nlohmann::json> till_status; ///< what each says of itself; null = no answer
};

/// What the cashiers of the demo did.
struct DemoTally {
    std::int64_t tried{};
    std::int64_t saved{};
    std::int64_t refused{};
    std::int64_t returns{};
    std::int64_t greeted{};    ///< a customer was known to the till
    std::int64_t with_offer{}; ///< of them, with an offer in the till
    std::int64_t offers_used{};
    std::int64_t points_redeemed{};
    std::int64_t points_offline{}; ///< of these, while the server was away
    std::string first_refusal;
    std::unordered_set<std::string> events; ///< ids of the sales answered "saved"
};

/// Somebody who just stood at a till.
struct DemoVisit {
    std::string till;
    std::string greeting;
    std::string offer;
};

/// Five cashiers. Rings up sales through the tills' own API over their Unix sockets, as a POS program would.
class DemoCashiers {
public:
    DemoCashiers(const DemoShop& shop, const Fleet& fleet, std::uint64_t seed);

    /// At one till: whoever stands there pays and goes, the next one is scanned and her basket rung up. So
    /// every till always has somebody to greet on its panel.
    void ring_up();
    /// Everybody who still stands at a till pays.
    void close();
    /// The server is away: whoever has points pays with them, so that there is something to see.
    void set_server_away(bool away) { server_away_ = away; }
    [[nodiscard]] const DemoTally& tally() const { return tally_; }
    [[nodiscard]] const std::deque<DemoVisit>& visits() const { return visits_; }

private:
    struct Sold {
        std::string number;
        std::string business_day;
        nlohmann::json line;
    };
    struct Standing {
        std::string number;
        std::string txn; ///< path of the open transaction
        nlohmann::json customer;
        nlohmann::json lines;
    };
    Status begin(std::size_t till, const ShopPerson* person);
    Result<nlohmann::json> pay(std::size_t till, Standing standing);
    void finish(std::size_t till);
    Status take_back(std::size_t till);
    nlohmann::json identify(std::size_t till, const std::string& txn, const ShopPerson& person);
    std::int64_t use_offer(std::size_t till, const std::string& txn, const nlohmann::json& offers,
                           nlohmann::json& lines);
    std::int64_t use_points(std::size_t till, const std::string& txn, const nlohmann::json& customer,
                            std::int64_t total, nlohmann::json& document);
    void note(const Result<nlohmann::json>& receipt);

    const DemoShop& shop_;
    const Fleet& fleet_;
    SeededRandom random_;
    std::vector<ApiClient> clients_;
    std::map<std::string, std::vector<std::size_t>> people_of_;
    std::vector<std::vector<Sold>> sold_;
    std::vector<std::optional<Standing>> standing_;
    bool server_away_{false};
    std::int64_t next_number_{0};
    int day_number_;
    DemoTally tally_;
    std::deque<DemoVisit> visits_;
};

/// Sales answered "saved" against what the server has of these tills.
struct DemoProof {
    std::int64_t at_server{};
    std::int64_t missing{};
    std::int64_t doubled{};
    std::int64_t unknown{}; ///< at the server, but nobody was told "saved" (an answer lost on the way)
};
Result<DemoProof> prove(const Fleet& fleet, const DemoTally& tally);

/// One screen of text; `addresses` stand at its foot.
std::string demo_screen(const Fleet& fleet, const DemoLook& look, const DemoTally& tally,
                        const std::deque<DemoVisit>& visits, const std::vector<std::string>& addresses,
                        std::int64_t elapsed_s);

/// When the server is taken away for a while. Pure.
class DemoOutages {
public:
    /// `seconds` the demo runs: one in its middle third; 0, without end: the first after half a minute, then
    /// every three minutes.
    DemoOutages(int seconds, int outage_s);
    [[nodiscard]] bool away_at(Duration elapsed) const;

private:
    Duration first_{};
    Duration lasts_{};
    Duration every_{}; ///< 0: once
};

} // namespace mudi::cli
