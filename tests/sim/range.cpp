#include "range.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <sstream>

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mudi::sim {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::array required{
    "generation begun",
    "sync.fork",
    "new life",
    "cloned",
    "till restored",
    "server restored from a copy",
    "server restored from a backup",
    "copies compared",
    "part mended",
    "tombstone horizon passed",
    "quarantined",
    "retried after upgrade",
    "poison event",
    "pruned",
    "backup verified",
    "disk full",
    "server's disk full",
    "disk error",
    "torn write recovered",
    "killed at a call to the disk",
    "killed at a message",
    "revoked",
    "enrolled again",
    "disks swapped",
    "upgraded",
    "rolled back",
    "acknowledgement taken back",
    "clock stepped",
    "half-open connection",
    "request doubled",
    "one-way partition",
    "POS asked twice",
    "frame on another till's connection",
    "sale lost by a lying disk",
    "rows of the future",
    "rights granted",
    "right recalled",
    "redeemed from own right",
    "redeemed from lead",
    "hold granted online",
    "rights died with a life",
    "settling after restore",
};

/// What this process has used of a processor.
std::int64_t used_ms() {
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * 1'000 + now.tv_nsec / 1'000'000;
}

/// Lines to the parent: "begin SEED", "world SEED MS REAL SALES CRASHES RESTORES", "mark COUNT TEXT",
/// "failed SEED CHECKER|TEXT".
void run_child(const RangeOptions& options, int job, std::FILE* out) {
    if (options.bug) mutant::plant(options.bug);
    // Of the processor: on a busy machine the same worlds are seen, only later.
    const std::int64_t begin = used_ms();
    const std::int64_t stop_after_ms = std::chrono::milliseconds{options.stop_after}.count();
    const auto step = static_cast<std::uint64_t>(options.jobs);
    for (std::uint64_t seed = options.first + static_cast<std::uint64_t>(job); seed <= options.last;
         seed += step) {
        if (stop_after_ms > 0 && used_ms() - begin >= stop_after_ms) break;
        std::fprintf(out, "begin %llu\n", static_cast<unsigned long long>(seed));
        std::fflush(out);
        const std::int64_t world_begin = used_ms();
        Outcome outcome;
        {
            World world({seed, options.hours, options.tills, false, {}});
            outcome = world.run();
        }
        std::fprintf(out, "world %llu %lld %lld %lld %lld %lld\n", static_cast<unsigned long long>(seed),
                     static_cast<long long>(outcome.simulated_ms),
                     static_cast<long long>(used_ms() - world_begin), static_cast<long long>(outcome.sales),
                     static_cast<long long>(outcome.crashes), static_cast<long long>(outcome.restores));
        for (const auto& [mark, count] : outcome.marks.counts())
            std::fprintf(out, "mark %lld %s\n", static_cast<long long>(count), mark.c_str());
        if (!outcome.checker.empty()) {
            std::fprintf(out, "failed %llu %s|%s\n", static_cast<unsigned long long>(seed),
                         outcome.checker.c_str(), outcome.broken.c_str());
        }
        std::fflush(out);
        if (!outcome.checker.empty()) return;
    }
}

struct Child {
    pid_t pid{};
    int pipe{-1};
    std::uint64_t at{}; ///< seed under way
    bool under_way{false};
    std::string unread;
};

void fail(RangeResult& result, RangeFailure failure) {
    if (result.failure && result.failure->seed <= failure.seed) return;
    result.failure = std::move(failure);
}

void take_line(Child& child, const std::string& line, RangeResult& result) {
    std::istringstream in(line);
    std::string word;
    in >> word;
    if (word == "begin") {
        in >> child.at;
        child.under_way = true;
    } else if (word == "world") {
        std::uint64_t seed = 0;
        std::int64_t simulated = 0;
        std::int64_t real = 0;
        std::int64_t sales = 0;
        std::int64_t crashes = 0;
        std::int64_t restores = 0;
        in >> seed >> simulated >> real >> sales >> crashes >> restores;
        ++result.worlds;
        result.simulated_ms += simulated;
        result.busy_ms += real;
        result.sales += sales;
        result.crashes += crashes;
        result.restores += restores;
        child.under_way = false;
    } else if (word == "mark") {
        std::int64_t count = 0;
        in >> count;
        result.marks.add(line.substr(std::min(line.size(), static_cast<std::size_t>(in.tellg()) + 1)), count);
    } else if (word == "failed") {
        RangeFailure failure;
        in >> failure.seed;
        const std::string rest = line.substr(static_cast<std::size_t>(in.tellg()) + 1);
        failure.checker = rest.substr(0, rest.find('|'));
        failure.broken = rest.substr(std::min(rest.size(), failure.checker.size() + 1));
        fail(result, std::move(failure));
    }
}

/// False at its end.
bool take(Child& child, RangeResult& result) {
    std::array<char, 16384> buffer{};
    const ssize_t got = ::read(child.pipe, buffer.data(), buffer.size());
    if (got <= 0) return false;
    child.unread.append(buffer.data(), static_cast<std::size_t>(got));
    for (auto end = child.unread.find('\n'); end != std::string::npos; end = child.unread.find('\n')) {
        take_line(child, child.unread.substr(0, end), result);
        child.unread.erase(0, end + 1);
    }
    return true;
}

Child start(const RangeOptions& options, int job) {
    int ends[2] = {-1, -1};
    if (::pipe(ends) != 0) return {};
    std::fflush(stdout);
    std::fflush(stderr);
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::close(ends[0]);
        std::FILE* out = ::fdopen(ends[1], "w");
        run_child(options, job, out);
        std::fclose(out);
        ::_exit(0);
    }
    ::close(ends[1]);
    return {pid, ends[0], 0, false, {}};
}

