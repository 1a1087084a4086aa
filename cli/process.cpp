#include "cli/process.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace mudi::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int exec_failed = 127;

[[noreturn]] void become(char* const* arguments, int out, int log, pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // The parent may have gone before the line above: then nobody would ever tell us.
    if (::getppid() != parent) ::_exit(exec_failed);
    ::setpgid(0, 0);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    ::execv(arguments[0], arguments);
    ::_exit(exec_failed);
}

Duration left_until(SteadyClock::time_point end) {
    return std::max(Duration{0}, std::chrono::duration_cast<Duration>(end - SteadyClock::now()));
}

} // namespace

Result<Process> Process::start(const std::vector<std::string>& command, const std::filesystem::path& log) {
    const int log_file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int ends[2] = {-1, -1};
    if (log_file < 0 || ::pipe2(ends, O_CLOEXEC) != 0) {
        if (log_file >= 0) ::close(log_file);
        return fail(Code::io, "process.start",
                    std::string("cannot start a process: ") + std::strerror(errno));
    }
    std::vector<std::string> copy = command;
    std::vector<char*> arguments;
    for (std::string& word : copy) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child == 0) become(arguments.data(), ends[1], log_file, parent);
    ::close(ends[1]);
    ::close(log_file);
    if (child < 0) {
        ::close(ends[0]);
        return fail(Code::io, "process.start",
                    std::string("cannot start a process: ") + std::strerror(errno));
    }
    return Process{child, ends[0]};
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), out_(std::exchange(other.out_, -1)),
      buffer_(std::move(other.buffer_)), exit_code_(other.exit_code_),
      ended_(std::exchange(other.ended_, true)) {}

Process& Process::operator=(Process&& other) noexcept {
    std::swap(pid_, other.pid_);
    std::swap(out_, other.out_);
    std::swap(buffer_, other.buffer_);
    std::swap(exit_code_, other.exit_code_);
    std::swap(ended_, other.ended_);
    return *this;
}

Process::~Process() {
    if (pid_ > 0) stop(std::chrono::seconds{5});
    if (out_ >= 0) ::close(out_);
}

Result<std::string> Process::read_line(Duration timeout) {
    const auto end = SteadyClock::now() + timeout;
    for (;;) {
        if (const auto at = buffer_.find('\n'); at != std::string::npos) {
            std::string line = buffer_.substr(0, at);
            buffer_.erase(0, at + 1);
            return line;
        }
        pollfd waiting{out_, POLLIN, 0};
        const int ready = ::poll(&waiting, 1, static_cast<int>(left_until(end).count()));
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) return fail(Code::busy, "process.timeout", "no line from the process in time");
        char bytes[4096];
        const ssize_t count = ::read(out_, bytes, sizeof bytes);
        if (count <= 0) return fail(Code::unavailable, "process.ended", "the process has ended");
        buffer_.append(bytes, static_cast<std::size_t>(count));
    }
}

bool Process::running() {
    if (ended_ || pid_ <= 0) return false;
    int status = 0;
    const pid_t done = ::waitpid(pid_, &status, WNOHANG);
    if (done == 0) return true;
    ended_ = true;
    exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return false;
}

void Process::signal(int number) const {
    if (!ended_ && pid_ > 0) ::kill(pid_, number);
}

Result<int> Process::wait(Duration timeout) {
    if (pid_ <= 0) return exit_code_;
    // A pidfd becomes readable when the process ends: no polling in between.
    const int watch = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
    if (watch >= 0) {
        pollfd waiting{watch, POLLIN, 0};
        const auto end = SteadyClock::now() + timeout;
        while (::poll(&waiting, 1, static_cast<int>(left_until(end).count())) < 0 && errno == EINTR) {
        }
        ::close(watch);
    }
    if (running()) return fail(Code::busy, "process.timeout", "the process goes on");
    return exit_code_;
}

int Process::stop(Duration grace) {
    if (pid_ <= 0) return exit_code_;
    if (!running()) return exit_code_;
    signal(SIGTERM);
    if (const auto code = wait(grace)) return *code;
    signal(SIGKILL);
    return wait(std::chrono::seconds{10}).value_or(128 + SIGKILL);
}

} // namespace mudi::cli
