#include "postgres.hpp"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mudi/base/db/connection.hpp>

#include "temp_dir.hpp"

namespace mudi::test {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void give_up(const std::string& what) {
    throw std::runtime_error("PostgreSQL for tests: " + what);
}

fs::path find_binaries() {
    const fs::path root = "/usr/lib/postgresql";
    fs::path best;
    int best_version = 0;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(root, none)) {
        const int version = std::atoi(entry.path().filename().c_str());
        if (version > best_version && fs::exists(entry.path() / "bin" / "postgres")) {
            best_version = version;
            best = entry.path() / "bin";
        }
    }
    if (best.empty()) give_up("not installed (Debian package postgresql-15)");
    return best;
}

/// PostgreSQL refuses to run as root; its Debian package brings a user.
struct User {
    uid_t uid;
    gid_t gid;
};
std::optional<User> user_to_become() {
    if (::geteuid() != 0) return std::nullopt;
    const passwd* entry = ::getpwnam("postgres");
    if (entry == nullptr) give_up("there is no user postgres (Debian package postgresql-15)");
    return User{entry->pw_uid, entry->pw_gid};
}

/// Between fork and exec: only plain system calls.
[[noreturn]] void become(const std::vector<char*>& arguments, const std::optional<User>& user, int log,
                         pid_t parent) {
    ::dup2(log, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    if (user && (::setgroups(0, nullptr) != 0 || ::setgid(user->gid) != 0 || ::setuid(user->uid) != 0))
        ::_exit(126);
    // After setuid, which clears it: also a test that crashes takes its server along.
    ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
    if (::getppid() != parent) ::_exit(125);
    ::execv(arguments.front(), arguments.data());
    ::_exit(127);
}

class Server {
public:
    Server() : binaries_(find_binaries()), user_(user_to_become()) {
        if (user_ && ::chown(folder_.path().c_str(), user_->uid, user_->gid) != 0) give_up("chown failed");
        make_cluster();
        process_ = spawn({(binaries_ / "postgres").string(),
                          "-D",
                          data(),
                          "-k",
                          folder_.path().string(),
                          "-c",
                          "listen_addresses=",
                          "-c",
                          "fsync=off",
                          "-c",
                          "full_page_writes=off",
                          "-c",
                          "autovacuum=off",
                          "-c",
                          "shared_buffers=16MB",
                          "-c",
                          "max_connections=30",
                          "-c",
                          "wal_level=minimal",
                          "-c",
                          "max_wal_senders=0"});
        try {
            wait_until_ready();
        } catch (...) {
            stop();
            throw;
        }
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server() { stop(); }

    std::string new_database() {
        const std::string name = "test_" + std::to_string(++databases_);
        auto connection = db::Connection::open(options("postgres"));
        if (!connection) give_up(connection.error().what);
        const auto made = (*connection)->execute("CREATE DATABASE " + name);
        if (!made) give_up(made.error().what);
        return target(name);
    }

private:
    [[nodiscard]] std::string data() const { return folder_.file("data"); }
    [[nodiscard]] std::string target(const std::string& database) const {
        return "postgresql:///" + database + "?host=" + folder_.path().string() + "&user=mudi";
    }
    [[nodiscard]] db::Options options(const std::string& database) const {
        return db::parse_target(target(database)).value();
    }

    pid_t spawn(std::vector<std::string> command) {
        std::vector<char*> arguments;
        for (auto& word : command) arguments.push_back(word.data());
        arguments.push_back(nullptr);
        const int log = ::open(folder_.file("log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        const pid_t parent = ::getpid();
        const pid_t child = ::fork();
        if (child == 0) become(arguments, user_, log, parent);
        ::close(log);
        if (child < 0) give_up("fork failed");
        return child;
    }

    [[nodiscard]] std::string log_text() const {
        std::ifstream file(folder_.file("log"));
        return {std::istreambuf_iterator<char>(file), {}};
    }

    /// C sorts by bytes, as SQLite does.
    void make_cluster() {
        const pid_t initdb = spawn({(binaries_ / "initdb").string(), "-D", data(), "-U", "mudi", "-A",
                                    "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"});
        int status = 0;
        ::waitpid(initdb, &status, 0);
        if (status != 0) give_up("initdb failed: " + log_text());
    }

    void wait_until_ready() {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (!db::Connection::open(options("postgres"))) {
            int status = 0;
            if (::waitpid(process_, &status, WNOHANG) == process_) {
                process_ = 0;
                give_up("it ended at once: " + log_text());
            }
            if (std::chrono::steady_clock::now() > deadline) give_up("it does not answer: " + log_text());
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
    }

    void stop() {
        if (process_ <= 0) return;
        ::kill(process_, SIGQUIT);
        ::waitpid(std::exchange(process_, 0), nullptr, 0);
    }

    TempDir folder_;
    fs::path binaries_;
    std::optional<User> user_;
    pid_t process_{};
    int databases_{};
};

} // namespace

std::string postgres_database() {
    static Server server;
    return server.new_database();
}

} // namespace mudi::test
