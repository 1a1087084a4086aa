#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <mudi/base/result.hpp>

#include "cli/process.hpp"
#include "cli/server_client.hpp"

namespace mudi::cli {

struct TillSpec {
    std::int64_t till{};
    std::string store;
    std::string workstation;
    bool lead{false}; ///< its store's: lends points to its neighbours while the server is away
};

struct FleetOptions {
    std::filesystem::path programs; ///< folder of mudi-server and mudi-till
    std::filesystem::path folder;   ///< data, configuration and logs of all go below it
    std::vector<TillSpec> tills;
    std::string currency{"INR"};
    std::string durability{"full"};              ///< "off" for measuring without fsync
    std::string database;                        ///< of the server; empty = SQLite in its folder
    std::vector<std::string> card_ranges;        ///< as in till.toml
    std::vector<std::string> server_arguments{}; ///< after "run --config …"
    std::string host{"127.0.0.1"};               ///< where the server listens
    std::string server_settings{};               ///< further sections of server.toml
};

/// Where a running till or server is reached.
struct TillAddress {
    TillSpec spec;
    std::string url;    ///< http://127.0.0.1:PORT
    std::string socket; ///< path
};
struct ServerAddress {
    std::string url;      ///< http://HOST:PORT
    std::string sync_url; ///< tls+tcp://HOST:PORT
    std::string ca;       ///< path
    std::string token;    ///< the operator's token itself
};

/// One server and its tills as real processes on the loopback, with ports of their own. Everything ends with
/// the object. The first start of each draws a free port, later starts keep it.
class Fleet {
public:
    explicit Fleet(FleetOptions options) : options_(std::move(options)), tills_(options_.tills.size()) {}

    /// fleet.start (io): the program's own last words are in the text.
    Status start_server();
    /// Enrols it first, as an operator would, unless it is enrolled (the server runs then). In a fleet whose
    /// server was never started it works alone.
    Status start_till(std::size_t index);
    /// The two halves of a start: the program runs; it has said that it is ready, waited for no longer than
    /// `patience`. process.timeout (busy): not yet; else as start_server and start_till.
    Status launch_server();
    Status await_server(Duration patience);
    Status launch_till(std::size_t index);
    Status await_till(std::size_t index, Duration patience);
    /// A code from the server, and the till's identity made with it; `again` replaces the one it has.
    Status enrol(std::size_t index, bool again);
    /// Server, then all tills.
    Status start();

    /// SIGKILL and wait.
    void kill_server();
    void kill_till(std::size_t index);
    /// SIGTERM, tills first.
    void stop();

    [[nodiscard]] const ServerAddress& server() const { return server_address_; }
    [[nodiscard]] const TillAddress& till(std::size_t index) const { return tills_[index].address; }
    [[nodiscard]] std::size_t size() const { return tills_.size(); }
    /// Its data, identity, configuration and log.
    [[nodiscard]] std::filesystem::path till_folder(std::size_t index) const;
    [[nodiscard]] std::filesystem::path server_config() const { return options_.folder / "server.toml"; }
    /// Of the next start.
    void set_server_arguments(std::vector<std::string> arguments) {
        options_.server_arguments = std::move(arguments);
    }
    void set_server_settings(std::string sections) { options_.server_settings = std::move(sections); }
    /// What tells the till at its next start that its rights to spend points are unbroken.
    [[nodiscard]] std::filesystem::path till_witness(std::size_t index) const;
    /// As the operator.
    Result<ApiClient> operator_client() const;
    [[nodiscard]] pid_t server_pid() const { return server_.pid(); }
    [[nodiscard]] pid_t till_pid(std::size_t index) const { return tills_[index].process.pid(); }
    /// Who has ended although nobody asked: "server", "till 3"; empty when all run.
    [[nodiscard]] std::string ended();

private:
    struct Till {
        TillAddress address;
        Process process;
        std::uint16_t lead_port{}; ///< drawn at the first start of a lead
        bool wanted{false};
    };
    [[nodiscard]] bool alone() const { return server_address_.url.empty(); }
    Status write_server_config() const;
    Status write_till_config(std::size_t index) const;
    [[nodiscard]] std::filesystem::path server_log() const;
    [[nodiscard]] std::filesystem::path till_log(std::size_t index) const;

    FleetOptions options_;
    ServerAddress server_address_;
    Process server_;
    bool server_wanted_{false};
    std::vector<Till> tills_;
};

/// The folder this program itself lies in: mudi-till and mudi-server lie beside it.
std::filesystem::path own_folder();
/// Makes a new empty folder below the system's temporary one. fleet.folder (io).
Result<std::filesystem::path> make_temporary_folder();

} // namespace mudi::cli
