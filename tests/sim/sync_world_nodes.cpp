#include <algorithm>

#include <mudi/base/hash.hpp>

#include "sim/sync_world.hpp"

namespace mudi::sim {
namespace {

const sync::TillLimits till_limits{.events_per_push_max = 7,
                                   .bytes_per_push_max = 4096,
                                   .retry_min = Duration{200},
                                   .retry_max = Duration{5000},
                                   .push_timeout = Duration{3000},
                                   .pull_wait = Duration{2000},
                                   .pull_timeout = Duration{4000},
                                   .pull_bytes_max = 1024};
const sync::ServerLimits server_limits{.pull_wait_max = Duration{2000}};

Bits128 chain_at(const std::vector<StoredEvent>& events, std::int64_t seq) {
    return seq == 0 ? Bits128{} : events.at(static_cast<std::size_t>(seq - 1)).chain;
}

} // namespace

// ---- till ----

TillNode::TillNode(World& world, TillDisk from) : disk(std::move(from)), world_(world) {}

void TillNode::start() {
    ++process_;
    unanswered_.clear();
    core_ = std::make_unique<sync::TillSync>(disk.state, till_limits, world_.random);
}

void TillNode::stop() {
    ++process_;
    core_.reset();
}

void TillNode::link(bool up) {
    if (!running()) return;
    if (up) return input(sync::till_in::LinkUp{});
    unanswered_.clear();
    input(sync::till_in::LinkDown{});
}

void TillNode::restore(TillDisk image) {
    stop();
    disk = std::move(image);
}

void TillNode::capture() {
    if (!running()) return;
    sync::Event event;
    event.seq.value = disk.state.last.value + 1;
    event.id.value = world_.random.bits128();
    event.hlc = to_ms(world_.wall()) << 16;
    event.kind = 1;
    event.body =
        "sale " + to_hex(Bits128{event.id.value.high, 0}) + std::string(world_.random.below(80), 'x');
    const Bits128 chain = chain_next(chain_at(disk.outbox, disk.state.last.value), event.body);
    world_.captured.emplace(event.id.value, event.body);
    world_.owed.insert(event.id.value);
    disk.outbox.push_back({event, chain});
    disk.state.last = event.seq;
    input(sync::till_in::Captured{event.seq});
}

void TillNode::input(const sync::TillInput& in) {
    if (!running()) return;
    std::vector<sync::TillAction> actions;
    core_->step(world_.mono(), world_.wall(), in, actions);
    const std::uint64_t process = process_;
    for (const sync::TillAction& action : actions) {
        if (process != process_) return;
        std::visit([&](const auto& one) { act(one); }, action);
    }
    if (core_ && core_->unsent() < 0) world_.fail("a till believes more acknowledged than it captured");
}

void TillNode::act(const sync::till_out::Send& send) {
    unanswered_.insert(send.request);
    const std::uint64_t process = process_;
    const auto answer = [this, process, request = send.request](std::string frame) {
        if (process != process_) return;
        unanswered_.erase(request);
        input(sync::till_in::Answer{request, std::move(frame)});
    };
    world_.after(send.timeout.count(), [this, process, request = send.request] {
        if (process == process_ && unanswered_.erase(request) != 0) input(sync::till_in::NoAnswer{request});
    });
    const int copies = world_.chance(world_.weather.double_percent) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
        if (world_.chance(world_.weather.loss_percent)) continue;
        const auto delay = static_cast<std::int64_t>(
            world_.random.below(static_cast<std::uint64_t>(world_.weather.delay_max_ms) * (i == 0 ? 1 : 40)));
        world_.after(delay, [this, frame = send.frame, answer] { world_.server.request(frame, answer); });
    }
}

void TillNode::act(const sync::till_out::ReadOutbox& read) {
    sync::till_in::OutboxRead out{.after = read.after, .chain_before = {}, .events = {}, .failed = false};
    if (world_.chance(world_.weather.read_fails_percent)) {
        out.failed = true;
        return input(out);
    }
    out.chain_before = chain_at(disk.outbox, read.after.value);
    std::size_t bytes = 0;
    for (auto at = static_cast<std::size_t>(read.after.value); at < disk.outbox.size(); ++at) {
        const sync::Event& event = disk.outbox[at].event;
        if (!out.events.empty() &&
            (out.events.size() == read.events_max || bytes + event.body.size() > read.bytes_max))
            break;
        bytes += event.body.size();
        out.events.push_back(event);
    }
    input(out);
}

