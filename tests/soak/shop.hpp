#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <future>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <mudi/base/random.hpp>

#include "cli/fleet.hpp"
#include "soak/cashiers.hpp"
#include "soak/oracle.hpp"
#include "soak/supervisor.hpp"

namespace mudi::soak {

/// How often what was done.
struct Deeds {
    int till_kills{};
    int server_kills{};
    int images{};
    int till_restores{};
    int backups{};
    int backups_cut_short{};
    int server_restores{};
    int link_faults{};
};

/// A server and its tills with everything that is done to them. The thread that makes it does it all: the
/// processes die with it.
class Shop {
public:
    Shop(cli::FleetOptions options, Oracle& oracle);

    Status start();
    [[nodiscard]] cli::Fleet& fleet() { return fleet_; }
    /// Of the running shop.
    [[nodiscard]] Supervisor& supervisor() { return *supervisor_; }
    /// Takes the cashiers into account from now on.
    void open(Cashiers& cashiers) { cashiers_ = &cashiers; }

    /// SIGKILL for one of those that run, which may just be starting; again there after so long.
    void kill_any(Random& random, Duration away);

    /// These give false when it cannot be done just now: nothing was done.
    /// The till is killed, its files copied.
    bool take_image(std::size_t till);
    /// The till is killed, an earlier image of it put in place.
    Result<bool> restore_till(std::size_t till, Random& random);
    /// Goes on by itself, whatever is killed meanwhile; see look().
    Result<bool> back_up_server();
    /// As an operator would: `mudi server restore` with a verified backup of any age.
    Result<bool> restore_server(Random& random);
    /// To be called often.
    Status look();

    /// All that the server has; how often each number.
    Result<std::map<std::string, int>> count_at_server();
    /// Nothing unsent, nothing waiting, every till where its store's feed is; `reason`: what was still to
    /// come.
    bool all_level(std::string& reason);

    [[nodiscard]] const Deeds& deeds() const { return deeds_; }
    Deeds& deeds() { return deeds_; }
    /// Lives that the tills began beyond their first.
    [[nodiscard]] int forks() const;

private:
    struct Image {
        std::filesystem::path folder;
        Numbers held;
    };
    struct Backup {
        std::filesystem::path file;
        Numbers held;
    };

    /// Tells the oracle what came to the server since the last look.
    Status look_at_server();
    Result<std::int64_t> read_purchases(std::int64_t after, std::map<std::string, int>& times) const;
    void end_backup();

    cli::FleetOptions options_;
    cli::Fleet fleet_;
    std::optional<Supervisor> supervisor_;
    Oracle& oracle_;
    std::int64_t looked_to_{}; ///< arrival number at the server
    Cashiers* cashiers_{nullptr};
    std::map<std::size_t, std::vector<Image>> images_;
    std::vector<Backup> backups_;
    std::future<bool> backing_up_;
    Backup under_way_;
    Deeds deeds_;
};

} // namespace mudi::soak
