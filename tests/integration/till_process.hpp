#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <mudi/base/file.hpp>
#include <mudi/http/client.hpp>

#include <support/temp_dir.hpp>

extern char** environ;

namespace mudi::test {

/// A program of ours as a process of its own, with its output in pipes.
class Process {
public:
    explicit Process(std::vector<std::string> arguments) {
        int out[2];
        int err[2];
        REQUIRE(::pipe(out) == 0);
        REQUIRE(::pipe(err) == 0);
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, out[1], 1);
        ::posix_spawn_file_actions_adddup2(&actions, err[1], 2);
        for (const int fd : {out[0], out[1], err[0], err[1]})
            ::posix_spawn_file_actions_addclose(&actions, fd);
        std::vector<char*> argv;
        for (std::string& argument : arguments) argv.push_back(argument.data());
        argv.push_back(nullptr);
        REQUIRE(::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ) == 0);
        ::posix_spawn_file_actions_destroy(&actions);
        ::close(out[1]);
        ::close(err[1]);
        out_ = out[0];
        err_ = err[0];
    }
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            wait();
        }
        ::close(out_);
        ::close(err_);
    }

    /// The next line of stdout; empty when the program ended first.
    std::string line(std::chrono::milliseconds timeout = std::chrono::seconds{20}) {
        return read(out_, '\n', timeout);
    }
    std::string rest_of_errors() { return read(err_, '\0', std::chrono::seconds{20}); }
    void send(int signal) { ::kill(pid_, signal); }
    /// Exit code, or minus the signal that ended it.
    int wait() {
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }

private:
    static std::string read(int fd, char until, std::chrono::milliseconds timeout) {
        std::string text;
        char c = 0;
        for (pollfd ready{fd, POLLIN, 0}; ::poll(&ready, 1, static_cast<int>(timeout.count())) > 0;) {
            if (::read(fd, &c, 1) <= 0 || c == until) break;
            text += c;
        }
        return text;
    }

    pid_t pid_{-1};
    int out_{-1};
    int err_{-1};
};

/// A till's folder and configuration, and the agent that runs on it.
class TillProcess {
public:
    TillProcess() { write_config(""); }

    void write_config(const std::string& more) {
        config_ = "data_dir = \"" + data() + "\"\ntill = 3\nstore = \"KOL01\"\nworkstation = \"2\"\n" + more +
                  "\n[api]\nport = " + port + "\n";
        REQUIRE(write_file(config(), config_, 0600));
    }
    /// Starts and waits for the ready line.
    void start() {
        process_ =
            std::make_unique<Process>(std::vector<std::string>{MUDI_TILL, "run", "--config", config()});
        const std::string ready = process_->line();
        INFO((ready.empty() ? process_->rest_of_errors() : ready));
        const std::string before = "mudi-till ready http://127.0.0.1:";
        REQUIRE(ready.substr(0, before.size()) == before);
        tcp_port = static_cast<std::uint16_t>(std::stoi(ready.substr(before.size())));
        CHECK_THAT(ready, Catch::EndsWith(" unix:" + socket()));
    }
    /// SIGSTOP, SIGCONT: the agent goes on living.
    void signal(int number) { process_->send(number); }
    int stop(int signal) {
        process_->send(signal);
        const int code = process_->wait();
        process_.reset();
        return code;
    }

    struct Ended {
        int code;
        std::string errors;
    };
    /// For a start that must fail.
    [[nodiscard]] Ended run_to_the_end(std::vector<std::string> arguments = {}) const {
        arguments.insert(arguments.begin(), {MUDI_TILL, "--config", config()});
        Process process(std::move(arguments));
        const std::string errors = process.rest_of_errors();
        return {process.wait(), errors};
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
    [[nodiscard]] std::string socket() const { return file("till.sock"); }

    TempDir folder;
    std::string port{"0"};
    std::uint16_t tcp_port{};

private:
    std::string config_;
    std::unique_ptr<Process> process_;
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
