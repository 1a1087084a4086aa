#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include <malloc.h>

#include "range.hpp"
#include "storm.hpp"
#include "world.hpp"

namespace mudi::sim {
namespace {

constexpr std::string_view help =
    R"(mudi-sim: tills and a server in a simulated world, with everything that can go wrong

One world:    mudi-sim --seed 7 --hours 1 --tills 12        a line about it; exit 1 when a promise is broken
              mudi-sim --seed 7 --trace                     and everything that happened in it
Many worlds:  mudi-sim --seeds 1..1000 --jobs 2             stops at the first that fails
              mudi-sim --seeds 1..99999 --jobs 2 --for 60   as many as begin within 60 s
Crowds:       mudi-sim --storm                              5,000 tills come back within a second
Planted bugs: mudi-sim --seeds 1..9999 --mutant fork_ignored   how soon it is found
              mudi-sim --list-mutants

The same seed, hours and tills give the same world and the same trace hash. Every seed draws which faults
there are and how often. First they strike for so many hours, then they stop, and within 10 minutes
everything must be in step.

  --seed N            which world (1)
  --hours H           hours of faults (1)
  --tills T           tills (12)
  --trace             print what happens
  --seeds A..B        these worlds
  --jobs J            so many processes at once (1)
  --for S             begin no new world after S seconds of a processor a job
  --require-hours H   exit 1 when fewer store-hours were simulated
  --require-faults N  exit 1 when there were fewer crashes and restores
  --marks             print what was met how often
  --mutant NAME       plant this bug
  --list-mutants      their names
  --storm             see above
  --help              this
)";
/// From so many worlds on each of the required marks must have been met.
constexpr std::int64_t worlds_for_marks = 100;

struct Options {
    RangeOptions range;
    bool many{false};
    bool trace{false};
    bool marks{false};
    bool storm{false};
    double hours_required{};
    std::int64_t faults_required{};
};

template <class Number>
bool number(std::string_view text, Number& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc{} && end == text.data() + text.size();
}

bool seeds(std::string_view text, Options& options) {
    const auto dots = text.find("..");
    options.many = true;
    return dots != std::string_view::npos && number(text.substr(0, dots), options.range.first) &&
           number(text.substr(dots + 2), options.range.last) && options.range.first <= options.range.last;
}

bool take(std::string_view name, std::string_view value, Options& options) {
    RangeOptions& range = options.range;
    std::int64_t seconds = 0;
    if (name == "--seed") {
        const bool good = number(value, range.first);
        range.last = range.first;
        return good;
    }
    if (name == "--hours") return number(value, range.hours) && range.hours > 0;
    if (name == "--tills") return number(value, range.tills) && range.tills >= 1 && range.tills <= 5000;
    if (name == "--seeds") return seeds(value, options);
    if (name == "--jobs") return number(value, range.jobs) && range.jobs >= 1 && range.jobs <= 64;
    if (name == "--for") {
        const bool good = number(value, seconds) && seconds > 0;
        range.stop_after = std::chrono::seconds{seconds};
        return good;
    }
    if (name == "--require-hours") return number(value, options.hours_required);
    if (name == "--require-faults") return number(value, options.faults_required);
    if (name == "--mutant") return (range.bug = mutant::bug_from(value)).has_value();
    return false;
}

void list_mutants() {
    for (int i = 0; i < mutant::bug_count; ++i) {
        const auto word = to_string(static_cast<mutant::Bug>(i));
        std::printf("%.*s\n", static_cast<int>(word.size()), word.data());
    }
}

void print_marks(const Marks& marks) {
    for (const auto& [mark, count] : marks.counts())
        std::printf("%10lld  %s\n", static_cast<long long>(count), mark.c_str());
}

int run_one(const Options& options) {
    if (options.range.bug) mutant::plant(options.range.bug);
    World world({options.range.first, options.range.hours, options.range.tills, options.trace, {}});
    const Outcome outcome = world.run();
    if (options.marks) print_marks(outcome.marks);
    std::printf("seed %llu: %lld sales, %lld crashes, %lld restores, %.1f minutes; trace hash %016llx\n",
                static_cast<unsigned long long>(options.range.first), static_cast<long long>(outcome.sales),
                static_cast<long long>(outcome.crashes), static_cast<long long>(outcome.restores),
                static_cast<double>(outcome.simulated_ms) / 60'000,
                static_cast<unsigned long long>(outcome.trace_hash));
    if (outcome.checker.empty()) return 0;
    std::printf("broken: %s: %s\n", outcome.checker.c_str(), outcome.broken.c_str());
    return 1;
}

int run_crowd(const Options& options) {
    StormOptions storm;
    storm.seed = options.range.first;
    const auto begin = std::chrono::steady_clock::now();
    const StormResult result = run_storm(storm);
    const auto real =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
    std::printf("%d tills, %lld events: first in step after %.1f s, last after %.1f s, longest without "
                "progress %.1f s;\n"
                "at once at most %zu requests and %zu waiting pushes; took %.1f s\n",
                storm.tills, static_cast<long long>(result.events),
                static_cast<double>(result.first_ms) / 1000, static_cast<double>(result.simulated_ms) / 1000,
                static_cast<double>(result.starved_ms) / 1000, result.requests_max, result.pushes_max,
                static_cast<double>(real.count()) / 1000);
    if (result.broken.empty()) return 0;
    std::printf("broken: %s\n", result.broken.c_str());
    return 1;
}

int run_many(Options options) {
    options.range.progress = true;
    const RangeResult result = run_range(options.range);
    if (options.marks) print_marks(result.marks);
    std::printf("%lld worlds, %.1f store-hours, %lld sales, %lld crashes, %lld restores, %.0f times real "
                "time on one core\n",
                static_cast<long long>(result.worlds), result.store_hours(),
                static_cast<long long>(result.sales), static_cast<long long>(result.crashes),
                static_cast<long long>(result.restores), result.speed());
    int code = 0;
    if (result.failure) {
        std::printf("seed %llu broke %s: %s\n  %s\n", static_cast<unsigned long long>(result.failure->seed),
                    result.failure->checker.c_str(), result.failure->broken.c_str(),
                    command_for(options.range, result.failure->seed).c_str());
        return 1;
    }
    if (result.worlds >= worlds_for_marks) {
        for (const std::string& mark : missing_marks(result.marks)) {
            std::printf("never met: %s\n", mark.c_str());
            code = 1;
        }
    }
    if (result.store_hours() < options.hours_required) {
        std::printf("fewer than %.0f store-hours\n", options.hours_required);
        code = 1;
    }
    if (result.crashes + result.restores < options.faults_required) {
        std::printf("fewer than %lld crashes and restores\n",
                    static_cast<long long>(options.faults_required));
        code = 1;
    }
    return code;
}

int run(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        if (name == "--help")
            return static_cast<int>(std::fwrite(help.data(), 1, help.size(), stdout) != help.size());
        if (name == "--list-mutants") return list_mutants(), 0;
        if (name == "--trace") {
            options.trace = true;
        } else if (name == "--marks") {
            options.marks = true;
        } else if (name == "--storm") {
            options.storm = true;
        } else if (i + 1 == argc || !take(name, argv[i + 1], options)) {
            std::fprintf(stderr, "mudi-sim: what is \"%s\"? See mudi-sim --help\n", argv[i]);
            return 2;
        } else {
            ++i;
        }
    }
#ifndef MUDI_MUTANTS
    if (options.range.bug) {
        std::fprintf(stderr, "mudi-sim: this build has no planted bugs (MUDI_MUTANTS)\n");
        return 2;
    }
#endif
    if (options.storm) return run_crowd(options);
    return options.many ? run_many(options) : run_one(options);
}

} // namespace
} // namespace mudi::sim

int main(int argc, char** argv) {
    // Worlds come and go: their memory is kept for the next one instead of being given back in between.
    mallopt(M_MMAP_THRESHOLD, 256 << 20);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    mallopt(M_TOP_PAD, 16 << 20);
    return mudi::sim::run(argc, argv);
}