void TillNode::act(const sync::till_out::SaveAck& save) {
    if (world_.chance(world_.weather.save_ack_lost_percent)) return;
    disk.state.acked = save.acked;
    disk.state.ack_generation = save.generation;
}

void TillNode::act(const sync::till_out::ApplyFeed& apply) {
    if (world_.chance(world_.weather.apply_fails_percent)) return input(sync::till_in::FeedApplied{false});
    if (apply.replace) {
        world_.marks.seen.insert("feed replaced");
        disk.replacing = true;
        disk.replaced.clear();
    }
    for (const sync::FeedRow& row : apply.rows) {
        if (row.deleted) {
            disk.feed.erase(row.key);
        } else {
            disk.feed[row.key] = row.body;
        }
        if (disk.replacing) disk.replaced.insert(row.key);
    }
    if (apply.complete && disk.replacing) {
        std::erase_if(disk.feed, [&](const auto& row) { return !disk.replaced.contains(row.first); });
        disk.replacing = false;
    }
    disk.state.cursor = apply.cursor;
    input(sync::till_in::FeedApplied{true});
}

void TillNode::act(const sync::till_out::NewLife&) {
    world_.marks.seen.insert("new life");
    disk.state.incarnation.value = world_.random.next();
    disk.state.acked = {};
    Bits128 chain;
    for (std::size_t i = 0; i < disk.outbox.size(); ++i) {
        StoredEvent& stored = disk.outbox[i];
        stored.event.seq.value = static_cast<std::int64_t>(i) + 1;
        stored.chain = chain = chain_next(chain, stored.event.body);
    }
    disk.state.last.value = static_cast<std::int64_t>(disk.outbox.size());
    input(sync::till_in::LifeBegun{disk.state.incarnation, disk.state.last});
}

void TillNode::act(const sync::till_out::SetTimer& timer) {
    const std::uint64_t process = process_;
    world_.after((timer.at - world_.mono()).count(), [this, process] {
        if (process == process_) input(sync::till_in::Tick{});
    });
}

void TillNode::act(const sync::till_out::Report& report) {
    world_.marks.seen.insert(std::string(report.event) +
                             (report.event == "sync.refused" ? " " + report.detail : ""));
}

// ---- server ----

bool ServerDisk::holds(EventId id) const {
    return std::any_of(inbox.begin(), inbox.end(), [&](const auto& life) {
        return std::any_of(life.second.begin(), life.second.end(),
                           [&](const StoredEvent& stored) { return stored.event.id == id; });
    });
}

void ServerNode::start() {
    ++process_;
    replies_.clear();
    core_ = std::make_unique<sync::ServerSync>(disk.generation, server_limits);
}

void ServerNode::stop() {
    ++process_;
    core_.reset();
}

void ServerNode::restore(ServerDisk image) {
    stop();
    disk = std::move(image);
    disk.generation = world_.random.next() | 1;
}

void ServerNode::request(std::string frame, std::function<void(std::string)> reply) {
    if (!running()) return;
    const sync::RequestToken token = ++last_token_;
    replies_[token] = std::move(reply);
    if (world_.chance(2)) { // the transport lost sight of it
        const std::uint64_t process = process_;
        world_.after(5, [this, process, token] {
            if (process != process_ || replies_.erase(token) == 0) return;
            input(sync::server_in::Gone{token});
        });
    }
    input(sync::server_in::Request{token, std::move(frame)});
}

void ServerNode::input(const sync::ServerInput& in) {
    if (!running()) return;
    std::vector<sync::ServerAction> actions;
    core_->step(world_.mono(), world_.wall(), in, actions);
    for (const sync::ServerAction& action : actions) std::visit([&](const auto& one) { act(one); }, action);
}

void ServerNode::act(const sync::server_out::Reply& reply) {
    const auto found = replies_.find(reply.token);
    if (found == replies_.end())
        return world_.fail("two replies to one request, or one to a request that is gone");
    const auto deliver = found->second;
    replies_.erase(found);
    const int copies = world_.chance(world_.weather.double_percent) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
        if (world_.chance(world_.weather.loss_percent)) continue;
        const auto delay = static_cast<std::int64_t>(
            world_.random.below(static_cast<std::uint64_t>(world_.weather.delay_max_ms)));
        world_.after(delay, [deliver, frame = reply.frame] { deliver(frame); });
    }
}

