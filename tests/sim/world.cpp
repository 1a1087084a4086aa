#include "world.hpp"

#include <utility>

#include "node_clock.hpp"
#include "operator.hpp"
#include "server_machine.hpp"
#include "till_machine.hpp"

namespace mudi::sim {
namespace {

constexpr std::int64_t minute_ms = 60'000;
constexpr std::int64_t look_every_ms = 1'000;

} // namespace

std::int64_t World::world_begins_ms() { return sim::world_begins_ms; }

World::World(const WorldOptions& given)
    : options(given), dice(given.seed),
      swarm(given.swarm ? *given.swarm : draw_swarm(dice, given.tills, given.hours)), trace(given.trace),
      network(*this), shop_network(*this) {
    reset_world(given.seed, [this] { return true_time(); });
    if (trace.prints()) trace.note(0, "swarm", {}, swarm.text());
    server = std::make_unique<ServerMachine>(*this);
    for (int i = 0; i < options.tills; ++i) {
        TillIdentity identity;
        identity.till = TillId{i + 1};
        identity.store = StoreId{"S" + std::to_string(i % swarm.shop.stores + 1)};
        identity.workstation = WorkstationId{"W" + std::to_string(i + 1)};
        identity.lead = swarm.points.leads && i < swarm.shop.stores;
        identity.signing_key = dice.key256();
        identity.data_key = dice.key256();
        add_till(std::make_unique<TillMachine>(*this, i, identity));
    }
    people = std::make_unique<Operator>(*this);
    checkers = make_checkers(*this);
}

World::~World() {
    // Programs let go of their files before their disks go.
    for (const auto& till : tills) till->stop();
    server->stop();
}

void World::fail(std::string_view checker, const std::string& what) {
    if (over_) return;
    over_ = true;
    outcome.checker = std::string(checker);
    outcome.broken = what;
    note("broken", {}, outcome.checker + ": " + what);
}

TillMachine& World::add_till(std::unique_ptr<TillMachine> machine) {
    tills.push_back(std::move(machine));
    ends.push_back(tills.back().get());
    return *tills.back();
}

void World::each_minute() {
    check([](Checker& checker) { checker.every_minute(); });
    timeline.after(minute_ms, [this] { each_minute(); });
}

std::string World::unrest() const {
    if (auto why = server->unrest(); !why.empty()) return why;
    for (const auto& till : tills) {
        if (people->scrapped(*till)) continue;
        if (auto why = till->unrest(); !why.empty()) return why;
        const auto newest = server->feed().newest(till->identity().store);
        if (newest && till->core().state().cursor.version < *newest) return till->name() + " lacks news";
    }
    return {};
}

void World::stop_faults() {
    calm_ = true;
    swarm = calm(swarm);
    people->mend_all();
    note("calm", {});
}

Outcome World::run() {
    people->begin();
    timeline.after(minute_ms, [this] { each_minute(); });
    timeline.run(static_cast<std::int64_t>(options.hours * 60) * minute_ms, over_);
    if (!over_) stop_faults();
    const std::int64_t deadline = timeline.now_ms() + rest_within.count();
    std::string why = "the world has not begun to rest";
    while (!over_ && !why.empty() && timeline.now_ms() < deadline) {
        timeline.run(timeline.now_ms() + look_every_ms, over_);
        why = unrest();
    }
    if (!over_ && !why.empty()) fail("rest", why);
    check([](Checker& checker) { checker.at_rest(); });
    outcome.trace_hash = trace.hash();
    outcome.simulated_ms = timeline.now_ms();
    return std::move(outcome);
}

} // namespace mudi::sim
