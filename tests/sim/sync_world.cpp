#include "sim/sync_world.hpp"

#include <algorithm>

namespace mudi::sim {
namespace {

constexpr std::int64_t stormy_ms = 60'000;
constexpr std::int64_t settle_ms = 60'000;
constexpr int sales = 60;
constexpr int feed_changes = 30;
constexpr int faults = 15;

} // namespace

World::World(std::uint64_t seed, Marks& seen) : random(seed), marks(seen), server(*this) {
    weather.loss_percent = chance(60) ? static_cast<unsigned>(random.below(30)) : 0;
    weather.double_percent = chance(50) ? static_cast<unsigned>(random.below(50)) : 0;
    weather.delay_max_ms = chance(30) ? 800 : 20;
    weather.apply_fails_percent = chance(30) ? 10 : 0;
    weather.save_ack_lost_percent = chance(30) ? 30 : 0;
    weather.read_fails_percent = chance(30) ? 5 : 0;
    server.disk.generation = random.next() | 1;
    for (std::int64_t i = 1; i <= 3; ++i) {
        TillDisk disk;
        disk.state.till.value = i;
        disk.state.store.value = i == 3 ? "B" : "A";
        disk.state.workstation.value = "T" + std::to_string(i);
        disk.state.incarnation.value = random.next();
        tills.push_back(std::make_unique<TillNode>(*this, disk));
    }
}

void World::after(std::int64_t ms, std::function<void()> what) {
    heap_.push({now_ms_ + std::max<std::int64_t>(ms, 0), ++order_, std::move(what)});
}

void World::advance(std::int64_t until_ms) {
    while (!heap_.empty() && heap_.top().at_ms <= until_ms && broken_.empty()) {
        const Due due = heap_.top();
        heap_.pop();
        now_ms_ = due.at_ms;
        due.what();
    }
    now_ms_ = until_ms;
}

void World::bounce_links() {
    for (const auto& till : tills) {
        till->link(false);
        after(100 + static_cast<std::int64_t>(random.below(1000)), [&till = *till] { till.link(true); });
    }
}

void World::restore_server() {
    if (server_backups_.empty()) return;
    marks.seen.insert("server restored");
    server.restore(server_backups_[random.below(server_backups_.size())]);
    // What no till's disk proves any more is lost with the server's newer disk: nobody can owe it.
    std::erase_if(owed, [&](Bits128 id) {
        const bool on_till = std::any_of(tills.begin(), tills.end(), [&](const auto& till) {
            return std::any_of(till->disk.outbox.begin(), till->disk.outbox.end(),
                               [&](const StoredEvent& stored) { return stored.event.id.value == id; });
        });
        return !on_till && !server.disk.holds(EventId{id});
    });
    server.start();
    bounce_links();
}

void World::restore_till() {
    if (till_images_.empty()) return;
    marks.seen.insert("till restored");
    const auto& [index, image] = till_images_[random.below(till_images_.size())];
    TillNode& till = *tills[index];
    std::set<Bits128> kept;
    for (const StoredEvent& stored : image.outbox) kept.insert(stored.event.id.value);
    for (const StoredEvent& stored : till.disk.outbox) {
        const Bits128 id = stored.event.id.value;
        if (!kept.contains(id) && !server.disk.holds(EventId{id}))
            owed.erase(id); // died with the disk, unsent
    }
    till.restore(image);
    till.start();
    after(500, [&till] { till.link(true); });
}

void World::clone_till() {
    if (till_images_.empty() || tills.size() > 3) return;
    marks.seen.insert("till cloned");
    tills.push_back(
        std::make_unique<TillNode>(*this, till_images_[random.below(till_images_.size())].second));
    TillNode& clone = *tills.back();
    clone.start();
    after(300, [&clone] { clone.link(true); });
}

void World::fault() {
    TillNode& till = *tills[random.below(tills.size())];
    switch (random.below(9)) {
    case 0:
    case 1:
        till.link(false);
        after(static_cast<std::int64_t>(random.below(8000)), [&till] { till.link(true); });
        break;
    case 2: // power cut at a till
        till.stop();
        after(static_cast<std::int64_t>(random.below(5000)), [&till] {
            if (till.running()) return;
            till.start();
            till.link(true);
        });
        break;
    case 3: // the server restarts
        server.stop();
        server.start();
        bounce_links();
        break;
    case 4: server_backups_.push_back(server.disk); break;
    case 5: restore_server(); break;
    case 6: {
        const std::size_t index = random.below(3);
        till_images_.emplace_back(index, tills[index]->disk);
        break;
    }
    case 7: restore_till(); break;
    case 8: clone_till(); break;
    }
}

bool World::settled() const {
    return std::all_of(tills.begin(), tills.end(), [&](const auto& till) {
        if (!till->running() || till->core().unsent() != 0 || !till->core().linked()) return false;
        const auto bucket = server.disk.buckets.find(till->disk.state.store.value);
        const std::int64_t newest = bucket == server.disk.buckets.end() ? 0 : bucket->second.newest;
        return till->disk.state.cursor == sync::FeedCursor{server.disk.generation, newest} &&
               !till->disk.replacing;
    });
}

void World::check_inbox() {
    std::set<Bits128> stored;
    for (const auto& [life, events] : server.disk.inbox) {
        std::set<Bits128> in_life;
        for (std::size_t i = 0; i < events.size(); ++i) {
            const sync::Event& event = events[i].event;
            if (event.seq.value != static_cast<std::int64_t>(i) + 1) fail("the inbox of a life is not dense");
            if (!in_life.insert(event.id.value).second) fail("an event is stored twice in one life");
            const auto known = captured.find(event.id.value);
            if (known == captured.end() || known->second != event.body)
                fail("an event is stored that nobody captured so");
        }
        stored.merge(in_life);
    }
    for (const Bits128 id : owed) {
        if (!stored.contains(id)) fail("a captured event did not reach the server");
    }
}

void World::check_feeds() {
    for (const auto& till : tills) {
        std::map<std::string, std::string> wanted;
        for (const auto& [key, row] : server.disk.buckets[till->disk.state.store.value].rows) {
            if (!row.deleted) wanted[key] = row.body;
        }
        if (till->disk.feed != wanted) fail("a till's feed is not what the server has");
    }
}

std::string World::run() {
    server.start();
    for (const auto& till : tills) {
        till->start();
        after(static_cast<std::int64_t>(random.below(2000)), [&till = *till] { till.link(true); });
    }
    const auto any_time = [&] { return static_cast<std::int64_t>(random.below(stormy_ms)); };
    for (int i = 0; i < sales; ++i)
        after(any_time(), [this] { tills[random.below(tills.size())]->capture(); });
    for (int i = 0; i < feed_changes; ++i) after(any_time(), [this] { server.change_feed(); });
    for (int i = 0; i < faults; ++i) after(any_time(), [this] { fault(); });
    advance(stormy_ms);

    weather = Weather{};
    for (const auto& till : tills) {
        if (!till->running()) till->start();
    }
    bounce_links();
    const std::int64_t deadline = now_ms_ + settle_ms;
    while (broken_.empty() && !settled() && now_ms_ < deadline) advance(now_ms_ + 500);
    if (broken_.empty() && !settled()) fail("does not come to rest after the faults stop");
    check_inbox();
    check_feeds();
    return broken_;
}

} // namespace mudi::sim