void ServerNode::act(const sync::server_out::LookUpTill& look) {
    const std::uint64_t process = process_;
    world_.after(1, [this, process, look] {
        if (process != process_) return;
        if (world_.chance(world_.weather.read_fails_percent)) {
            return input(
                sync::server_in::TillKnown{look.token, mudi::fail(Code::busy, "db.busy", "try again")});
        }
        const auto& events = disk.inbox[{look.hello.till.value, look.hello.incarnation.value}];
        const auto seq = static_cast<std::int64_t>(events.size());
        input(sync::server_in::TillKnown{look.token, sync::HighWater{EventSeq{seq}, chain_at(events, seq)}});
    });
}

Result<sync::HighWater> ServerNode::store(const sync::PushedBatch& batch) {
    auto& events = disk.inbox[{batch.till.value, batch.incarnation.value}];
    const auto seq = static_cast<std::int64_t>(events.size());
    const std::int64_t common = std::min(seq, batch.events.back().seq.value);
    std::optional<Bits128> overlap;
    if (common >= batch.events.front().seq.value) overlap = chain_at(events, common);
    const sync::AppendPlan plan = plan_append({EventSeq{seq}, chain_at(events, seq)}, batch, overlap);
    switch (plan.verdict) {
    case sync::AppendPlan::Verdict::gap:
        world_.marks.seen.insert("gap");
        return mudi::fail(Code::invalid, "sync.gap", "");
    case sync::AppendPlan::Verdict::fork:
        world_.marks.seen.insert("fork");
        return mudi::fail(Code::conflict, "sync.fork", "");
    case sync::AppendPlan::Verdict::nothing_new: world_.marks.seen.insert("nothing new"); break;
    case sync::AppendPlan::Verdict::append:
        for (std::size_t i = plan.first; i < batch.events.size(); ++i) {
            events.push_back({batch.events[i], plan.chains[i - plan.first]});
        }
        break;
    }
    return plan.after;
}

void ServerNode::act(const sync::server_out::Store& action) {
    const std::uint64_t process = process_;
    world_.after(1 + static_cast<std::int64_t>(world_.random.below(5)), [this, process, action] {
        if (process != process_) return;
        if (world_.chance(world_.weather.read_fails_percent)) {
            return input(
                sync::server_in::Stored{action.token, mudi::fail(Code::busy, "db.busy", "try again")});
        }
        Result<sync::HighWater> mark = store(action.batch);
        input(sync::server_in::Stored{action.token, std::move(mark)});
    });
}

void ServerNode::act(const sync::server_out::ReadFeed& read) {
    const std::uint64_t process = process_;
    world_.after(1 + static_cast<std::int64_t>(world_.random.below(5)), [this, process, read] {
        if (process != process_) return;
        const ServerDisk::Bucket& bucket = disk.buckets[read.store.value];
        std::vector<sync::FeedRow> rows;
        for (const auto& [key, row] : bucket.rows) {
            if (row.version > read.after) rows.push_back(row);
        }
        std::sort(rows.begin(), rows.end(),
                  [](const auto& a, const auto& b) { return a.version < b.version; });
        std::size_t bytes = 0;
        std::size_t taken = 0;
        while (taken < rows.size() && (taken == 0 || bytes + rows[taken].body.size() <= read.bytes_max)) {
            bytes += rows[taken++].body.size();
        }
        rows.resize(taken);
        const std::int64_t newest = bucket.newest;
        // The answer may be overtaken by a change of the bucket.
        world_.after(static_cast<std::int64_t>(world_.random.below(4)), [this, process, read, rows, newest] {
            if (process == process_) input(sync::server_in::FeedRead{read.token, rows, newest});
        });
    });
}

void ServerNode::act(const sync::server_out::SetTimer& timer) {
    const std::uint64_t process = process_;
    world_.after((timer.at - world_.mono()).count(), [this, process] {
        if (process == process_) input(sync::server_in::Tick{});
    });
}

void ServerNode::act(const sync::server_out::Report&) {}

void ServerNode::change_feed() {
    if (!running()) return;
    const std::string store = world_.chance(60) ? "A" : "B";
    ServerDisk::Bucket& bucket = disk.buckets[store];
    sync::FeedRow row;
    row.version = ++bucket.newest;
    row.kind = 2;
    row.key = "item" + std::to_string(world_.random.below(25));
    row.deleted = world_.chance(20);
    if (!row.deleted)
        row.body =
            std::string(100 + world_.random.below(200), static_cast<char>('a' + world_.random.below(26)));
    bucket.rows[row.key] = row;
    input(sync::server_in::FeedChanged{StoreId{store}, bucket.newest});
}

} // namespace mudi::sim
