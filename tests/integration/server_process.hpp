#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <sys/types.h>

namespace mudi::test {

/// A program under test; killed by the destructor. Started with posix_spawn: NNG does not survive a fork.
class Program {
public:
    Program(const std::vector<std::string>& command, const std::filesystem::path& stderr_file);
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    ~Program();

    /// Next line on its stdout; empty when it ends or says nothing for so long.
    std::string read_line(std::chrono::seconds patience = std::chrono::seconds{30});
    void signal(int number) const;
    /// Exit code, or 128 + signal.
    int wait();

private:
    pid_t pid_{-1};
    int out_{-1};
    std::string buffer_;
    std::optional<int> exit_code_;
};

/// A mudi-server with a data folder, free ports and the addresses it told.
class ServerProcess {
public:
    /// `extra` are lines before the first section of its configuration.
    ServerProcess(std::filesystem::path folder, std::string extra = {});

    /// Starts it (again); throws with its words when it does not come up.
    void start();
    /// The same, given the exit code and what it wrote on stderr when it refuses to start.
    struct Refusal {
        int exit_code{};
        std::vector<std::string> lines;
    };
    Refusal refuse();
    void kill();
    /// SIGTERM; gives the exit code.
    int stop();

    struct Answer {
        int status{};
        nlohmann::json body;
    };
    Answer get(const std::string& target, std::optional<std::string> token = std::nullopt) const;
    Answer post(const std::string& target, const std::string& body = {}) const;
    /// Asks for the status until `done(status)`; throws after a minute without.
    template <class Done>
    nlohmann::json wait_for_status(Done done) const {
        const auto until = std::chrono::steady_clock::now() + std::chrono::minutes{1};
        while (std::chrono::steady_clock::now() < until) {
            auto status = get("/api/v1/status").body;
            if (done(status)) return status;
        }
        fail("the status never came to what it should");
        return {};
    }

    [[nodiscard]] const std::string& sync_url() const { return sync_url_; }
    [[nodiscard]] const std::string& http_url() const { return http_url_; }
    [[nodiscard]] std::string ca_pem() const;
    [[nodiscard]] std::string token() const;
    [[nodiscard]] std::filesystem::path data_dir() const { return folder_ / "data"; }
    std::string http_listen{"127.0.0.1:0"};
    std::string sync_listen{"tls+tcp://127.0.0.1:0"};

private:
    void write_config() const;
    [[noreturn]] static void fail(const std::string& what);
    Answer call(const std::string& method, const std::string& target, const std::string& body,
                const std::string& token) const;
    [[nodiscard]] std::filesystem::path log() const { return folder_ / "server.log"; }

    std::filesystem::path folder_;
    std::string extra_;
    std::optional<Program> program_;
    std::string http_url_;
    std::string sync_url_;
    std::string ca_;
};

std::string text_of(const std::filesystem::path& path);

} // namespace mudi::test
