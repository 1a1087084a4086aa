#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "bench/bench.hpp"
#include "bench/machine.hpp"
#include "bench/wire_tills.hpp"
#include "cli/fleet.hpp"

namespace mudi::bench {

/// A real mudi-server, and as many enrolled tills as wanted that share one key and certificate.
class WireShop {
public:
    /// The server does not run when this returns.
    static Result<std::unique_ptr<WireShop>> make(const Options& options, const std::string& name,
                                                  std::int64_t count);

    Status start() { return fleet_.start_server(); }
    void kill() { fleet_.kill_server(); }
    /// Where the tills dial; after the first start.
    Result<WireServer> server() const { return server_at(sync_url(), identity()); }
    [[nodiscard]] std::string sync_url() const { return fleet_.server().sync_url; }
    /// Folder of the identity they share.
    [[nodiscard]] std::filesystem::path identity() const { return fleet_.till_folder(0) / "identity"; }
    static Result<WireServer> server_at(const std::string& url, const std::filesystem::path& identity);
    /// What the server's own end is made of, for another listener.
    Result<sync::TlsServer> server_tls() const;

    static StoreId store(std::int64_t till);
    static WorkstationId workstation(std::int64_t till);

    Result<nlohmann::json> status();
    /// Events applied, or as they were when the server did not answer.
    std::int64_t applied();
    Status back_up(const std::filesystem::path& to);
    /// As the operator does it: `mudi server restore`; the server is stopped.
    Status restore(const std::filesystem::path& from);
    Result<ProcessCounts> process() const { return count_process(fleet_.server_pid()); }

private:
    WireShop(cli::FleetOptions options, std::int64_t count);
    /// The others get the key of till 1 into the server's books.
    Status enrol_all();

    cli::FleetOptions options_;
    cli::Fleet fleet_;
    std::int64_t tills_;
    std::int64_t applied_{};
};

} // namespace mudi::bench
