#include "swarm.hpp"

#include <algorithm>

namespace mudi::sim {
namespace {

/// Draws for one seed; a world shorter than an hour sees as much as one of an hour.
class Draw {
public:
    Draw(Random& random, double hours)
        : random_(random), speed_(std::clamp(1.0 / std::max(hours, 0.05), 1.0, 6.0)) {}

    bool chance(unsigned percent) { return random_.below(100) < percent; }
    std::int64_t between(std::int64_t least, std::int64_t most) {
        return least + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(most - least + 1)));
    }
    /// In so many of the worlds, so often.
    PerHour often(unsigned percent, std::int64_t least, std::int64_t most) {
        if (!chance(percent)) return 0;
        return static_cast<PerHour>(static_cast<double>(between(least, most)) * speed_);
    }
    Percent some(unsigned percent, std::int64_t least, std::int64_t most) {
        return chance(percent) ? static_cast<Percent>(between(least, most)) : 0;
    }

private:
    Random& random_;
    double speed_;
};

NetFaults draw_net(Draw& draw, int tills) {
    NetFaults net;
    net.loss = draw.some(50, 1, 30);
    net.replay = draw.some(50, 1, 50);
    net.delay_ms_max = draw.chance(70) ? draw.between(1, 20) : draw.between(100, 2'000);
    net.bounces = draw.often(60, 2, 10 + 3 * tills);
    net.partitions = draw.often(50, 1, 12);
    net.outages = draw.often(25, 1, 2);
    net.clogs = draw.often(40, 1, 12);
    net.half_open = draw.some(50, 5, 50);
    net.impostors = draw.some(20, 1, 10);
    net.held = draw.some(50, 20, 100);
    return net;
}

ProcessFaults draw_process(Draw& draw, int tills) {
    ProcessFaults process;
    process.till_kills = draw.often(75, 4, 8 + 3 * tills);
    process.server_kills = draw.often(70, 2, 12);
    process.at_call = draw.some(70, 20, 90);
    process.at_message = draw.some(60, 20, 90);
    process.power = draw.some(75, 20, 100);
    process.pauses = draw.often(25, 1, 6);
    process.full_disks = draw.often(35, 1, 5);
    process.io_errors = draw.often(35, 1, 8);
    process.slow_syncs = draw.often(20, 1, 4);
    process.lying_syncs = draw.chance(8);
    return process;
}

OperatorActs draw_acts(Draw& draw) {
    OperatorActs acts;
    acts.server_snapshots = draw.often(50, 2, 10);
    acts.server_restores = draw.often(45, 1, 4);
    acts.backups = draw.often(60, 2, 12);
    acts.till_images = draw.often(60, 4, 16);
    acts.till_restores = draw.often(45, 1, 6);
    acts.clones = draw.often(35, 1, 3);
    acts.swaps = draw.often(20, 1, 3);
    acts.new_disks = draw.often(25, 1, 3);
    acts.revocations = draw.often(20, 1, 3);
    acts.upgrades = draw.often(35, 2, 10);
    acts.prunes = draw.often(50, 6, 40);
    acts.kept_minutes = draw.between(2, 15);
    acts.tombstone_sweeps = draw.often(40, 4, 20);
    acts.catalogue_changes = draw.often(70, 2, 12);
    acts.customer_imports = draw.often(50, 2, 10);
    acts.future_rows = draw.often(25, 1, 6);
    acts.moves = draw.often(60, 2, 12);
    return acts;
}

PointsPlan draw_points(Draw& draw, ShopPlan& shop) {
    PointsPlan points;
    if (draw.chance(35)) return points;
    points.pays = draw.some(100, 20, 90);
    points.floor = draw.chance(15);
    points.leads = draw.chance(75);
    constexpr std::int64_t maxima[] = {0, 60, 200, 200, 1'000};
    points.store_max = maxima[draw.between(0, 4)];
    points.till_max = draw.chance(35) ? draw.between(20, 150) : 0;
    points.per_point_minor = draw.between(200, 2'000);
    points.dawdles = draw.some(70, 5, 60);
    points.walks_away = draw.some(50, 2, 25);
    points.lan_loss = draw.some(40, 1, 30);
    points.lan_replay = draw.some(40, 1, 40);
    points.lan_cuts = draw.often(40, 2, 12);
    points.leaps = draw.often(50, 1, 4);
    // The same few come again and again, to one till and to another.
    shop.customers = static_cast<int>(draw.chance(60) ? draw.between(3, 12) : shop.customers);
    shop.member_sales = static_cast<Percent>(draw.between(25, 80));
    return points;
}

void name(std::string& text, const char* what, std::uint64_t rate) {
    if (rate != 0) text += std::string(text.empty() ? "" : " ") + what + "=" + std::to_string(rate);
}

} // namespace

Swarm draw_swarm(Random& random, int tills, double hours) {
    Draw draw(random, hours);
    Swarm swarm;
    swarm.net = draw_net(draw, tills);
    swarm.process = draw_process(draw, tills);
    swarm.people = draw_acts(draw);
    swarm.clocks.lying_tills = draw.some(50, 10, 80);
    swarm.clocks.lying_server = draw.some(30, 100, 100);
    swarm.clocks.steps = draw.often(35, 1, 6);
    swarm.shop.stores = draw.chance(60) ? 1 : static_cast<int>(draw.between(1, std::clamp(tills / 2, 1, 3)));
    swarm.shop.offers_every_ms = draw.chance(30) ? draw.between(200, 5'000) : draw.between(5'000, 60'000);
    swarm.shop.poison = draw.some(25, 1, 4);
    swarm.points = draw_points(draw, swarm.shop);
    swarm.shop.future_kinds = swarm.people.upgrades > 0 ? draw.some(80, 5, 50) : 0;
    return swarm;
}

Swarm calm(const Swarm& swarm) {
    Swarm out;
    out.shop = swarm.shop;
    out.points = swarm.points;
    out.points.lan_loss = out.points.lan_replay = 0;
    out.points.lan_cuts = out.points.leaps = 0;
    out.shop.offers_every_ms = 2'000;
    out.shop.poison = 0;
    out.shop.future_kinds = 0;
    out.process.lying_syncs = swarm.process.lying_syncs;
    return out;
}

std::string Swarm::text() const {
    std::string text;
    name(text, "loss", net.loss);
    name(text, "replay", net.replay);
    name(text, "delay", static_cast<std::uint64_t>(net.delay_ms_max));
    name(text, "bounces", net.bounces);
    name(text, "partitions", net.partitions);
    name(text, "outages", net.outages);
    name(text, "clogs", net.clogs);
    name(text, "half_open", net.half_open);
    name(text, "impostors", net.impostors);
    name(text, "till_kills", process.till_kills);
    name(text, "server_kills", process.server_kills);
    name(text, "at_call", process.at_call);
    name(text, "at_message", process.at_message);
    name(text, "power", process.power);
    name(text, "pauses", process.pauses);
    name(text, "full_disks", process.full_disks);
    name(text, "io_errors", process.io_errors);
    name(text, "slow_syncs", process.slow_syncs);
    name(text, "lying_syncs", process.lying_syncs ? 1 : 0);
    name(text, "server_snapshots", people.server_snapshots);
    name(text, "server_restores", people.server_restores);
    name(text, "backups", people.backups);
    name(text, "till_images", people.till_images);
    name(text, "till_restores", people.till_restores);
    name(text, "clones", people.clones);
    name(text, "swaps", people.swaps);
    name(text, "new_disks", people.new_disks);
    name(text, "revocations", people.revocations);
    name(text, "upgrades", people.upgrades);
    name(text, "prunes", people.prunes);
    name(text, "tombstone_sweeps", people.tombstone_sweeps);
    name(text, "future_rows", people.future_rows);
    name(text, "moves", people.moves);
    name(text, "lying_clocks", clocks.lying_tills);
    name(text, "clock_steps", clocks.steps);
    name(text, "stores", static_cast<std::uint64_t>(shop.stores));
    name(text, "poison", shop.poison);
    name(text, "future", shop.future_kinds);
    name(text, "pays", points.pays);
    name(text, "floor", points.floor ? 1 : 0);
    name(text, "leads", points.leads ? 1 : 0);
    name(text, "store_max", static_cast<std::uint64_t>(points.store_max));
    name(text, "till_max", static_cast<std::uint64_t>(points.till_max));
    name(text, "per_point", static_cast<std::uint64_t>(points.per_point_minor));
    name(text, "dawdles", points.dawdles);
    name(text, "walks_away", points.walks_away);
    name(text, "lan_loss", points.lan_loss);
    name(text, "lan_replay", points.lan_replay);
    name(text, "lan_cuts", points.lan_cuts);
    name(text, "leaps", points.leaps);
    return text;
}

} // namespace mudi::sim
