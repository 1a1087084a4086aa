#include "soak/namespaces.hpp"

#include <fstream>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/process.hpp"

namespace mudi::soak {
namespace {

namespace fs = std::filesystem;

constexpr Duration command_within{10'000};
constexpr const char* name_begin = "mudi-soak-";

void write_script(const fs::path& path, const std::string& text) {
    std::ofstream{path} << text;
    fs::permissions(path, fs::perms::owner_all);
}

std::string quoted(const fs::path& path) { return "'" + path.string() + "'"; }

} // namespace

Namespaces::Namespaces(std::size_t tills, fs::path folder)
    : tills_(tills), folder_(std::move(folder)), prefix_(name_begin + std::to_string(::getpid()) + "-"),
      server_space_(prefix_ + "server"), near_end_("mudi" + std::to_string(::getpid() % 1'000'000) + "m") {}

Result<std::unique_ptr<Namespaces>> Namespaces::make(std::size_t tills, const fs::path& folder) {
    if (::geteuid() != 0) return fail(Code::denied, "netns.denied", "network namespaces need root");
    std::unique_ptr<Namespaces> made(new Namespaces(tills, folder));
    MUDI_CHECK(made->hire_janitor());
    if (auto built = made->build(); !built)
        return fail(Code::denied, "netns.denied", "no network namespaces here: " + built.error().what);
    return made;
}

Namespaces::~Namespaces() {
    if (janitor_waits_ >= 0) ::close(janitor_waits_);
    if (janitor_ > 0) ::waitpid(janitor_, nullptr, 0);
}

/// A process that outlives this one, even a SIGKILL to it, and takes everything away then.
Status Namespaces::hire_janitor() {
    std::string text = "read -r never; for space in " + server_space_;
    for (std::size_t till = 0; till < tills_; ++till) text += " " + till_space(till);
    text += "; do ip netns del $space; done; ip link del " + near_end_ + "; true";
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail(Code::io, "netns.janitor", "no pipe");
    janitor_waits_ = ends[1];
    janitor_ = ::fork();
    if (janitor_ == 0) {
        const int nowhere = ::open("/dev/null", O_RDWR);
        ::setpgid(0, 0); // no Ctrl-C either
        ::dup2(ends[0], STDIN_FILENO);
        ::dup2(nowhere, STDOUT_FILENO);
        ::dup2(nowhere, STDERR_FILENO);
        ::execl("/bin/sh", "sh", "-c", text.c_str(), nullptr);
        ::_exit(127);
    }
    ::close(ends[0]);
    if (janitor_ < 0) return fail(Code::io, "netns.janitor", "no process");
    return {};
}

std::string Namespaces::till_space(std::size_t till) const { return prefix_ + "till" + std::to_string(till); }

/// A network per process, so that two runs do not meet.
std::string Namespaces::address(std::size_t host) const {
    return "10.213." + std::to_string(::getpid() % 250) + "." + std::to_string(host);
}

Status Namespaces::ip(const std::vector<std::string>& words) const {
    std::vector<std::string> command{"/usr/bin/env", "ip"};
    command.insert(command.end(), words.begin(), words.end());
    MUDI_TRY(auto process, cli::Process::start(command, folder_ / "ip.log"));
    MUDI_TRY(const int code, process.wait(command_within));
    if (code == 0) return {};
    std::string text = "ip";
    for (const std::string& word : words) text += " " + word;
    return fail(Code::io, "netns.command", text);
}

Status Namespaces::in_server(std::vector<std::string> words) const {
    words.insert(words.begin(), {"-n", server_space_});
    return ip(words);
}

Status Namespaces::build() {
    MUDI_CHECK(ip({"netns", "add", server_space_}));
    MUDI_CHECK(in_server({"link", "set", "lo", "up"}));
    MUDI_CHECK(in_server({"link", "add", "br0", "type", "bridge"}));
    MUDI_CHECK(in_server({"addr", "add", address(1) + "/24", "dev", "br0"}));
    MUDI_CHECK(in_server({"link", "set", "br0", "up"}));
    MUDI_CHECK(
        ip({"link", "add", near_end_, "type", "veth", "peer", "name", "near", "netns", server_space_}));
    MUDI_CHECK(in_server({"link", "set", "near", "master", "br0", "up"}));
    MUDI_CHECK(ip({"addr", "add", address(254) + "/24", "dev", near_end_}));
    MUDI_CHECK(ip({"link", "set", near_end_, "up"}));
    for (std::size_t till = 0; till < tills_; ++till) {
        const std::string space = till_space(till);
        const std::string port = "port" + std::to_string(till);
        MUDI_CHECK(ip({"netns", "add", space}));
        MUDI_CHECK(ip({"-n", space, "link", "set", "lo", "up"}));
        MUDI_CHECK(in_server({"link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", space}));
        MUDI_CHECK(in_server({"link", "set", port, "master", "br0", "up"}));
        MUDI_CHECK(ip({"-n", space, "addr", "add", till_address(till) + "/24", "dev", "eth0"}));
        MUDI_CHECK(ip({"-n", space, "link", "set", "eth0", "up"}));
    }
    // Some containers may make them and not go in.
    return ip({"netns", "exec", server_space_, "true"});
}

Result<fs::path> Namespaces::programs(const fs::path& real) const {
    const fs::path made = folder_ / "programs";
    std::error_code error;
    fs::create_directories(made, error);
    if (error) return fail(Code::io, "netns.folder", "cannot write below " + folder_.string());
    write_script(made / "mudi-server", "#!/bin/sh\nexec ip netns exec " + server_space_ + " " +
                                           quoted(real / "mudi-server") + " \"$@\"\n");
    std::string text = "#!/bin/sh\ncase \"$*\" in\n";
    for (std::size_t till = 0; till < tills_; ++till)
        text += "  */till-" + std::to_string(till + 1) + "/*) space=" + till_space(till) + " ;;\n";
    text += "esac\nexec ip netns exec \"$space\" " + quoted(real / "mudi-till") + " \"$@\"\n";
    write_script(made / "mudi-till", text);
    fs::create_symlink(real / "mudi", made / "mudi", error);
    return made;
}

Status Namespaces::set_link(std::size_t till, bool up) {
    return in_server({"link", "set", "port" + std::to_string(till), up ? "up" : "down"});
}

Status Namespaces::set_silence(std::size_t till, bool silent) {
    return in_server({"route", silent ? "add" : "del", "blackhole", till_address(till) + "/32"});
}

Status Namespaces::set_switch(bool up) {
    for (std::size_t till = 0; till < tills_; ++till) MUDI_CHECK(set_link(till, up));
    return {};
}

} // namespace mudi::soak
