#include "operator.hpp"

#include <algorithm>
#include <utility>

#include <mudi/base/db/statement.hpp>

#include "server_machine.hpp"
#include "shop.hpp"

namespace mudi::sim {
namespace {

constexpr std::size_t copies_max = 4;
constexpr std::size_t images_max = 6;
constexpr int clones_max = 2;
constexpr std::int64_t mend_every_ms = 120'000;

} // namespace

void Operator::each(PerHour rate, std::function<void()> act) {
    if (rate == 0 || world_.calm_now()) return;
    const std::int64_t mean = 3'600'000 / rate;
    world_.timeline.after(world_.between(0, 2 * mean), [this, rate, act = std::move(act)]() mutable {
        if (world_.calm_now()) return;
        act();
        each(rate, std::move(act));
    });
}

TillMachine& Operator::any_till() { return *world_.tills[world_.dice.below(world_.tills.size())]; }

Node& Operator::any_node() {
    const std::uint64_t at = world_.dice.below(world_.tills.size() + 2);
    if (at >= world_.tills.size()) return *world_.server;
    return *world_.tills[at];
}

void Operator::begin() {
    world_.server->boot();
    for (const auto& till : world_.tills) {
        world_.server->enrol(till->identity());
        till->boot_after(world_.between(0, 3'000));
        till->open_shop();
    }
    import_customers(false);
    world_.server->run([this](ServerMachine::Stores& stores, ServerMachine::Moved& moved) {
        std::vector<crm::Product> products;
        for (int i = 0; i < world_.swarm.shop.products; ++i) products.push_back(product_of(i, 0));
        auto report = stores.import.products(products, world_.server->clock.wall());
        if (report) moved = std::move(report->moved);
    });
    begin_fate();
    begin_acts();
}

void Operator::begin_acts() {
    const OperatorActs& acts = world_.swarm.people;
    acts_upgrade_ = acts.upgrades > 0;
    each(acts.server_snapshots, [this] { copy_server(); });
    each(acts.server_restores, [this] { restore_server(); });
    each(acts.backups, [this] { world_.server->back_up(); });
    each(acts.till_images, [this] { image_till(); });
    each(acts.till_restores, [this] { restore_till(); });
    each(acts.clones, [this] { clone_till(); });
    each(acts.swaps, [this] { swap_disks(); });
    each(acts.new_disks, [this] { new_disk(any_till()); });
    each(acts.revocations, [this] { revoke_till(); });
    each(acts.upgrades, [this] { change_version(); });
    each(acts.prunes, [this] { any_till().prune(); });
    each(acts.tombstone_sweeps, [this] { world_.server->sweep_tombstones(); });
    each(acts.catalogue_changes, [this] { change_catalogue(); });
    each(acts.customer_imports, [this] { import_customers(false); });
    each(acts.future_rows, [this] { world_.server->publish_future_rows(++edition_); });
    each(acts.moves, [this] { import_customers(true); });
    each(static_cast<PerHour>(3'600'000 / mend_every_ms), [this] { mend_enrolments(); });
}

// ---- the server ----

std::unordered_set<Bits128> Operator::events_of(const DiskImage& image) {
    const Glance glance(image, ServerMachine::file);
    std::unordered_set<Bits128> events;
    if (glance.connection() == nullptr) return events;
    db::Query<db::Columns<EventId>, db::Params<>> ids{*glance.connection(), "SELECT event FROM inbox"};
    (void)ids.each([&](EventId id) { events.insert(id.value); }).has_value();
    return events;
}

void Operator::copy_server() {
    // What lies on the platters at this moment.
    Disk disk;
    disk.restore(world_.server->disk.snapshot());
    disk.power_cut(world_.dice, Cut::random);
    if (copies_.size() == copies_max) copies_.erase(copies_.begin() + world_.between(0, copies_max - 1));
    copies_.push_back({disk.snapshot(), world_.timeline.now_ms(), world_.timeline.true_ms(), false, {}});
    world_.note("server copied", {});
}

void Operator::keep_backup(const std::string& name) {
    const DiskImage whole = world_.server->disk.snapshot();
    const auto found = whole.names.find(name);
    if (found == whole.names.end()) return;
    ServerCopy copy;
    copy.disk.files.emplace(1, whole.files.at(found->second));
    copy.disk.names.emplace(ServerMachine::file, 1);
    copy.disk.durable_names = copy.disk.names;
    copy.disk.next = 2;
    copy.at_ms = world_.timeline.now_ms();
    copy.true_ms = world_.timeline.true_ms();
    copy.verified = true;
    copy.events = events_of(copy.disk);
    safe_.insert(copy.events.begin(), copy.events.end());
    if (backups_.size() == copies_max) backups_.erase(backups_.begin());
    backups_.push_back(std::move(copy));
}

int Operator::upsets(TillId till) const {
    const auto found = upsets_.find(till.value);
    const int own = found == upsets_.end() ? 0 : found->second;
    // A server that was put back has a beginning of an honest till's history: no fork, unless the till does
    // not keep all of the rest any more.
    const bool pruned = std::any_of(world_.tills.begin(), world_.tills.end(), [&](const auto& machine) {
        return machine->identity().till == till && !machine->facts().pruned.empty();
    });
    return own + (own > 0 || pruned ? all_upset_ : 0);
}

bool Operator::is_safe(EventId event) const { return safe_.contains(event.value); }

void Operator::restore_server() {
    const std::size_t choices = copies_.size() + backups_.size();
    if (choices == 0) return;
    const std::size_t at = world_.dice.below(choices);
    ServerCopy& copy = at < copies_.size() ? copies_[at] : backups_[at - copies_.size()];
    if (copy.events.empty()) copy.events = events_of(copy.disk);
    const std::int64_t newest_backup = backups_.empty() ? 0 : backups_.back().at_ms;
    const auto kept = on_disks(nullptr);
    for (Serial serial = 1; serial <= static_cast<Serial>(world_.oracle.deeds().size()); ++serial) {
        Deed& deed = world_.oracle.deed(serial);
        const Bits128 id = deed.event.value;
        if (!deed.ok || deed.lost || copy.events.contains(id) || kept.contains(id)) continue;
        // What tills gave up because it was safe must be in the newest backup, and in whatever is newer.
        const bool promised = safe_.contains(id) && copy.at_ms >= newest_backup;
        if (!promised) deed.lost = true;
    }
    world_.note("server restored", {copy.at_ms, copy.verified ? 1 : 0});
    world_.outcome.marks.hit(copy.verified ? "server restored from a backup" : "server restored from a copy");
    ++world_.outcome.restores;
    world_.server->stop();
    world_.server->disk.restore(copy.disk);
    world_.oracle.at_server = copy.events;
    server_is_behind_ = copy.at_ms < newest_backup;
    server_copy_true_ms_ = copy.true_ms;
    server_settles_ = copy.verified;
    if (copy.verified) world_.server->settle_points();
    ++all_upset_;
    server_restored_ = true;
    world_.server->boot_after(world_.between(1'000, 60'000));
}

// ---- tills ----

std::unordered_set<Bits128> Operator::on_disks(const TillMachine* without) const {
    std::unordered_set<Bits128> events;
    for (const auto& till : world_.tills) {
        if (till.get() == without || scrapped(*till)) continue;
        for (const DiskFacts::Kept& kept : till->facts().kept) events.insert(kept.event.value);
    }
    return events;
}

/// The machine's disk goes, and `instead` comes.
void Operator::destroy(TillMachine& machine, const DiskFacts* instead) {
    auto left = on_disks(&machine);
    if (instead != nullptr) {
        for (const DiskFacts::Kept& kept : instead->kept) left.insert(kept.event.value);
    }
    for (const DiskFacts::Kept& kept : machine.facts().kept) {
        if (left.contains(kept.event.value) || world_.oracle.at_server.contains(kept.event.value)) continue;
        world_.oracle.deed(kept.serial).lost = true;
    }
}

void Operator::image_till() {
    TillMachine& machine = any_till();
    if (scrapped(machine)) return;
    TillImage image = machine.image();
    Disk disk;
    disk.restore(image.disk);
    disk.power_cut(world_.dice, Cut::random);
    image.disk = disk.snapshot();
    if (images_.size() == images_max) images_.erase(images_.begin() + world_.between(0, images_max - 1));
    images_.push_back(std::move(image));
    world_.note("till imaged", {machine.number()});
}

void Operator::restore_till() {
    if (images_.empty()) return;
    const TillImage& image = images_[world_.dice.below(images_.size())];
    TillMachine& machine = *world_.tills[static_cast<std::size_t>(image.machine)];
    // Of another key, or another till's disk by now: nobody would put that in.
    if (scrapped(machine) || image.identity.signing_key != machine.identity().signing_key) return;
    machine.stop();
    destroy(machine, &image.facts);
    machine.put_in(image, world_.chance(50));
    if (world_.chance(50)) machine.forget_memory();
    world_.note("till restored", {machine.number()});
    ++upsets_[machine.identity().till.value];
    world_.outcome.marks.hit("till restored");
    ++world_.outcome.restores;
    machine.boot_after(world_.between(1'000, 60'000));
}

void Operator::clone_till() {
    if (clones_ >= clones_max) return;
    TillMachine& original = any_till();
    if (scrapped(original)) return;
    TillImage image = original.image();
    Disk disk;
    disk.restore(image.disk);
    disk.power_cut(world_.dice, Cut::random);
    image.disk = disk.snapshot();
    ++clones_;
    const int number = static_cast<int>(world_.tills.size());
    TillMachine& clone = world_.add_till(std::make_unique<TillMachine>(world_, number, image.identity));
    clone.version = original.version;
    clone.put_in(image, true);
    clone.take_numbers_of(original);
    world_.note("till cloned", {original.number(), number});
    ++upsets_[image.identity.till.value];
    world_.outcome.marks.hit("cloned");
    ++world_.outcome.restores;
    clone.boot_after(world_.between(0, 3'000));
    clone.open_shop();
}

void Operator::swap_disks() {
    if (world_.tills.size() < 2) return;
    TillMachine& a = any_till();
    TillMachine& b = any_till();
    if (&a == &b || scrapped(a) || scrapped(b)) return;
    a.stop();
    b.stop();
    const TillImage was = a.image();
    a.put_in(b.image(), false);
    b.put_in(was, false);
    world_.note("disks swapped", {a.number(), b.number()});
    world_.outcome.marks.hit("disks swapped");
    world_.outcome.restores += 2;
    for (TillMachine* machine : {&a, &b}) machine->boot_after(world_.between(1'000, 20'000));
}

void Operator::scrap(TillMachine& machine) {
    machine.stop();
    machine.hold_down(true);
    destroy(machine, nullptr);
    scrapped_.insert(machine.number());
}

void Operator::new_disk(TillMachine& machine) {
    if (scrapped(machine) || machine.facts().lied) return;
    replace_disk(machine);
}

void Operator::replace_disk(TillMachine& machine) {
    machine.stop();
    destroy(machine, nullptr);
    const Key256 signing_key = world_.dice.key256();
    machine.put_in_new_disk(signing_key, world_.dice.key256());
    machine.disk.faults.lying_sync = false;
    // A new key makes whoever else has this till's old one nobody.
    for (const auto& other : world_.tills) {
        if (other.get() != &machine && other->identity().till == machine.identity().till && !scrapped(*other))
            scrap(*other);
    }
    revoked_.erase(machine.identity().till.value);
    world_.note("new disk", {machine.number()});
    world_.outcome.marks.hit("enrolled again");
    ++world_.outcome.restores;
    world_.server->enrol(machine.identity());
    machine.hold_down(false);
    machine.boot_after(world_.between(1'000, 60'000));
}

void Operator::revoke_till() {
    TillMachine& machine = any_till();
    if (scrapped(machine)) return;
    const TillId till = machine.identity().till;
    revoked_.insert(till.value);
    for (Serial serial = 1; serial <= static_cast<Serial>(world_.oracle.deeds().size()); ++serial) {
        Deed& deed = world_.oracle.deed(serial);
        if (deed.redeemed == 0 || world_.oracle.at_server.contains(deed.event.value)) continue;
        if (world_.tills[static_cast<std::size_t>(deed.till)]->identity().till == till) deed.beyond = true;
    }
    world_.server->revoke(machine.identity().till);
}

/// Whoever the server does not know by its present key is enrolled with it: the database may have been put
/// back behind the enrolment.
void Operator::mend_enrolments() {
    world_.server->run([this](ServerMachine::Stores& stores, ServerMachine::Moved&) {
        const auto known = stores.enrolment.tills();
        if (!known) return;
        for (const auto& till : world_.tills) {
            const TillIdentity& identity = till->identity();
            if (scrapped(*till) || revoked_.contains(identity.till.value)) continue;
            const bool good = std::any_of(known->begin(), known->end(), [&](const server::EnrolledTill& one) {
                return one.till == identity.till && !one.revoked &&
                       one.public_key == public_key(identity.signing_key);
            });
            if (!good) world_.server->enrol(identity);
        }
    });
}

void Operator::change_version() {
    Node& node = any_node();
    node.stop();
    node.version = node.version == 1 ? ServerMachine::future_version : 1;
    world_.outcome.marks.hit(node.version == 1 ? "rolled back" : "upgraded");
    node.boot_after(world_.between(500, 5'000));
}

// ---- the shop's office ----

void Operator::change_catalogue() {
    ++edition_;
    world_.server->run(
        [this, edition = edition_](ServerMachine::Stores& stores, ServerMachine::Moved& moved) {
            std::vector<crm::Product> products;
            const std::int64_t count = world_.between(1, 4);
            for (std::int64_t i = 0; i < count; ++i)
                products.push_back(
                    product_of(static_cast<int>(world_.between(0, world_.swarm.shop.products - 1)), edition));
            auto report = stores.import.products(products, world_.server->clock.wall());
            if (report) moved = std::move(report->moved);
        });
}

void Operator::import_customers(bool moves) {
    ++edition_;
    world_.server->run(
        [this, moves, edition = edition_](ServerMachine::Stores& stores, ServerMachine::Moved&) {
            const ShopPlan& plan = world_.swarm.shop;
            std::vector<crm::SourceRecord> records;
            const bool first = edition == 1;
            const std::int64_t count = first ? plan.customers / 2 : world_.between(1, 3);
            for (std::int64_t i = 0; i < count; ++i) {
                const int customer = static_cast<int>(first ? i : world_.between(0, plan.customers - 1));
                const StoreId home =
                    moves ? store_of(static_cast<int>(world_.between(0, plan.stores - 1))) : StoreId{};
                records.push_back(record_of(customer, edition, moves && world_.chance(50), home));
            }
            (void)stores.import.customers(records, world_.server->clock.wall()).has_value();
        });
}

void Operator::mend_all() {
    // People who never upgrade do not do it now.
    const int newest = acts_upgrade_ ? ServerMachine::future_version : world_.server->version;
    revoked_.clear();
    world_.network.heal();
    world_.shop_network.heal();
    const auto bring_up = [newest](Node& node) {
        node.become_calm();
        if (node.version == newest) return;
        node.stop();
        node.version = newest;
        node.boot_after(0);
    };
    bring_up(*world_.server);
    for (const auto& till : world_.tills) {
        if (!scrapped(*till)) bring_up(*till);
    }
    // Once the server is up for sure.
    for (const std::int64_t ms : {5'000, 30'000, 90'000, 180'000})
        world_.timeline.after(ms, [this] { mend_enrolments(); });
}

} // namespace mudi::sim
