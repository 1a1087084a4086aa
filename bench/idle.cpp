#include <thread>
#include <utility>

#include "bench/machine.hpp"
#include "cli/fleet.hpp"

namespace mudi::bench {
namespace {

constexpr double rss_kib_max = 12 * 1024;
constexpr Duration settle{2'000};
constexpr Duration watched{5'000};
constexpr Duration start_within{10'000};

struct Idle {
    ProcessCounts after_settling;
    double ticks{};
    double wake_ups{};
};

Result<Idle> watch(pid_t pid) {
    Idle idle;
    std::this_thread::sleep_for(settle);
    MUDI_TRY(idle.after_settling, count_process(pid));
    std::this_thread::sleep_for(watched);
    MUDI_TRY(const auto later, count_process(pid));
    idle.ticks = static_cast<double>(later.ticks - idle.after_settling.ticks);
    idle.wake_ups = static_cast<double>(later.wake_ups - idle.after_settling.wake_ups);
    return idle;
}

/// A process that says a line and one that sleeps: what any process costs here.
struct Bare {
    double start_ms{};
    Idle idle;
};
Result<Bare> measure_bare(const Options& options) {
    Bare bare;
    const auto log = options.folder / "bare.log";
    const Watch start;
    MUDI_TRY(auto echo, cli::Process::start({"/bin/echo", "ready"}, log));
    MUDI_CHECK(echo.read_line(start_within));
    bare.start_ms = start.us() / 1000;
    MUDI_TRY(auto sleeper, cli::Process::start({"/bin/sleep", "60"}, log));
    MUDI_TRY(bare.idle, watch(sleeper.pid()));
    return bare;
}

void report(Sheet& sheet, const std::string& which, const Idle& idle, const Idle& bare) {
    const auto kib = [](std::int64_t value) { return static_cast<double>(value); };
    const auto add = [&](std::string_view what, double value, std::string_view unit, double anchor,
                         double target) {
        sheet.add({.group = "idle",
                   .what = which + ": " + std::string(what),
                   .value = value,
                   .unit = unit,
                   .anchor = anchor,
                   .anchor_what = "/bin/sleep",
                   .aim = target > 0 ? Aim::at_most : Aim::none,
                   .target = target});
    };
    add("resident memory", kib(idle.after_settling.rss_kib), "KiB", kib(bare.after_settling.rss_kib),
        rss_kib_max);
    add("of it not shared files", kib(idle.after_settling.own_kib), "KiB", kib(bare.after_settling.own_kib),
        0);
    add("share of all memory (PSS)", kib(idle.after_settling.share_kib), "KiB",
        kib(bare.after_settling.share_kib), 0);
    add("processor time in 5 s", idle.ticks * 10, "ms", bare.ticks * 10, 0);
    add("wake-ups in 5 s", idle.wake_ups, "", bare.wake_ups, 0);
    add("threads", kib(idle.after_settling.threads), "", kib(bare.after_settling.threads), 0);
}

cli::FleetOptions one_till(const Options& options, const char* folder) {
    cli::FleetOptions fleet;
    fleet.programs = options.programs;
    fleet.folder = options.folder / folder;
    fleet.tills = {{1, "KOL01", "1"}};
    return fleet;
}

} // namespace

Status measure_idle(const Options& options, Sheet& sheet) {
    MUDI_TRY(const Bare bare, measure_bare(options));

    cli::Fleet alone(one_till(options, "idle-alone"));
    const Watch start;
    MUDI_CHECK(alone.start_till(0));
    sheet.add({.group = "idle",
               .what = "agent ready after",
               .value = start.us() / 1000,
               .unit = "ms",
               .anchor = bare.start_ms,
               .anchor_what = "/bin/echo"});
    MUDI_TRY(const Idle by_itself, watch(alone.till_pid(0)));
    alone.stop();
    report(sheet, "no server set", by_itself, bare.idle);

    cli::Fleet linked(one_till(options, "idle-linked"));
    MUDI_CHECK(linked.start_server());
    MUDI_CHECK(linked.enrol(0, false));
    MUDI_CHECK(linked.start_till(0));
    MUDI_TRY(const Idle in_touch, watch(linked.till_pid(0)));
    report(sheet, "server there", in_touch, bare.idle);

    // From now on it dials in vain.
    linked.kill_server();
    MUDI_TRY(const Idle in_vain, watch(linked.till_pid(0)));
    report(sheet, "server gone", in_vain, bare.idle);
    linked.stop();
    return {};
}

} // namespace mudi::bench
