#include <chrono>
#include <csignal>
#include <cstdio>
#include <optional>
#include <random>
#include <thread>

#include <CLI/CLI.hpp>

#include "cli/fleet.hpp"
#include "soak/namespaces.hpp"
#include "soak/shop.hpp"
#include "soak/storm.hpp"

using namespace mudi;
using namespace mudi::soak;

namespace {

constexpr int skipped = 77;
/// A till may have to notice first that its server went without a word, and dial again.
constexpr int level_within_seconds_netns = 90;

struct Wishes {
    StormOptions storm;
    std::size_t tills{4};
    bool netns{false};
    bool keep{false};
};

cli::FleetOptions fleet_options(const Wishes& wishes, const std::filesystem::path& folder) {
    cli::FleetOptions options;
    options.programs = cli::own_folder();
    options.folder = folder;
    for (std::size_t till = 1; till <= wishes.tills; ++till)
        options.tills.push_back(
            {static_cast<std::int64_t>(till), till % 2 == 1 ? "KOL01" : "PUN02", "W" + std::to_string(till)});
    return options;
}

int say(const Error& error, const std::filesystem::path& folder) {
    std::printf("FAILED: %s: %s\nlogs stay in %s\n", error.name.c_str(), error.what.c_str(), folder.c_str());
    return 1;
}

void print(const char* what, const std::vector<std::string>& numbers) {
    if (numbers.empty()) return;
    std::printf("%zu %s:", numbers.size(), what);
    for (std::size_t i = 0; i < numbers.size() && i < 10; ++i) std::printf(" %s", numbers[i].c_str());
    std::puts(numbers.size() > 10 ? " ..." : "");
}

/// True when the run is good.
bool judge(const Outcome& outcome, const Deeds& deeds, int kills_at_start) {
    const Oracle::Verdict& verdict = outcome.verdict;
    std::printf(
        "%zu sales saved at the tills, %zu at the server, level %.1f s after the last fault (%d allowed)\n",
        outcome.sold, outcome.stored, outcome.level_seconds, outcome.level_within_seconds);
    std::printf("kills %d (tills %d, server %d; %d while starting); link faults %d; new lives %d\n",
                deeds.till_kills + deeds.server_kills, deeds.till_kills, deeds.server_kills, kills_at_start,
                deeds.link_faults, outcome.forks);
    std::printf("images taken %d, put back %d; backups %d (%d cut short), restores %d\n", deeds.images,
                deeds.till_restores, deeds.backups, deeds.backups_cut_short, deeds.server_restores);
    std::printf(
        "excused %zu: %zu not sent yet when an image took the place of their till's disk, %zu sent, and gone "
        "with a server restored from before\n",
        verdict.excused(), verdict.excused_unsent, verdict.excused_restored);
    std::printf("lost %zu, doubled %zu, unknown %zu\n", verdict.missing.size(), verdict.doubled.size(),
                verdict.unknown.size());
    print("LOST", outcome.verdict.missing);
    print("DOUBLED", outcome.verdict.doubled);
    print("UNKNOWN", outcome.verdict.unknown);
    for (const std::string& fault : outcome.faults) std::printf("FAULT %s\n", fault.c_str());
    return outcome.verdict.good() && outcome.faults.empty();
}

int run(Wishes wishes, const std::filesystem::path& folder) {
    cli::FleetOptions options = fleet_options(wishes, folder);
    std::unique_ptr<Namespaces> spaces;
    if (wishes.netns) {
        auto made = Namespaces::make(wishes.tills, folder);
        if (!made) return std::printf("skipped: %s\n", made.error().what.c_str()), skipped;
        spaces = *std::move(made);
        options.host = spaces->server_host();
        auto programs = spaces->programs(options.programs);
        if (!programs) return say(programs.error(), folder);
        options.programs = *programs;
        wishes.storm.level_within_seconds = level_within_seconds_netns;
    }
    Oracle oracle{wishes.tills};
    Shop shop{options, oracle};
    if (const auto started = shop.start(); !started) return say(started.error(), folder);
    const auto outcome = storm(shop, oracle, spaces.get(), wishes.storm);
    if (!outcome) return say(outcome.error(), folder);
    const bool good = judge(*outcome, shop.deeds(), shop.supervisor().kills_at_start());
    shop.fleet().stop();
    if (!good)
        std::printf("FAILED; again: mudi-soak --seed %llu; logs stay in %s\n",
                    static_cast<unsigned long long>(wishes.storm.seed), folder.c_str());
    return good ? 0 : 1;
}

} // namespace

/// Real tills and a real server, killed, copied and put back while they sell.
int main(int argc, char** argv) {
    CLI::App app{"Real tills and a real server, killed, copied and put back while they sell; every sale is "
                 "accounted for",
                 "mudi-soak"};
    Wishes wishes;
    wishes.storm.seed = std::random_device{}();
    app.add_option("--seconds", wishes.storm.seconds, "how long")
        ->check(CLI::Range(20, 86'400))
        ->capture_default_str();
    app.add_option("--tills", wishes.tills, "how many")->check(CLI::Range(1, 50))->capture_default_str();
    app.add_option("--seed", wishes.storm.seed, "of what is done when; the processes have their own time");
    app.add_flag("--netns", wishes.netns,
                 "each in a network namespace of its own, with faults of the links (root)");
    app.add_flag("--keep", wishes.keep, "leave data and logs behind");
    CLI11_PARSE(app, argc, argv);
    const auto folder = cli::make_temporary_folder();
    if (!folder) return std::printf("%s\n", folder.error().what.c_str()), 1;
    std::printf("seed %llu, %d s, %zu tills, %s\n", static_cast<unsigned long long>(wishes.storm.seed),
                wishes.storm.seconds, wishes.tills, folder->c_str());
    std::fflush(stdout);
    const int code = run(wishes, *folder);
    std::error_code error;
    if (code != 1 && !wishes.keep) std::filesystem::remove_all(*folder, error);
    return code;
}
