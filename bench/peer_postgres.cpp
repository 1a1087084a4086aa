#include <filesystem>
#include <thread>

#include <unistd.h>

#include <mudi/base/db/bulk.hpp>
#include <mudi/base/db/connection.hpp>

#include "bench/grocery.hpp"
#include "bench/peer.hpp"
#include "cli/process.hpp"

namespace mudi::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t per_transaction = 500;
constexpr std::size_t single_max = 2'000;
constexpr Duration setup_within{60'000};
constexpr int attempts_max = 100;

/// The newest that is installed; empty when none is.
fs::path find_programs() {
    fs::path best;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", error))
        if (fs::exists(entry.path() / "bin" / "postgres", error) && entry.path() > best) best = entry.path();
    return best.empty() ? best : best / "bin";
}

/// As root it has to be somebody else: PostgreSQL insists.
std::vector<std::string> as_user(std::vector<std::string> command) {
    if (::geteuid() == 0) command.insert(command.begin(), {"/usr/sbin/runuser", "-u", "postgres", "--"});
    return command;
}

/// A cluster of its own with its defaults, on the disk that is measured; a Unix socket only.
class Cluster {
public:
    Status start(const fs::path& folder) {
        const fs::path programs = find_programs();
        if (programs.empty())
            return fail(Code::not_found, "peer.missing", "not installed (Debian: postgresql)");
        folder_ = folder;
        std::error_code error;
        fs::create_directories(folder, error);
        if (::geteuid() == 0) {
            MUDI_TRY(
                auto hand_over,
                cli::Process::start({"/usr/bin/env", "chown", "postgres", folder.string()}, folder / "log"));
            MUDI_TRY(const int code, hand_over.wait(setup_within));
            if (code != 0) return fail(Code::not_found, "peer.user", "there is no user postgres");
        }
        MUDI_TRY(auto making, cli::Process::start(as_user({(programs / "initdb").string(), "-D", data(), "-A",
                                                           "trust", "-U", "bench", "--no-instructions"}),
                                                  folder / "log"));
        MUDI_TRY(const int made, making.wait(setup_within));
        if (made != 0)
            return fail(Code::unavailable, "peer.start", "initdb failed: may user postgres write there?");
        MUDI_TRY(process_, cli::Process::start(as_user({(programs / "postgres").string(), "-D", data(), "-k",
                                                        folder.string(), "-c", "listen_addresses="}),
                                               folder / "log"));
        return {};
    }
    ~Cluster() {
        if (process_.pid() > 0) process_.stop(setup_within);
    }

    Result<std::unique_ptr<db::Connection>> connect() {
        db::Options options;
        options.engine = db::Engine::postgresql;
        options.target = "host=" + folder_.string() + " user=bench dbname=postgres";
        for (int attempt = 0;; ++attempt) {
            auto connection = db::Connection::open(options);
            if (connection || attempt == attempts_max) return connection;
            std::this_thread::sleep_for(std::chrono::milliseconds{100});
        }
    }

private:
    [[nodiscard]] std::string data() const { return (folder_ / "data").string(); }
    fs::path folder_;
    cli::Process process_;
};

Status insert_all(db::Connection& connection, std::span<const std::string> bodies, std::size_t at_once,
                  std::int64_t seq) {
    db::Bulk<std::int64_t, Bytes> bulk{connection, "purchase", "seq, body"};
    for (std::size_t i = 0; i < bodies.size();) {
        MUDI_TRY(auto transaction, db::WriteTransaction::begin(connection));
        for (std::size_t n = 0; n < at_once && i < bodies.size(); ++n, ++i)
            MUDI_CHECK(bulk.add(++seq, Bytes{bodies[i]}));
        MUDI_CHECK(bulk.flush());
        MUDI_CHECK(transaction.commit());
    }
    return {};
}

/// A connection and a thread for each till, as many as the others have. Gives purchases a second.
Result<double> insert_by_all(Cluster& cluster, std::span<const std::string> bodies, std::size_t at_once,
                             std::int64_t first) {
    const std::size_t share = bodies.size() / tills;
    std::vector<std::unique_ptr<db::Connection>> connections(tills);
    for (auto& connection : connections) {
        MUDI_TRY(connection, cluster.connect());
    }
    std::vector<Status> ended(tills);
    const Watch watch;
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < connections.size(); ++i)
            threads.emplace_back([&, i] {
                ended[i] = insert_all(*connections[i], bodies.subspan(i * share, share), at_once,
                                      first + static_cast<std::int64_t>(i * share));
            });
    }
    const double seconds = watch.seconds();
    for (const Status& end : ended) MUDI_CHECK(end);
    return static_cast<double>(share * tills) / seconds;
}

} // namespace

Status measure_postgres(const Options& options, std::span<const std::string> bodies, Sheet& sheet) {
    // That user has to come through to its folder.
    std::error_code error;
    fs::permissions(options.folder, fs::perms::group_exec | fs::perms::others_exec, fs::perm_options::add,
                    error);
    Cluster cluster;
    MUDI_CHECK(cluster.start(options.folder / "pg"));
    MUDI_TRY(auto connection, cluster.connect());
    MUDI_CHECK(
        connection->execute("CREATE TABLE purchase (seq INTEGER NOT NULL PRIMARY KEY, body BLOB NOT NULL)"));
    MUDI_TRY(const double batches, insert_by_all(cluster, bodies, per_transaction, 0));
    MUDI_TRY(const double singles,
             insert_by_all(cluster, bodies.subspan(0, std::min(single_max, bodies.size())), 1,
                           static_cast<std::int64_t>(bodies.size())));
    sheet.add({.group = "drain",
               .what = "PostgreSQL, the bodies over 4 connections, 500 a transaction",
               .value = batches,
               .unit = "purchases/s"});
    sheet.add({.group = "drain",
               .what = "PostgreSQL, the bodies over 4 connections, one a transaction",
               .value = singles,
               .unit = "purchases/s"});
    return {};
}

} // namespace mudi::bench
