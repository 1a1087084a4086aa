#include "cli/fleet.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "cli/answers.hpp"
#include "cli/enrol.hpp"

namespace mudi::cli {
namespace {

constexpr Duration ready_within{30'000};
constexpr Duration stop_within{5'000};

Status write_file(const std::filesystem::path& path, const std::string& text) {
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    std::ofstream file(path, std::ios::trunc);
    file << text;
    file.close();
    if (!file) return fail(Code::io, "fleet.folder", "cannot write " + path.string());
    return {};
}

std::string last_line(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::string line, last;
    while (std::getline(file, line))
        if (!line.empty()) last = line;
    return last;
}

std::string file_text(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

/// "mudi-till ready A B key=C": the words after "ready".
Result<std::vector<std::string>> read_ready(Process& process, const std::filesystem::path& log,
                                            Duration patience) {
    auto line = process.read_line(patience);
    if (!line && line.error().code == Code::busy && patience < ready_within)
        return tl::make_unexpected(line.error());
    if (!line) return fail(Code::io, "fleet.start", "did not start: " + last_line(log));
    std::istringstream words(*line);
    std::vector<std::string> all{std::istream_iterator<std::string>(words), {}};
    if (all.size() < 3 || all[1] != "ready") return fail(Code::io, "fleet.start", "said: " + *line);
    all.erase(all.begin(), all.begin() + 2);
    return all;
}

std::string after(const std::string& word, std::string_view prefix) {
    return word.starts_with(prefix) ? word.substr(prefix.size()) : std::string{};
}

/// Nobody's just now. A lead tells its neighbours its port before it listens there.
Result<std::uint16_t> free_port() {
    const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    const bool found = probe >= 0 && ::bind(probe, any, size) == 0 && ::getsockname(probe, any, &size) == 0;
    if (probe >= 0) ::close(probe);
    if (!found) return fail(Code::io, "fleet.port", "no port is free");
    return ntohs(address.sin_port);
}

} // namespace

std::filesystem::path Fleet::till_folder(std::size_t index) const {
    return options_.folder / ("till-" + std::to_string(options_.tills[index].till));
}

/// Beside the till's folder: a copy of that must not take it along.
std::filesystem::path Fleet::till_witness(std::size_t index) const {
    return options_.folder / "run" / (std::to_string(options_.tills[index].till) + ".rights");
}

Status Fleet::write_server_config() const {
    const auto listen = [&](const std::string& known, const char* scheme) {
        return quoted(known.empty() ? scheme + options_.host + ":0" : known);
    };
    const std::string http = after(server_address_.url, "http://");
    const std::string host = quoted(options_.host);
    return write_file(server_config(),
                      "data_dir = " + quoted((options_.folder / "server").string()) + "\ndatabase = " +
                          quoted(options_.database) + "\ndurability = " + quoted(options_.durability) +
                          "\ncurrency = " + quoted(options_.currency) +
                          "\n[sync]\nlisten = " + listen(server_address_.sync_url, "tls+tcp://") +
                          "\nnames = [\"localhost\", " + host + "]\n[http]\nlisten = " + listen(http, "") +
                          "\nhosts = [" + host + "]\n" + options_.server_settings);
}

/// Who it is and where its server stands is in its identity; a till that works alone has none.
Status Fleet::write_till_config(std::size_t index) const {
    const TillSpec& spec = options_.tills[index];
    const std::string& url = tills_[index].address.url;
    const std::string port = url.empty() ? "0" : url.substr(url.rfind(':') + 1);
    std::string ranges;
    for (const std::string& range : options_.card_ranges)
        ranges += (ranges.empty() ? "" : ", ") + quoted(range);
    const std::string who = alone()
                                ? "till = " + std::to_string(spec.till) + "\nstore = " + quoted(spec.store) +
                                      "\nworkstation = " + quoted(spec.workstation) + "\n"
                                : std::string{};
    const std::string lead =
        spec.lead
            ? "[lead]\nlisten = \"tls+tcp://127.0.0.1:" + std::to_string(tills_[index].lead_port) + "\"\n"
            : std::string{};
    return write_file(till_folder(index) / "till.toml",
                      "data_dir = " + quoted(till_folder(index).string()) + "\n" + who + "currency = " +
                          quoted(options_.currency) + "\ndurability = " + quoted(options_.durability) +
                          "\nrights_witness = " + quoted(till_witness(index).string()) +
                          "\ndisk_reserve_mib = 0\n[cards]\nranges = [" + ranges +
                          "]\n[api]\nport = " + port + "\n" + lead);
}

Result<ApiClient> Fleet::operator_client() const {
    MUDI_TRY(auto target, target_of(server_address_.url));
    return ApiClient(std::move(target), server_address_.token);
}

Status Fleet::enrol(std::size_t index, bool again) {
    const TillSpec& spec = options_.tills[index];
    MUDI_TRY(ApiClient server, operator_client());
    const nlohmann::json wanted{
        {"till", spec.till}, {"store", spec.store}, {"workstation", spec.workstation}, {"lead", spec.lead}};
    auto answer = server.send("POST", "/api/v1/tills", wanted.dump(), false);
    if (!answer && answer.error().name == "till.exists")
        answer = server.send("POST", "/api/v1/tills/" + std::to_string(spec.till) + "/code", "{}", false);
    if (!answer) return tl::make_unexpected(answer.error());
    const auto enrolled =
        enrol_till({server_address_.url, answer->value("code", ""), till_folder(index), again});
    if (!enrolled) return tl::make_unexpected(enrolled.error());
    return {};
}

std::filesystem::path Fleet::server_log() const { return options_.folder / "server.log"; }
std::filesystem::path Fleet::till_log(std::size_t index) const { return till_folder(index) / "till.log"; }

Status Fleet::start_server() {
    MUDI_CHECK(launch_server());
    return await_server(ready_within);
}

Status Fleet::launch_server() {
    MUDI_CHECK(write_server_config());
    std::vector<std::string> command{(options_.programs / "mudi-server").string(), "run", "--config",
                                     server_config().string()};
    command.insert(command.end(), options_.server_arguments.begin(), options_.server_arguments.end());
    MUDI_TRY(server_, Process::start(command, server_log()));
    server_wanted_ = true;
    return {};
}

Status Fleet::await_server(Duration patience) {
    MUDI_TRY(const auto words, read_ready(server_, server_log(), patience));
    server_address_.url = words[0];
    for (const std::string& word : words) {
        if (word.starts_with("tls+tcp://")) server_address_.sync_url = word;
        if (word.starts_with("ca=")) server_address_.ca = after(word, "ca=");
        if (word.starts_with("token=")) server_address_.token = file_text(after(word, "token="));
    }
    return {};
}

Status Fleet::start_till(std::size_t index) {
    MUDI_CHECK(launch_till(index));
    return await_till(index, ready_within);
}

Status Fleet::launch_till(std::size_t index) {
    if (options_.tills[index].lead && tills_[index].lead_port == 0) {
        MUDI_TRY(tills_[index].lead_port, free_port());
    }
    std::error_code error;
    std::filesystem::create_directories(till_witness(index).parent_path(), error);
    MUDI_CHECK(write_till_config(index));
    if (!alone() && !std::filesystem::exists(till_folder(index) / "identity" / "certificate.pem", error))
        MUDI_CHECK(enrol(index, false));
    Till& till = tills_[index];
    MUDI_TRY(till.process, Process::start({(options_.programs / "mudi-till").string(), "run", "--config",
                                           (till_folder(index) / "till.toml").string()},
                                          till_log(index)));
    till.wanted = true;
    return {};
}

Status Fleet::await_till(std::size_t index, Duration patience) {
    Till& till = tills_[index];
    MUDI_TRY(const auto words, read_ready(till.process, till_log(index), patience));
    till.address = {options_.tills[index], words[0], after(words[1], "unix:")};
    return {};
}

Status Fleet::start() {
    MUDI_CHECK(start_server());
    for (std::size_t i = 0; i < tills_.size(); ++i) MUDI_CHECK(start_till(i));
    return {};
}

void Fleet::kill_server() {
    server_wanted_ = false;
    server_.signal(SIGKILL);
    static_cast<void>(server_.wait(stop_within));
}

void Fleet::kill_till(std::size_t index) {
    tills_[index].wanted = false;
    tills_[index].process.signal(SIGKILL);
    static_cast<void>(tills_[index].process.wait(stop_within));
}

void Fleet::stop() {
    for (Till& till : tills_) till.process.signal(SIGTERM);
    for (Till& till : tills_) {
        till.wanted = false;
        till.process.stop(stop_within);
    }
    server_wanted_ = false;
    server_.stop(stop_within);
}

std::string Fleet::ended() {
    if (server_wanted_ && !server_.running()) return "server";
    for (Till& till : tills_)
        if (till.wanted && !till.process.running()) return "till " + std::to_string(till.address.spec.till);
    return {};
}

std::filesystem::path own_folder() {
    std::error_code error;
    return std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
}

Result<std::filesystem::path> make_temporary_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "mudi-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
        return fail(Code::io, "fleet.folder", "cannot make a temporary folder");
    return std::filesystem::path(name);
}

} // namespace mudi::cli
