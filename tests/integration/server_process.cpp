#include "server_process.hpp"

#include <array>
#include <csignal>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mudi/http/client.hpp>

extern char** environ;

namespace mudi::test {

std::string text_of(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

Program::Program(const std::vector<std::string>& command, const std::filesystem::path& stderr_file) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, stderr_file.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
    std::vector<char*> words;
    for (const auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    const int failed = ::posix_spawn(&pid_, words.front(), &actions, nullptr, words.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    out_ = ends[0];
    if (failed != 0) throw std::runtime_error("cannot start " + command.front());
}

Program::~Program() {
    signal(SIGKILL);
    wait();
    ::close(out_);
}

std::string Program::read_line(std::chrono::seconds patience) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (true) {
        if (const auto end = buffer_.find('\n'); end != std::string::npos) {
            auto line = buffer_.substr(0, end);
            buffer_.erase(0, end + 1);
            return line;
        }
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        pollfd ready{out_, POLLIN, 0};
        std::array<char, 4096> piece{};
        if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) <= 0) return {};
        const auto count = ::read(out_, piece.data(), piece.size());
        if (count <= 0) return {};
        buffer_.append(piece.data(), static_cast<std::size_t>(count));
    }
}

void Program::signal(int number) const {
    if (!exit_code_) ::kill(pid_, number);
}

int Program::wait() {
    int status = 0;
    if (!exit_code_ && ::waitpid(pid_, &status, 0) == pid_) {
        exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return exit_code_.value_or(-1);
}

ServerProcess::ServerProcess(std::filesystem::path folder, std::string extra)
    : folder_(std::move(folder)), extra_(std::move(extra)) {}

void ServerProcess::fail(const std::string& what) { throw std::runtime_error(what); }

void ServerProcess::write_config() const {
    std::ofstream(folder_ / "server.toml") << "data_dir = \"" << data_dir().string() << "\"\n"
                                           << extra_ << "\n[sync]\nlisten = \"" << sync_listen
                                           << "\"\n[http]\nlisten = \"" << http_listen << "\"\n";
}

void ServerProcess::start() {
    write_config();
    program_.reset();
    program_.emplace(
        std::vector<std::string>{MUDI_SERVER, "run", "--config", (folder_ / "server.toml").string()}, log());
    std::istringstream words(program_->read_line());
    std::string name;
    std::string state;
    words >> name >> state >> http_url_ >> sync_url_ >> ca_;
    if (state != "ready") fail("the server did not start: " + text_of(log()));
}

ServerProcess::Refusal ServerProcess::refuse() {
    write_config();
    program_.reset();
    program_.emplace(
        std::vector<std::string>{MUDI_SERVER, "run", "--config", (folder_ / "server.toml").string()}, log());
    if (const auto line = program_->read_line(); !line.empty()) fail("the server started: " + line);
    Refusal refusal{program_->wait(), {}};
    std::istringstream text(text_of(log()));
    for (std::string line; std::getline(text, line);) refusal.lines.push_back(line);
    return refusal;
}

void ServerProcess::kill() {
    program_->signal(SIGKILL);
    program_->wait();
}

int ServerProcess::stop() {
    program_->signal(SIGTERM);
    return program_->wait();
}

ServerProcess::Answer ServerProcess::call(const std::string& method, const std::string& target,
                                          const std::string& body, const std::string& token) const {
    const auto port = http_url_.substr(http_url_.rfind(':') + 1);
    http::Client client(http::Target::tcp("127.0.0.1", static_cast<std::uint16_t>(std::stoi(port))));
    http::Call call;
    call.method = method;
    call.target = target;
    call.body = body;
    call.timeout = std::chrono::seconds{30};
    if (!token.empty()) call.headers.set("Authorization", "Bearer " + token);
    const auto response = client.send(call);
    if (!response) fail(response.error().what);
    return {response->status, nlohmann::json::parse(response->body, nullptr, false)};
}

ServerProcess::Answer ServerProcess::get(const std::string& target,
                                         std::optional<std::string> with_token) const {
    return call("GET", target, {}, with_token.value_or(token()));
}

ServerProcess::Answer ServerProcess::post(const std::string& target, const std::string& body) const {
    return call("POST", target, body, token());
}

std::string ServerProcess::ca_pem() const { return ca_ == "ca=-" ? std::string() : text_of(ca_.substr(3)); }

std::string ServerProcess::token() const {
    auto text = text_of(data_dir() / "admin.token");
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

} // namespace mudi::test
