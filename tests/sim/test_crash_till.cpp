#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <catch2/catch.hpp>

#include "scripted_till.hpp"

using namespace mudi;
using namespace mudi::sim;

namespace {

constexpr int sales_in_script = 20;

/// The disk as it was when some call was about to happen, and how many sales the POS had its OK for.
struct Moment {
    DiskImage image;
    int acknowledged{};
};

/// Sells `first`..`last` until something fails; gives the number of the last sale that was acknowledged.
int sell_until_failure(ScriptedTill& machine, int first, int last) {
    for (int number = first; number <= last; ++number)
        if (!machine.sell(number)) return number - 1;
    return last;
}

/// The script: a new till sells ten, is restarted (which empties its log into the database), sells ten more
/// and is closed. `acknowledged` follows along.
void run_script(ScriptedTill& machine, int& acknowledged) {
    for (const int last : {sales_in_script / 2, sales_in_script}) {
        if (!machine.start()) return;
        while (acknowledged < last) {
            if (!machine.sell(acknowledged + 1)) return;
            ++acknowledged;
        }
        machine.store.reset();
    }
}

std::vector<Moment> every_moment_of_the_script() {
    reset_world(1);
    std::vector<Moment> moments;
    Disk disk;
    int acknowledged = 0;
    disk.on_call = [&](const DiskCall&) { moments.push_back({disk.snapshot(), acknowledged}); };
    ScriptedTill machine(disk);
    run_script(machine, acknowledged);
    REQUIRE(acknowledged == sales_in_script);
    moments.push_back({disk.snapshot(), acknowledged});
    return moments;
}

std::string describe(const TillFound& found) {
    return std::to_string(found.sales) + " sales, refused: '" + found.refused + "', damage: '" +
           found.damage + "'";
}

/// Empty when the machine has all that was acknowledged, at most one more, and nothing is damaged.
std::string wrong_with(const TillFound& found, int acknowledged, int in_flight = 1) {
    const bool good = found.refused.empty() && found.damage.empty() && found.sales >= acknowledged &&
                      found.sales <= acknowledged + in_flight;
    return good ? std::string{}
                : "acknowledged " + std::to_string(acknowledged) + ", found " + describe(found);
}

/// A base to start faults from: a till that has been made, and closed.
DiskImage made_till() {
    reset_world(2);
    Disk disk;
    {
        ScriptedTill machine(disk);
        REQUIRE(machine.start());
    }
    return disk.snapshot();
}

/// Sells the rest of the script, starting the program anew when it cannot go on by itself, as its supervisor
/// does. Gives how many restarts that took.
int finish_without_operator(ScriptedTill& machine, int& acknowledged) {
    int restarts = 0;
    while (acknowledged < sales_in_script) {
        if (machine.store && machine.sell(acknowledged + 1)) {
            ++acknowledged;
            continue;
        }
        // A retry by the POS comes first: a sale that was refused can be given again.
        if (machine.store && machine.sell(acknowledged + 1)) {
            ++acknowledged;
            continue;
        }
        if (++restarts > 2) return restarts;
        machine.store.reset();
        static_cast<void>(machine.start().has_value());
    }
    return restarts;
}

} // namespace

TEST_CASE("a till that loses power at any call to its disk has every sale it acknowledged") {
    const auto moments = every_moment_of_the_script();
    SeededRandom dice(3);
    std::set<std::tuple<Bits128, int>> looked_at;
    int cuts = 0, in_flight = 0;
    const auto cut = [&](const Moment& moment, Cut how, std::size_t call) {
        ++cuts;
        Disk disk;
        disk.restore(moment.image);
        disk.power_cut(dice, how);
        // Many cuts leave the same bytes; what the till makes of them is looked at once.
        if (!looked_at.emplace(disk.snapshot().digest(), moment.acknowledged).second) return;
        ScriptedTill machine(disk);
        const TillFound found = machine.look();
        INFO("call " << call << ", cut " << static_cast<int>(how));
        REQUIRE(wrong_with(found, moment.acknowledged) == "");
        in_flight += found.sales > moment.acknowledged ? 1 : 0;
        // And it goes on selling.
        REQUIRE(machine.sell(static_cast<int>(found.sales) + 1));
    };
    for (std::size_t call = 0; call < moments.size(); ++call) {
        cut(moments[call], Cut::drop_all, call);
        cut(moments[call], Cut::keep_all, call);
        for (int sample = 0; sample < 2; ++sample) cut(moments[call], Cut::random, call);
    }
    std::printf(
        "till: %zu calls in the script, %d power cuts, %zu different disks, %d with the sale in flight\n",
        moments.size(), cuts, looked_at.size(), in_flight);
    CHECK(cuts > 1200);
    CHECK(looked_at.size() > 300);
    CHECK(in_flight > 0);
}

