#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>

#include <mudi/base/random.hpp>

#include "cli/fleet.hpp"
#include "soak/cashiers.hpp"
#include "soak/oracle.hpp"

namespace mudi::soak {

/// How often what was done.
struct Deeds {
    int till_kills{};
    int server_kills{};
    int images{};
    int till_restores{};
    int backups{};
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
    /// Takes the cashiers into account from now on.
    void open(Cashiers& cashiers) { cashiers_ = &cashiers; }

    /// SIGKILL, and again there after so long.
    Status kill_till(std::size_t till, Duration away);
    Status kill_server(Duration away);
    /// The till is killed, its files copied.
    Status take_image(std::size_t till);
    /// The till is killed, an earlier image of it put in place. Nothing while there is none.
    Status restore_till(std::size_t till, Random& random);
    Status back_up_server();
    /// As an operator would: `mudi server restore` with a verified backup of any age. Nothing while there is
    /// none.
    Status restore_server(Random& random);

    /// Tells the oracle what the server has; how often each number.
    Result<std::map<std::string, int>> look_at_server();
    /// Nothing unsent, nothing waiting, every till where its store's feed is; `reason`: what was still to
    /// come.
    bool all_level(std::string& reason);

    [[nodiscard]] const Deeds& deeds() const { return deeds_; }
    Deeds& deeds() { return deeds_; }
    /// Lives that the tills began beyond their first.
    [[nodiscard]] int forks();

private:
    struct Image {
        std::filesystem::path folder;
        Numbers held;
    };
    struct Backup {
        std::filesystem::path file;
        Numbers held;
    };

    Status start_till(std::size_t till);

    cli::FleetOptions options_;
    cli::Fleet fleet_;
    Oracle& oracle_;
    Cashiers* cashiers_{nullptr};
    std::map<std::size_t, std::vector<Image>> images_;
    std::vector<Backup> backups_;
    Deeds deeds_;
};

} // namespace mudi::soak
