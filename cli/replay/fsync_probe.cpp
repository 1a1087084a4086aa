#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "cli/replay/runner.hpp"

namespace mudi::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;

/// One writer's loop; commits made, or -1 when the file cannot be written.
std::int64_t append_until(const std::filesystem::path& path, SteadyClock::time_point end) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) return -1;
    const std::string page(4096, 'x');
    std::int64_t commits = 0;
    while (commits >= 0 && SteadyClock::now() < end) {
        const bool written = ::write(file, page.data(), page.size()) == static_cast<ssize_t>(page.size());
        commits = written && ::fdatasync(file) == 0 ? commits + 1 : -1;
    }
    ::close(file);
    ::unlink(path.c_str());
    return commits;
}

} // namespace

Result<double> fsync_rate(const std::filesystem::path& folder, std::size_t threads, Duration duration) {
    std::vector<std::int64_t> commits(threads);
    const auto begin = SteadyClock::now();
    {
        std::vector<std::jthread> writers;
        for (std::size_t i = 0; i < threads; ++i)
            writers.emplace_back([&, i] {
                commits[i] = append_until(folder / ("fsync-" + std::to_string(i)), begin + duration);
            });
    }
    const std::chrono::duration<double> seconds = SteadyClock::now() - begin;
    std::int64_t all = 0;
    for (const std::int64_t count : commits) {
        if (count < 0) return fail(Code::io, "replay.disk", "cannot write below " + folder.string());
        all += count;
    }
    return static_cast<double>(all) / seconds.count();
}

} // namespace mudi::cli