TEST_CASE(
    "a till killed in the middle of a call says nothing more and starts again with what it acknowledged") {
    reset_world(4);
    SeededRandom dice(5);
    int deaths = 0;
    for (std::uint64_t call = 1;; call += 7) {
        Disk disk;
        ScriptedTill machine(disk);
        int acknowledged = 0;
        disk.die_at_call(call);
        run_script(machine, acknowledged);
        if (!disk.dead()) break;
        ++deaths;
        machine.store.reset();
        if (deaths % 2 == 0)
            disk.process_kill();
        else
            disk.power_cut(dice, Cut::random);
        INFO("call " << call);
        REQUIRE(wrong_with(machine.look(), acknowledged) == "");
        REQUIRE(finish_without_operator(machine, acknowledged = static_cast<int>(machine.look().sales)) == 0);
        REQUIRE(wrong_with(machine.look(), sales_in_script, 0) == "");
    }
    std::printf("till: %d kills in the middle of a call\n", deaths);
    CHECK(deaths > 50);
}

TEST_CASE(
    "a till whose disk fills up after any number of bytes loses nothing and goes on when there is space") {
    const DiskImage base = made_till();
    SeededRandom dice(6);
    int refusals = 0, runs = 0, restarts = 0;
    for (std::uint64_t room = 0;; room += 1'201, ++runs) {
        Disk disk;
        disk.restore(base);
        disk.leave_room(room);
        ScriptedTill machine(disk);
        int acknowledged = 0;
        const auto started = machine.start();
        if (!started) CHECK((started.error().name == "db.full" || started.error().name == "db.io"));
        if (started) acknowledged = sell_until_failure(machine, 1, sales_in_script);
        if (acknowledged == sales_in_script) break;
        ++refusals;
        INFO("room for " << room << " bytes, acknowledged " << acknowledged);
        // As long as it is full, the sale is refused and told why, unless the store has found space of its
        // own.
        if (started) {
            if (const auto again = machine.sell(acknowledged + 1); again)
                ++acknowledged;
            else
                CHECK(again.error().name == "db.full");
        }
        const bool power_goes = runs % 2 == 0;
        if (power_goes) {
            machine.store.reset();
            disk.power_cut(dice, Cut::random);
        }
        disk.faults.capacity_bytes = DiskFaults::unlimited;
        const int took = finish_without_operator(machine, acknowledged);
        // Where the store was open and the power stayed, the retry alone is enough.
        CHECK(took <= (started && !power_goes ? 0 : 1));
        restarts += took;
        REQUIRE(acknowledged == sales_in_script);
        machine.store.reset();
        disk.power_cut(dice, Cut::drop_all);
        REQUIRE(wrong_with(machine.look(), sales_in_script, 0) == "");
    }
    std::printf("till: full after k bytes, %d runs, %d full disks, %d restarts\n", runs, refusals, restarts);
    CHECK(refusals > 80);
}

TEST_CASE("a till whose disk fails at any call loses nothing it acknowledged and goes on afterwards") {
    const DiskImage base = made_till();
    SeededRandom dice(7);
    const auto [persistent, forgets] =
        GENERATE(table<bool, bool>({{false, true}, {true, true}, {false, false}}));
    int struck = 0, restarts = 0;
    for (std::uint64_t after = 0;; after += forgets ? 1 : 5) {
        Disk disk;
        disk.restore(base);
        disk.faults.failed_sync_forgets = forgets;
        disk.faults.io = IoFault{.after = after, .persistent = persistent};
        ScriptedTill machine(disk);
        int acknowledged = 0;
        if (machine.start()) acknowledged = sell_until_failure(machine, 1, sales_in_script);
        const bool over = disk.counters().refused == 0;
        disk.faults.io.reset();
        if (over) break;
        ++struck;
        restarts += finish_without_operator(machine, acknowledged);
        INFO("call " << after << (persistent ? ", for good" : ", once") << (forgets ? ", forgets" : ""));
        REQUIRE(acknowledged == sales_in_script);
        // Without closing: what was acknowledged is on the platters, not only in the system's memory.
        disk.die();
        machine.store.reset();
        disk.power_cut(dice, Cut::drop_all);
        REQUIRE(wrong_with(machine.look(), sales_in_script, 0) == "");
    }
    std::printf("till: an error at call n (%s, %s), %d runs, %d restarts\n", persistent ? "for good" : "once",
                forgets ? "a failed sync forgets" : "a failed sync can be repeated", struck, restarts);
    CHECK(struck > (forgets ? 150 : 30));
}

