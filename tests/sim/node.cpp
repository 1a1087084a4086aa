#include "node.hpp"

#include <algorithm>

namespace mudi::sim {
namespace {

constexpr int cache_kib = 256;
/// Between attempts to start a program that cannot.
constexpr std::int64_t restart_ms = 2'000;

} // namespace

Glance::Glance(const DiskImage& image, const std::string& file) : mount_("glance", disk_) {
    disk_.restore(image);
    if (!image.names.contains(file)) return;
    db::Options options;
    options.target = mount_.path(file);
    options.vfs = vfs_name;
    options.cache_kib = cache_kib;
    auto opened = db::Connection::open(options);
    if (opened) connection_ = *std::move(opened);
}

Node::Node(World& world, std::string name, int number)
    : clock(world.timeline), world_(world), mount_(name, disk), name_(std::move(name)), number_(number) {
    disk.on_wait = [this](Duration wait) {
        busy_until_ms_ = std::max(busy_until_ms_, world_.timeline.now_ms()) + wait.count();
    };
}

db::Options Node::database(const std::string& file, bool read_only) const {
    db::Options options;
    options.target = mount_.path(file);
    options.vfs = vfs_name;
    options.cache_kib = cache_kib;
    options.read_only = read_only;
    return options;
}

void Node::boot() {
    if (running_ || held_down_ || world_.failed()) return;
    ++program_;
    ++boot_;
    dying_ = false;
    messages_left_ = 0;
    busy_until_ms_ = std::min(busy_until_ms_, world_.timeline.now_ms());
    clock.restart();
    const auto status = start();
    if (!disk.dead() && status) {
        running_ = true;
        world_.note("start", {number_, version});
        started();
        return;
    }
    const bool dead = disk.dead();
    end();
    world_.note("start failed", {number_, dead ? 1 : 0}, status ? "killed" : status.error().name);
    if (dead) {
        ++world_.outcome.crashes;
        world_.outcome.marks.hit("killed while starting");
        if (world_.chance(world_.swarm.process.power)) {
            disk.power_cut(world_.dice, Cut::random);
            power_lost();
        } else {
            disk.process_kill();
        }
    } else if (!status && status.error().code != Code::io && status.error().code != Code::busy) {
        damaged(status.error());
    } else if (!status && status.error().name == "db.full") {
        world_.outcome.marks.hit("disk full at start");
    }
    boot_after(restart_ms);
}

void Node::boot_after(std::int64_t ms) {
    const std::uint64_t boot = ++boot_;
    world_.timeline.after(ms, [this, boot] {
        if (boot == boot_) this->boot();
    });
}

void Node::leave() {
    const bool ran = running_;
    running_ = false;
    ++program_;
    end();
    if (ran) stopped();
}

void Node::stop() {
    ++boot_;
    if (!running_) return;
    world_.note("stop", {number_});
    leave();
    // Whatever it left behind on the disk is there for the next one.
    disk.process_kill();
}

void Node::crash(bool power, std::int64_t down_ms) {
    world_.note("crash", {number_, power ? 1 : 0, down_ms, disk.dead() ? 1 : 0});
    ++world_.outcome.crashes;
    // From here on nothing reaches the disk any more, whatever the program does on its way out.
    disk.die();
    leave();
    if (power) {
        const auto unsynced = disk.unsynced_bytes();
        disk.power_cut(world_.dice, Cut::random);
        power_lost();
        if (unsynced > 0) world_.outcome.marks.hit("torn write recovered");
    } else {
        disk.process_kill();
    }
    dying_ = false;
    boot_after(down_ms);
}

void Node::message() {
    if (messages_left_ == 0 || --messages_left_ > 0) return;
    dying_ = true;
    world_.outcome.marks.hit("killed at a message");
}

void Node::look_after() {
    if (!running_ || !dying()) return;
    if (disk.dead()) world_.outcome.marks.hit("killed at a call to the disk");
    const bool power = world_.chance(world_.swarm.process.power);
    crash(power, world_.chance(80) ? world_.between(200, 20'000) : world_.between(20'000, 600'000));
}

void Node::sleep(std::int64_t ms) {
    busy_until_ms_ = std::max(busy_until_ms_, world_.timeline.now_ms()) + ms;
    clock.slept(ms);
    world_.note("sleep", {number_, ms});
    world_.outcome.marks.hit("machine slept");
}

void Node::become_calm() {
    disk.faults = DiskFaults{};
    disk.die_at_call(0);
    messages_left_ = 0;
    // Who sleeps just now wakes up as it was going to: what waits for it must keep its order.
    if (!running_ && !held_down_) boot_after(0);
}

} // namespace mudi::sim
