#include <cstdio>
#include <numeric>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "scripted_server.hpp"

using namespace mudi;
using namespace mudi::sim;

namespace {

struct Moment {
    DiskImage image;
    int rounds_acknowledged{};
};

std::int64_t sum(const Marks& marks) { return std::accumulate(marks.begin(), marks.end(), std::int64_t{0}); }

/// A new server takes half of the rounds, is restarted, takes the rest and is closed.
void run_script(ScriptedServer& machine, int& rounds) {
    for (const int last : {rounds_in_script / 2, rounds_in_script}) {
        if (!machine.start()) return;
        while (rounds < last) {
            if (!machine.append(marks_after(rounds), marks_after(rounds + 1))) return;
            ++rounds;
        }
        machine.stop();
    }
}

DiskImage made_server() {
    reset_world(12);
    Disk disk;
    {
        ScriptedServer machine(disk);
        REQUIRE(machine.start());
    }
    return disk.snapshot();
}

/// Acknowledged rounds are there, at most the one in flight is there as well, as a whole, and nothing else.
bool holds(const ServerFound& found, int rounds) {
    return found.damage.empty() &&
           (found.stored == marks_after(rounds) || found.stored == marks_after(rounds + 1));
}

/// Resends as the tills do, restarts as the supervisor does.
int finish_without_operator(ScriptedServer& machine, int& rounds) {
    int restarts = 0;
    while (rounds < rounds_in_script) {
        // Twice: after an answer that says no, the tills send again.
        const auto push = [&] { return machine.append(marks_after(rounds), marks_after(rounds + 1)); };
        if (machine.running() && (push() || push())) {
            ++rounds;
            continue;
        }
        if (++restarts > 2) break;
        if (!machine.start()) machine.stop();
    }
    return restarts;
}

} // namespace

TEST_CASE("a server that loses power at any call to its disk has every batch it acknowledged and no gap") {
    reset_world(11);
    std::vector<Moment> moments;
    {
        Disk disk;
        int rounds = 0;
        disk.on_call = [&](const DiskCall&) { moments.push_back({disk.snapshot(), rounds}); };
        ScriptedServer machine(disk);
        run_script(machine, rounds);
        REQUIRE(rounds == rounds_in_script);
        moments.push_back({disk.snapshot(), rounds});
    }
    SeededRandom dice(13);
    std::set<std::pair<Bits128, int>> looked_at;
    int cuts = 0, in_flight = 0;
    for (std::size_t call = 0; call < moments.size(); ++call) {
        const Moment& moment = moments[call];
        for (const Cut how : {Cut::drop_all, Cut::keep_all, Cut::random}) {
            if (how == Cut::random && call % 2 != 0) continue;
            ++cuts;
            Disk disk;
            disk.restore(moment.image);
            disk.power_cut(dice, how);
            if (!looked_at.emplace(disk.snapshot().digest(), moment.rounds_acknowledged).second) continue;
            ScriptedServer machine(disk);
            const ServerFound found = machine.look();
            INFO("call " << call << ", cut " << static_cast<int>(how) << ", acknowledged "
                         << moment.rounds_acknowledged << " rounds, damage '" << found.damage << "'");
            REQUIRE(holds(found, moment.rounds_acknowledged));
            in_flight += found.stored != marks_after(moment.rounds_acknowledged) ? 1 : 0;
        }
    }
    std::printf("server: %zu calls in the script, %d power cuts, %zu different disks, %d with the round in "
                "flight\n",
                moments.size(), cuts, looked_at.size(), in_flight);
    CHECK(cuts > 1000);
    CHECK(looked_at.size() > 300);
    CHECK(in_flight > 0);
}

TEST_CASE("a server killed in the middle of a call starts again with what it acknowledged") {
    const DiskImage base = made_server();
    SeededRandom dice(14);
    int deaths = 0;
    for (std::uint64_t call = 1;; call += 17) {
        Disk disk;
        disk.restore(base);
        ScriptedServer machine(disk);
        int rounds = 0;
        disk.die_at_call(call);
        run_script(machine, rounds);
        if (!disk.dead()) break;
        ++deaths;
        machine.stop();
        if (deaths % 2 == 0)
            disk.process_kill();
        else
            disk.power_cut(dice, Cut::random);
        const ServerFound found = machine.look();
        INFO("call " << call << ", acknowledged " << rounds << " rounds, damage '" << found.damage << "'");
        REQUIRE(holds(found, rounds));
        // The tills repeat what was in flight.
        REQUIRE(finish_without_operator(machine, rounds) == 0);
        REQUIRE(holds(machine.look(), rounds_in_script));
    }
    std::printf("server: %d kills in the middle of a call\n", deaths);
    CHECK(deaths > 20);
}

TEST_CASE("a server whose disk fails or fills up loses nothing it acknowledged and goes on afterwards") {
    const DiskImage base = made_server();
    SeededRandom dice(15);
    const bool full = GENERATE(false, true);
    int struck = 0, restarts = 0;
    for (std::uint64_t step = 0;; ++step) {
        Disk disk;
        disk.restore(base);
        if (full)
            disk.leave_room(step * 5'000);
        else
            disk.faults.io = IoFault{.after = step * 5, .persistent = step % 2 == 0};
        ScriptedServer machine(disk);
        int rounds = 0;
        if (machine.start()) {
            while (rounds < rounds_in_script && machine.append(marks_after(rounds), marks_after(rounds + 1)))
                ++rounds;
        } else {
            machine.stop();
        }
        if (disk.counters().refused == 0) break;
        ++struck;
        disk.faults = {};
        restarts += finish_without_operator(machine, rounds);
        INFO("step " << step << (full ? ", full" : ", error"));
        REQUIRE(rounds == rounds_in_script);
        disk.die();
        machine.stop();
        disk.power_cut(dice, Cut::drop_all);
        const ServerFound found = machine.look();
        INFO("damage '" << found.damage << "'");
        REQUIRE(found.damage.empty());
        REQUIRE(found.stored == marks_after(rounds_in_script));
    }
    std::printf("server: %s, %d runs, %d restarts\n", full ? "full after k bytes" : "an error at call n",
                struck, restarts);
    CHECK(struck > 40);
}

TEST_CASE("the readers of a server see each batch once it is stored, beside the writer") {
    reset_world(16);
    Disk disk;
    ScriptedServer machine(disk);
    REQUIRE(machine.start());
    for (int rounds = 0; rounds < rounds_in_script; ++rounds) {
        REQUIRE(machine.append(marks_after(rounds), marks_after(rounds + 1)));
        const auto rows = machine.rows_read();
        REQUIRE(rows);
        CHECK(*rows == sum(marks_after(rounds + 1)));
    }
}
