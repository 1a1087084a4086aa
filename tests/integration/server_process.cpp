#include "server_process.hpp"

#include <csignal>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

#include <mudi/http/client.hpp>

#include "cli/enrol.hpp"

namespace mudi::test {

ServerProcess::ServerProcess(std::filesystem::path folder, std::string extra)
    : folder_(std::move(folder)), extra_(std::move(extra)) {}

void ServerProcess::fail(const std::string& what) { throw std::runtime_error(what); }

void ServerProcess::write_config() const {
    std::ofstream(folder_ / "server.toml")
        << "data_dir = \"" << data_dir().string() << "\"\n"
        << extra_ << "\n[sync]\naccess = \"" << access << "\"\nlisten = \"" << sync_listen
        << "\"\n[http]\nlisten = \"" << http_listen << "\"\n";
}

std::vector<std::string> ServerProcess::command() const {
    std::vector<std::string> words{MUDI_SERVER, "run", "--config", config().string()};
    words.insert(words.end(), more_arguments.begin(), more_arguments.end());
    return words;
}

void ServerProcess::start() {
    write_config();
    program_.reset();
    program_.emplace(command(), log());
    std::istringstream words(program_->read_line());
    std::string name;
    std::string state;
    words >> name >> state >> http_url_ >> sync_url_ >> ca_;
    if (state != "ready") fail("the server did not start: " + text_of(log()));
}

ServerProcess::Refusal ServerProcess::refuse() {
    write_config();
    program_.reset();
    program_.emplace(command(), log());
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

WireIdentity ServerProcess::enrol(TillId till, const std::string& store) const {
    const nlohmann::json wanted{
        {"till", till.value}, {"store", store}, {"workstation", "W" + std::to_string(till.value)}};
    auto answer = post("/api/v1/tills", wanted.dump());
    if (answer.status == 409) answer = post("/api/v1/tills/" + std::to_string(till.value) + "/code");
    if (answer.status >= 300) fail("the till was not added: " + answer.body.dump());
    const auto till_dir = folder_ / ("till-" + std::to_string(till.value));
    const auto enrolled = cli::enrol_till({http_url_, answer.body.at("code"), till_dir, true});
    if (!enrolled) fail("the till was not enrolled: " + enrolled.error().what);
    const auto identity = till_dir / "identity";
    return {text_of(identity / "key.pem"), text_of(identity / "certificate.pem"),
            text_of(identity / "ca.pem")};
}

std::string ServerProcess::ca_pem() const { return ca_ == "ca=-" ? std::string() : text_of(ca_.substr(3)); }

std::string ServerProcess::token() const {
    auto text = text_of(data_dir() / "admin.token");
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

} // namespace mudi::test
