#include <utility>

#include "operator.hpp"
#include "server_machine.hpp"

namespace mudi::sim {
namespace {

constexpr std::int64_t minute_ms = 60'000;
constexpr std::int64_t year_ms = 365LL * 24 * 60 * minute_ms;

} // namespace

void Operator::begin_fate() {
    const NetFaults& net = world_.swarm.net;
    const ProcessFaults& process = world_.swarm.process;
    const auto till = [this]() -> TillMachine& { return any_till(); };
    each(net.bounces, [this, till] { world_.network.bounce(till().number()); });
    each(net.partitions, [this] { part(); });
    each(net.outages, [this] { outage(); });
    each(net.clogs, [this] { clog(); });
    each(process.till_kills, [this, till] { kill(till()); });
    each(process.server_kills, [this] { kill(*world_.server); });
    each(process.pauses, [this] { any_node().sleep(world_.between(100, 3 * minute_ms)); });
    each(process.full_disks, [this] { fill_disk(any_node()); });
    each(process.io_errors, [this] { break_disk(any_node()); });
    each(process.slow_syncs, [this] { slow_disk(any_node()); });
    each(world_.swarm.points.lan_cuts, [this, till] {
        world_.shop_network.cut_off(till().number(), world_.between(1'000, 10 * minute_ms));
    });
    each(world_.swarm.points.leaps, [this] { leap(); });
    each(world_.swarm.clocks.steps, [this] { step_clock(); });
    for (const auto& machine : world_.tills) {
        if (world_.chance(world_.swarm.clocks.lying_tills))
            machine->clock.set(draw_clock_faults(world_.dice));
        if (process.lying_syncs && world_.chance(40)) {
            machine->disk.faults.lying_sync = true;
            machine->facts().lied = true;
        }
    }
    if (world_.chance(world_.swarm.clocks.lying_server)) {
        ClockFaults faults;
        faults.drift_ppm = world_.between(-100, 100);
        faults.offset_ms = world_.between(-2'000, 2'000);
        world_.server->clock.set(faults);
    }
}

void Operator::kill(Node& node) {
    if (!node.running()) return;
    if (world_.chance(world_.swarm.process.at_call))
        return node.die_at_call(static_cast<std::uint64_t>(world_.between(1, 60)));
    if (world_.chance(world_.swarm.process.at_message))
        return node.die_at_message(static_cast<std::uint64_t>(world_.between(1, 6)));
    const bool power = world_.chance(world_.swarm.process.power);
    node.crash(power,
               world_.chance(80) ? world_.between(200, 20'000) : world_.between(20'000, 10 * minute_ms));
}

void Operator::fill_disk(Node& node) {
    node.disk.leave_room(static_cast<std::uint64_t>(world_.between(0, 100'000)));
    world_.note("disk fills", {node.number()});
    world_.timeline.after(world_.between(1'000, 15 * minute_ms),
                          [&node] { node.disk.faults.capacity_bytes = DiskFaults::unlimited; });
}

void Operator::break_disk(Node& node) {
    IoFault fault;
    fault.after = static_cast<std::uint64_t>(world_.between(0, 200));
    fault.persistent = world_.chance(30);
    fault.short_read = world_.chance(10);
    constexpr DiskOps choices[] = {every_op, write_ops, sync_ops, only(DiskOp::read)};
    fault.ops = choices[world_.dice.below(4)];
    node.disk.faults.io = fault;
    world_.note("disk breaks", {node.number(), fault.persistent ? 1 : 0});
    world_.outcome.marks.hit("disk error");
    world_.timeline.after(world_.between(500, 2 * minute_ms), [&node] { node.disk.faults.io.reset(); });
}

void Operator::slow_disk(Node& node) {
    node.disk.faults.sync_takes = Duration{world_.between(20, 2'000)};
    world_.timeline.after(world_.between(1'000, 5 * minute_ms),
                          [&node] { node.disk.faults.sync_takes = Duration{0}; });
}

void Operator::step_clock() {
    Node& node = any_node();
    if (&node == world_.server.get()) return node.clock.step(Duration{world_.between(-1'000, 1'000)});
    const std::int64_t steps[] = {-60 * minute_ms, 10 * year_ms, -10 * year_ms,
                                  world_.between(-600'000, 600'000)};
    node.clock.step(Duration{steps[world_.dice.below(4)]});
    world_.note("clock stepped", {node.number()});
    world_.outcome.marks.hit("clock stepped");
}

/// A night, some days: everything stands still, and the clocks go on.
void Operator::leap() {
    constexpr std::int64_t hour_ms = 60 * minute_ms;
    const std::uint64_t how_long = world_.dice.below(10);
    const std::int64_t ms = how_long < 5   ? world_.between(20 * minute_ms, 3 * hour_ms)
                            : how_long < 9 ? world_.between(3 * hour_ms, 60 * hour_ms)
                                           : world_.between(60 * hour_ms, 170 * hour_ms);
    world_.timeline.leap(ms);
    world_.note("leap", {ms});
    world_.outcome.marks.hit("night");
}

void Operator::part() {
    const std::uint64_t which = world_.dice.below(3);
    world_.network.part(any_till().number(), which != 1, which != 2, world_.between(1'000, 10 * minute_ms));
}

void Operator::outage() {
    const std::int64_t ms = world_.between(5'000, 20 * minute_ms);
    for (const auto& till : world_.tills) world_.network.part(till->number(), true, true, ms);
    world_.outcome.marks.hit("outage");
}

void Operator::clog() {
    world_.network.clog(any_till().number(), world_.chance(50), world_.between(1'000, 2 * minute_ms));
}

} // namespace mudi::sim
