#pragma once

#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>

namespace mudi::cli {

/// One child process. It dies with us (parent-death signal), stands in its own process group (a Ctrl-C
/// reaches only us, so that we stop things in order), and is stopped by the destructor.
class Process {
public:
    /// `log` receives stderr, appended; stdout is read by read_line. process.start (io).
    static Result<Process> start(const std::vector<std::string>& command, const std::filesystem::path& log);
    Process() = default;
    Process(Process&& other) noexcept;
    Process& operator=(Process&& other) noexcept;
    ~Process();

    /// Next line of stdout without its end. process.timeout (busy), process.ended (unavailable).
    Result<std::string> read_line(Duration timeout);
    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] bool running();
    /// Sends a signal and returns; no effect once ended.
    void signal(int number) const;
    /// Waits for the end; exit code, or 128 + signal. process.timeout (busy) when it goes on.
    Result<int> wait(Duration timeout);
    /// SIGTERM, then SIGKILL when it has not ended within the grace time. Gives the exit code as wait().
    int stop(Duration grace);

private:
    Process(pid_t pid, int out) : pid_(pid), out_(out) {}
    pid_t pid_{-1};
    int out_{-1};
    std::string buffer_;
    int exit_code_{-1};
    bool ended_{false};
};

} // namespace mudi::cli