TEST_CASE("a till whose disk fails or is full while it is made starts by itself when that is over") {
    const bool full = GENERATE(false, true);
    SeededRandom dice(9);
    int struck = 0;
    for (std::uint64_t step = 0; step < 110; step += full ? 3 : 1) {
        reset_world(step);
        Disk disk;
        if (full)
            disk.leave_room(step * 1'531);
        else
            disk.faults.io = IoFault{.after = step, .persistent = step % 2 == 0};
        ScriptedTill machine(disk);
        int acknowledged = 0;
        if (machine.start()) acknowledged = sell_until_failure(machine, 1, 2);
        struck += disk.counters().refused > 0 ? 1 : 0;
        disk.die();
        machine.store.reset();
        disk.faults = {};
        if (step % 3 == 0)
            disk.process_kill();
        else
            disk.power_cut(dice, Cut::random);
        INFO("step " << step << ", full " << full);
        REQUIRE(wrong_with(machine.look(), acknowledged) == "");
        acknowledged = static_cast<int>(machine.look().sales);
        REQUIRE(finish_without_operator(machine, acknowledged) == 0);
        REQUIRE(wrong_with(machine.look(), sales_in_script, 0) == "");
    }
    CHECK(struck > 25);
}

TEST_CASE("a till whose disk gives its bytes in small pieces notices nothing") {
    reset_world(10);
    Disk disk;
    disk.faults.io = IoFault{.persistent = true, .short_read = true};
    ScriptedTill machine(disk);
    int acknowledged = 0;
    run_script(machine, acknowledged);
    CHECK(acknowledged == sales_in_script);
    CHECK(wrong_with(machine.look(), sales_in_script, 0) == "");
    CHECK(disk.counters().refused > 100);
}

TEST_CASE("what a lying disk loses never goes unseen") {
    SeededRandom dice(8);
    const DiskImage base = made_till();
    std::map<std::string, int> seen;
    for (int run = 0; run < 200; ++run) {
        Disk disk;
        disk.restore(base);
        ScriptedTill machine(disk);
        REQUIRE(machine.start());
        const int honest = static_cast<int>(dice.below(10));
        int acknowledged = sell_until_failure(machine, 1, honest);
        disk.faults.lying_sync = true;
        const int last = honest + 1 + static_cast<int>(dice.below(9));
        for (; acknowledged < last; ++acknowledged) {
            if (run % 3 == 0 && dice.below(4) == 0)
                REQUIRE(machine.start());            // copies the log into the database
            REQUIRE(machine.sell(acknowledged + 1)); // the disk says all is well
        }
        disk.die();
        machine.store.reset();
        const Cut how = run % 5 == 0 ? Cut::drop_all : run % 20 == 13 ? Cut::keep_all : Cut::random;
        disk.power_cut(dice, how);
        const TillFound found = machine.look();
        // Who can tell: the store itself (refused, damaged), or whoever knows how far it was: the POS by its
        // receipts, the server by its mark, which stands beyond the till's last event or on another chain.
        const std::string verdict = !found.refused.empty()       ? "store refused: " + found.refused
                                    : !found.damage.empty()      ? "outbox damaged: " + found.damage
                                    : found.sales < acknowledged ? "outbox shorter than acknowledged"
                                                                 : "nothing lost";
        ++seen[verdict];
        if (verdict == "nothing lost") CHECK(found.sales == acknowledged);
        if (how == Cut::keep_all) CHECK(verdict == "nothing lost"); // the lie did no harm
        // While nothing is copied out of the log, a lie cannot reach what was synced before it.
        if (run % 3 != 0) CHECK((found.refused.empty() && found.damage.empty() && found.sales >= honest));
        if (run % 5 == 0 && run % 3 != 0) {
            // Nothing at all was written back: the honest part stands, consistent, and only that.
            CHECK(verdict == "outbox shorter than acknowledged");
            CHECK(found.sales == honest);
            CHECK(machine.sell(honest + 1));
        }
    }
    for (const auto& [verdict, times] : seen)
        std::printf("till: lying disk: %3d x %s\n", times, verdict.c_str());
    CHECK(seen["outbox shorter than acknowledged"] > 150);
    CHECK(seen["nothing lost"] >= 10);
}

TEST_CASE("the same seed gives the same calls and the same bytes, another seed other bytes") {
    const auto run = [](std::uint64_t seed) {
        reset_world(seed);
        Disk disk;
        std::uint64_t calls = 0;
        Bits128 digest; // with the log, which SQLite salts
        disk.on_call = [&](const DiskCall& call) {
            if (call.op == DiskOp::sync) digest = disk.snapshot().digest();
            calls = call.number;
        };
        ScriptedTill machine(disk);
        REQUIRE(machine.start());
        REQUIRE(sell_until_failure(machine, 1, 5) == 5);
        return std::tuple{calls, disk.counters().bytes_written, digest};
    };
    const auto first = run(1);
    CHECK(run(1) == first);
    CHECK(std::get<2>(run(2)) != std::get<2>(first));
}
