#pragma once

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include <mudi/base/time.hpp>

#include "cli/process.hpp"

namespace mudi::test {

inline std::string text_of(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// A program under test as a process of its own, its stderr in a file; stopped by the destructor. Throws when
/// it cannot be started.
class Program {
public:
    Program(const std::vector<std::string>& command, std::filesystem::path stderr_file)
        : stderr_file_(std::move(stderr_file)) {
        std::ofstream(stderr_file_, std::ios::trunc).flush();
        auto started = cli::Process::start(command, stderr_file_);
        if (!started) throw std::runtime_error(started.error().what);
        process_ = *std::move(started);
    }

    /// Next line on its stdout; empty when it ends or says nothing for so long.
    std::string read_line(std::chrono::milliseconds patience = std::chrono::seconds{30}) {
        return process_.read_line(patience).value_or(std::string());
    }
    void signal(int number) const { process_.signal(number); }
    /// Exit code, or 128 + signal; throws when it does not end within two minutes.
    int wait() {
        const auto code = process_.wait(std::chrono::minutes{2});
        if (!code) throw std::runtime_error(code.error().what);
        return *code;
    }
    [[nodiscard]] pid_t pid() const { return process_.pid(); }
    /// What it has written on stderr so far.
    [[nodiscard]] std::string errors() const { return text_of(stderr_file_); }

private:
    std::filesystem::path stderr_file_;
    cli::Process process_;
};

} // namespace mudi::test
