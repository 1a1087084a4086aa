#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

#include <mudi/base/result.hpp>

namespace mudi::soak {

/// A small network of its own: the server and every till in a network namespace each, joined by a bridge on
/// the server's side, which this process reaches too. Needs root and iproute2. Everything goes with the
/// object, or with this process, however that ends.
class Namespaces {
public:
    /// netns.denied (denied): not root, or the kernel has no such thing: the text says what was tried.
    static Result<std::unique_ptr<Namespaces>> make(std::size_t tills, const std::filesystem::path& folder);
    Namespaces(const Namespaces&) = delete;
    Namespaces& operator=(const Namespaces&) = delete;
    ~Namespaces();

    /// The server's address in it.
    [[nodiscard]] std::string server_host() const { return address(1); }
    /// A folder with mudi-server and mudi-till that run the real ones, each in its namespace, and mudi. The
    /// till is told by its folder "till-NUMBER", counted from 1.
    Result<std::filesystem::path> programs(const std::filesystem::path& real) const;

    /// The till's cable is pulled, and put in again.
    Status set_link(std::size_t till, bool up);
    /// Nothing comes back from the server any more, although the till's link stands and what it sends
    /// arrives: its connections hang half open.
    Status set_silence(std::size_t till, bool silent);
    /// Every till's cable at once.
    Status set_switch(bool up);

private:
    Namespaces(std::size_t tills, std::filesystem::path folder);
    Status hire_janitor();
    Status build();
    Status ip(const std::vector<std::string>& words) const;
    Status in_server(std::vector<std::string> words) const;
    [[nodiscard]] std::string till_space(std::size_t till) const;
    [[nodiscard]] std::string address(std::size_t host) const;
    [[nodiscard]] std::string till_address(std::size_t till) const { return address(10 + till); }
    std::size_t tills_;
    std::filesystem::path folder_;
    std::string prefix_; ///< "mudi-soak-PID-"
    std::string server_space_;
    std::string near_end_; ///< of this process' own cable to the bridge
    pid_t janitor_{-1};
    int janitor_waits_{-1}; ///< for this end to be closed
};

} // namespace mudi::soak