void show(const RangeResult& result, bool last) {
    const bool terminal = ::isatty(STDERR_FILENO) != 0;
    std::fprintf(stderr,
                 "%s%lld worlds, %.0f store-hours, %lld crashes, %lld restores, %.0f times real time%s",
                 terminal ? "\r" : "", static_cast<long long>(result.worlds), result.store_hours(),
                 static_cast<long long>(result.crashes), static_cast<long long>(result.restores),
                 result.speed(), terminal && !last ? "  " : "\n");
}

void reap(Child& child, RangeResult& result, bool stopped) {
    ::close(child.pipe);
    child.pipe = -1;
    int status = 0;
    ::waitpid(child.pid, &status, 0);
    const bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!clean && !stopped && child.under_way) {
        fail(result, {child.at, "crash",
                      "the simulator itself died of signal " +
                          std::to_string(WIFSIGNALED(status) ? WTERMSIG(status) : 0)});
    }
}

} // namespace

RangeResult run_range(const RangeOptions& options) {
    RangeResult result;
    std::vector<Child> children;
    for (int job = 0; job < options.jobs; ++job) children.push_back(start(options, job));
    const auto show_every = std::chrono::seconds{::isatty(STDERR_FILENO) != 0 ? 1 : 10};
    auto shown = Clock::now();
    while (
        std::any_of(children.begin(), children.end(), [](const Child& child) { return child.pipe >= 0; })) {
        std::vector<pollfd> polled;
        for (const Child& child : children) polled.push_back({child.pipe, POLLIN, 0});
        ::poll(polled.data(), polled.size(), 500);
        for (std::size_t i = 0; i < children.size(); ++i) {
            if (children[i].pipe < 0 || polled[i].revents == 0) continue;
            if (!take(children[i], result)) reap(children[i], result, false);
        }
        // Who is at a later seed than the one that failed need not go on.
        for (Child& child : children) {
            if (child.pipe < 0 || !result.failure || child.at <= result.failure->seed) continue;
            ::kill(child.pid, SIGKILL);
            reap(child, result, true);
        }
        if (options.progress && Clock::now() - shown >= show_every) {
            shown = Clock::now();
            show(result, false);
        }
    }
    if (options.progress) show(result, true);
    return result;
}

std::string command_for(const RangeOptions& options, std::uint64_t seed) {
    char hours[32];
    std::snprintf(hours, sizeof hours, "%g", options.hours);
    std::string text = "mudi-sim --seed " + std::to_string(seed) + " --hours " + hours + " --tills " +
                       std::to_string(options.tills);
    if (options.bug) text += " --mutant " + std::string(to_string(*options.bug));
    return text + " --trace";
}

std::vector<std::string> missing_marks(const Marks& marks) {
    std::vector<std::string> missing;
    for (const char* mark : required) {
        if (!marks.counts().contains(std::string_view(mark))) missing.emplace_back(mark);
    }
    return missing;
}

} // namespace mudi::sim
