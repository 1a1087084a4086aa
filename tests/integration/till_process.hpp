#pragma once

#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <mudi/base/file.hpp>
#include <mudi/http/client.hpp>

#include <support/temp_dir.hpp>

#include "program.hpp"

namespace mudi::test {

/// A till's folder and configuration, and the agent that runs on it.
class TillProcess {
public:
    TillProcess() { write_config(""); }

    void write_config(const std::string& more) {
        config_ = "data_dir = \"" + data() + "\"\ntill = 3\nstore = \"KOL01\"\nworkstation = \"2\"\n" +
                  "disk_reserve_mib = " + std::to_string(reserve_mib) + "\n" + more +
                  "\n[api]\nport = " + port + "\n";
        REQUIRE(write_file(config(), config_, 0600));
    }
    /// Starts and waits for the ready line.
    void start() {
        program_.reset();
        program_.emplace(std::vector<std::string>{MUDI_TILL, "run", "--config", config()}, log());
        const std::string ready = program_->read_line();
        INFO((ready.empty() ? program_->errors() : ready));
        const std::string before = "mudi-till ready http://127.0.0.1:";
        REQUIRE(ready.substr(0, before.size()) == before);
        tcp_port = static_cast<std::uint16_t>(std::stoi(ready.substr(before.size())));
        CHECK_THAT(ready, Catch::EndsWith(" unix:" + socket()));
    }
    /// SIGSTOP, SIGCONT: the agent goes on living.
    void signal(int number) { program_->signal(number); }
    /// Exit code, or 128 + signal.
    int stop(int signal) {
        program_->signal(signal);
        const int code = program_->wait();
        program_.reset();
        return code;
    }

    struct Ended {
        int code;
        std::string errors;
    };
    /// For a start that must fail.
    [[nodiscard]] Ended run_to_the_end(std::vector<std::string> arguments = {}) const {
        arguments.insert(arguments.begin(), {MUDI_TILL, "--config", config()});
        Program program(arguments, log());
        const int code = program.wait();
        return {code, program.errors()};
    }

    http::Response send(const std::string& method, const std::string& target,
                        const std::string& body = {}) const {
        http::Call call;
        call.method = method;
        call.target = target;
        call.body = body;
        auto response = http::Client(http::Target::unix_socket(socket())).send(call);
        REQUIRE(response);
        return *std::move(response);
    }
    nlohmann::json ask(const std::string& method, const std::string& target,
                       const nlohmann::json& body = {}) const {
        const auto response = send(method, target, body.is_null() ? "" : body.dump());
        INFO(method << " " << target << " -> " << response.body);
        REQUIRE(response.status < 300);
        return response.body.empty() ? nlohmann::json() : nlohmann::json::parse(response.body);
    }

    [[nodiscard]] std::string data() const { return folder.file("data"); }
    [[nodiscard]] std::string file(const std::string& name) const { return data() + "/" + name; }
    [[nodiscard]] std::string config() const { return folder.file("till.toml"); }
    [[nodiscard]] std::string log() const { return folder.file("till.log"); }
    [[nodiscard]] std::string socket() const { return file("till.sock"); }

    TempDir folder;
    std::string port{"0"};
    int reserve_mib{0}; ///< a start with 64 MiB to write takes its time
    std::uint16_t tcp_port{};

private:
    std::string config_;
    std::optional<Program> program_;
};

/// One packet of tea for 52.00, paid by UPI.
inline nlohmann::json small_sale(const std::string& number) {
    return {
        {"number", number},
        {"lines", {{{"item", "8901030865275"}, {"quantity", 1000}, {"unit_price", 5200}, {"amount", 5200}}}},
        {"tenders", {{{"kind", "upi"}, {"amount", 5200}}}},
        {"total", 5200}};
}

} // namespace mudi::test
