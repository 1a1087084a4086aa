#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <mudi/base/id.hpp>

#include "program.hpp"

namespace mudi::test {

/// What makes a connection a till's.
struct WireIdentity {
    std::string key_pem; ///< empty: it cannot sign
    std::string certificate_pem;
    std::string ca_pem;
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
    /// Until it ends by itself; gives the exit code.
    int wait() { return program_->wait(); }

    struct Answer {
        int status{};
        nlohmann::json body;
    };
    Answer get(const std::string& target, std::optional<std::string> token = std::nullopt) const;
    Answer post(const std::string& target, const std::string& body = {}) const;
    /// Adds the till and enrols it, as operator and cashier would; a till that is there gets a new key.
    WireIdentity enrol(TillId till, const std::string& store) const;
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
    std::string access{"enrolled"};
    std::vector<std::string> more_arguments; ///< of the command
    [[nodiscard]] std::filesystem::path config() const { return folder_ / "server.toml"; }
    [[nodiscard]] std::filesystem::path log() const { return folder_ / "server.log"; }

private:
    void write_config() const;
    [[noreturn]] static void fail(const std::string& what);
    Answer call(const std::string& method, const std::string& target, const std::string& body,
                const std::string& token) const;
    [[nodiscard]] std::vector<std::string> command() const;

    std::filesystem::path folder_;
    std::string extra_;
    std::optional<Program> program_;
    std::string http_url_;
    std::string sync_url_;
    std::string ca_;
};

} // namespace mudi::test
