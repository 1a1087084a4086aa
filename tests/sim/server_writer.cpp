#include <algorithm>
#include <utility>

#include <mudi/base/db/backup.hpp>
#include <mudi/base/db/statement.hpp>
#include <mudi/server/publish.hpp>
#include <mudi/server/schema.hpp>
#include <mudi/sync/event.hpp>

#include "operator.hpp"
#include "server_machine.hpp"
#include "till_machine.hpp"

namespace mudi::sim {
namespace {

constexpr std::size_t group_pushes_max = 256;
constexpr std::size_t group_hellos_max = 16;
constexpr std::int64_t commit_ms_max = 12;
constexpr std::int64_t events_per_ms = 80;
constexpr std::int64_t failure_pause_ms = 1'000;
constexpr std::int64_t due_every_ms = 60'000;
constexpr std::size_t due_profiles_max = 1'000;
/// A till that had not told all by its hello is asked for another so much later, and then twice as long.
constexpr std::int64_t hello_asked_min_ms = 5'000;
constexpr std::int64_t hello_asked_max_ms = 600'000;
/// What hellos have told of points is looked at together.
constexpr std::int64_t points_looked_after_ms = 500;
constexpr std::size_t tombstones_per_call = 500;
/// While the server forgets deletions a minute counts as so much.
constexpr std::int64_t sweep_speed = 10'000;

} // namespace

void ServerMachine::run(Job job) {
    enter([this, job = std::move(job)]() mutable {
        program_->jobs.push_back(std::move(job));
        ask_turn();
    });
}

void ServerMachine::look_each_minute() {
    ask_turn();
    later(due_every_ms, [this] { look_each_minute(); });
}

void ServerMachine::ask_turn() {
    Program& p = *program_;
    if (p.turn_asked) return;
    p.turn_asked = true;
    const std::int64_t now = world_.timeline.now_ms();
    const bool urgent = !p.hellos.empty() || !p.pushes.empty() || !p.jobs.empty() || !p.reserves.empty();
    std::int64_t at = std::max(now, p.free_at_ms);
    if (!urgent) at = std::max(at, p.blocked_until_ms);
    later(at - now, [this] { turn(); });
}

void ServerMachine::turn() {
    Program& p = *program_;
    p.turn_asked = false;
    Results results;
    answer_reserves(results);
    if (!dying() && !p.hellos.empty()) greet_all(results);
    if (!dying() && !p.pushes.empty()) accept(results);
    if (!dying()) answer_reserves(results);
    if (!dying() && !p.jobs.empty()) {
        const Job job = std::move(p.jobs.front());
        p.jobs.pop_front();
        Moved buckets;
        job(*p.stores, buckets);
        moved(results, buckets);
        p.apply_waits = p.offers_wait = true;
    }
    if (!dying() && !only_accept_ && world_.timeline.now_ms() >= p.blocked_until_ms) background(results);
    if (dying()) return;
    const std::int64_t took =
        world_.between(1, commit_ms_max) + static_cast<std::int64_t>(results.events) / events_per_ms;
    p.free_at_ms = world_.timeline.now_ms() + took;
    if (!results.inputs.empty()) {
        later(took, [this, results = std::move(results)] {
            for (const auto& [batch, standing] : results.stored)
                world_.check([&](Checker& checker) { checker.stored(batch, standing); });
            for (const sync::ServerInput& input : results.inputs) {
                if (!dying()) step(input);
            }
        });
    }
    const bool offers_soon = p.offers_wait && world_.timeline.now_ms() + took >= p.offers_at_ms;
    const bool works = !only_accept_ && (p.apply_waits || offers_soon);
    if (!p.hellos.empty() || !p.pushes.empty() || !p.jobs.empty() || !p.reserves.empty() || works) {
        ask_turn();
    } else if (p.offers_wait && !only_accept_) {
        later(p.offers_at_ms - world_.timeline.now_ms(), [this] { ask_turn(); });
    }
}

void ServerMachine::greet_all(Results& results) {
    Program& p = *program_;
    const auto verify = [](std::string_view key, std::string_view text, std::string_view signature) {
        const auto secret = key256_from_bytes(key);
        return secret && signature == sign(*secret, text);
    };
    for (std::size_t i = 0; i < group_hellos_max && !p.hellos.empty() && !dying(); ++i) {
        const Hello hello = std::move(p.hellos.front());
        p.hellos.pop_front();
        const auto known = p.stores->enrolment.check(hello.hello, hello.credentials, verify);
        std::optional<Time> asked;
        if (hello.credentials) asked = hello.credentials->challenged;
        Result<sync::Standing> standing =
            known ? p.stores->inbox.register_till(hello.hello, clock.wall(), asked)
                  : tl::make_unexpected(known.error());
        world_.note(
            "hello",
            {hello.hello.till.value, hello.hello.last.value, standing ? standing->mark.seq.value : -1},
            standing ? "" : standing.error().name);
        if (!standing) failed(standing.error());
        results.inputs.emplace_back(sync::server_in::TillKnown{hello.token, std::move(standing), {}});
    }
    if (!dying()) moved(results, p.stores->inbox.take_moved());
    p.offers_wait = true;
    if (!dying()) look_after_points_at(world_.timeline.now_ms() + points_looked_after_ms);
}

void ServerMachine::accept(Results& results) {
    Program& p = *program_;
    std::vector<sync::RequestToken> tokens;
    std::vector<sync::PushedBatch> batches;
    while (!p.pushes.empty() && batches.size() < group_pushes_max) {
        tokens.push_back(p.pushes.front().token);
        batches.push_back(std::move(p.pushes.front().batch));
        disguise(batches.back());
        results.events += batches.back().events.size();
        p.pushes.pop_front();
    }
    const auto standings = p.stores->inbox.append(batches, clock.wall());
    if (!standings) failed(standings.error());
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        Result<sync::Standing> standing =
            standings ? (*standings)[i] : Result<sync::Standing>(tl::make_unexpected(standings.error()));
        world_.note("stored",
                    {batches[i].till.value, batches[i].events.front().seq.value,
                     batches[i].events.back().seq.value, standing ? standing->mark.seq.value : -1},
                    standing ? "" : standing.error().name);
        if (standing && !dying() && !only_accept_) {
            for (const sync::Event& event : batches[i].events) {
                world_.oracle.at_server.insert(event.id.value);
            }
        } else if (!standing) {
            world_.outcome.marks.hit("push refused: " + standing.error().name);
        }
        if (!only_accept_) results.stored.emplace_back(std::move(batches[i]), standing);
        results.inputs.emplace_back(sync::server_in::Stored{tokens[i], std::move(standing)});
    }
    p.apply_waits = true;
}

void ServerMachine::retry_after_upgrade() {
    const auto done =
        program_->stores->apply.retry_after_upgrade("v" + std::to_string(version), clock.wall());
    program_->upgrade_seen = done || (done.error().code != Code::io && done.error().code != Code::busy);
    if (!done) return failed(done.error());
    if (done->applied > 0) world_.outcome.marks.hit("retried after upgrade");
    if (done->retried > 0) program_->offers_wait = true;
}

void ServerMachine::background(Results& results) {
    Program& p = *program_;
    const std::int64_t now = world_.timeline.now_ms();
    if (!p.upgrade_seen) retry_after_upgrade();
    if (dying() || now < p.blocked_until_ms) return;
    // Whoever has the points that a customer waits for must hear of it before anything else.
    if (std::exchange(p.rights_called_back, false)) refresh_offers(results);
    if (dying() || now < p.blocked_until_ms) return;
    if (p.apply_waits && p.pushes.empty()) {
        const auto done = p.stores->apply.apply_some(server::Apply::chunk, clock.wall());
        if (!done) return failed(done.error());
        p.apply_waits = done->more;
        if (done->applied > 0) p.offers_wait = true;
        if (done->quarantined > 0) world_.outcome.marks.hit("quarantined");
        if (done->duplicates > 0) world_.outcome.marks.hit("known under another life");
        if (done->taken > 0) points_moved(dirty_records());
        if (done->taken > 0)
            world_.note("applied",
                        {static_cast<std::int64_t>(done->taken), static_cast<std::int64_t>(done->applied),
                         static_cast<std::int64_t>(done->quarantined)});
    }
    if (!dying() && now >= p.due_at_ms) {
        p.due_at_ms = now + due_every_ms;
        const auto due = p.stores->offers.nightly_due(clock.wall(), due_profiles_max);
        if (!due) return failed(due.error());
        if (*due > 0) p.offers_wait = true;
        p.points_at_ms = now;
    }
    if (!dying() && now >= p.points_at_ms) look_after_points();

    if (dying() || !p.offers_wait || p.apply_waits || now < p.offers_at_ms) return;
    p.offers_at_ms = now + world_.swarm.shop.offers_every_ms;
    refresh_offers(results);
}

void ServerMachine::refresh_offers(Results& results) {
    Program& p = *program_;
    const auto records = dirty_records();
    const auto done = p.stores->offers.refresh_some(server::OfferRefresh::chunk, clock.wall());
    if (!done) return failed(done.error());
    p.offers_wait = done->more;
    moved(results, done->moved);
    points_moved(records);
}

// ---- points ----

void ServerMachine::answer_reserves(Results& results) {
    Program& p = *program_;
    while (!p.reserves.empty() && !dying()) {
        const Asked asked = p.reserves.front();
        p.reserves.pop_front();
        auto answer = p.stores->rights.reserve(asked.question, clock.wall());
        world_.note(
            "reserve",
            {asked.question.till.value, asked.question.points.value, answer ? answer->available.value : -1},
            answer ? (answer->granted ? "granted" : "") : answer.error().name);
        if (answer && answer->again_after > Duration{0}) p.rights_called_back = p.offers_wait = true;
        if (!answer) failed(answer.error());
        const std::vector<SourceRecordId> touched{SourceRecordId{asked.question.profile.value}};
        points_moved(touched);
        results.inputs.emplace_back(sync::server_in::Reserved{asked.token, std::move(answer)});
    }
}

void ServerMachine::look_after_points() {
    Program& p = *program_;
    p.points_at_ms = never_ms;
    const auto freed = p.stores->rights.free_the_dead(clock.wall());
    if (!freed) return failed(freed.error());
    if (*freed > 0) {
        p.offers_wait = true;
        world_.outcome.marks.hit("rights died with a life");
        world_.note("freed", {static_cast<std::int64_t>(*freed)});
        points_moved({});
    }
    if (dying()) return;
    const auto tills = p.stores->rights.awaited(clock.wall());
    if (!tills) return failed(tills.error());
    ask_for_hellos(*tills);
}

void ServerMachine::ask_for_hellos(const std::vector<TillId>& tills) {
    Program& p = *program_;
    const std::int64_t now = world_.timeline.now_ms();
    std::map<std::int64_t, HelloAsked> still;
    for (const TillId till : tills) {
        const auto before = p.asked_for_hello.find(till.value);
        HelloAsked asked =
            before == p.asked_for_hello.end() ? HelloAsked{now, hello_asked_min_ms} : before->second;
        if (asked.next_ms <= now) {
            world_.outcome.marks.hit("till asked for another hello");
            for (const sync::PipeId pipe : world_.network.pipes_of(till)) world_.network.close_pipe(pipe);
            asked.next_ms = now + asked.pause_ms;
            asked.pause_ms = std::min(2 * asked.pause_ms, hello_asked_max_ms);
        }
        look_after_points_at(asked.next_ms);
        still.emplace(till.value, asked);
    }
    p.asked_for_hello = std::move(still);
}

void ServerMachine::look_after_points_at(std::int64_t ms) {
    Program& p = *program_;
    if (p.points_at_ms <= ms) return;
    p.points_at_ms = ms;
    later(ms - world_.timeline.now_ms(), [this] { ask_turn(); });
}

std::vector<SourceRecordId> ServerMachine::dirty_records() {
    if (world_.swarm.points.pays == 0 || dying()) return {};
    return program_->books->dirty();
}

void ServerMachine::points_moved(std::span<const SourceRecordId> records) {
    if (world_.swarm.points.pays == 0 || dying()) return;
    world_.check([&](Checker& checker) { checker.points_moved(records); });
}

void ServerMachine::settle_points() {
    const auto settle = [this]() -> Status {
        MUDI_TRY(const auto connection, db::Connection::open(database(file)));
        MUDI_CHECK(server::migrate(*connection));
        server::RightsBook rights{*connection};
        MUDI_TRY(auto transaction, db::WriteTransaction::begin(*connection));
        MUDI_CHECK(rights.settle(clock.wall()));
        return transaction.commit();
    };
    // People repeat it until the disk works.
    const DiskFaults faults = std::exchange(disk.faults, DiskFaults{});
    disk.die_at_call(0);
    const auto settled = settle();
    disk.faults = faults;
    disk.process_kill();
    if (!settled) world_.fail("backup", "a backup cannot be put in place: " + settled.error().name);
}

void ServerMachine::moved(Results& results, const Moved& buckets) {
    for (const auto& bucket : buckets)
        results.inputs.emplace_back(sync::server_in::FeedChanged{bucket.store, bucket.newest});
}

void ServerMachine::failed(const Error& error) {
    if (error.code != Code::io && error.code != Code::busy) return;
    program_->blocked_until_ms = world_.timeline.now_ms() + failure_pause_ms;
    world_.outcome.marks.hit(error.name == "db.full" ? "server's disk full" : "server's disk failed");
    world_.note("server failed", {}, error.name);
    later(failure_pause_ms, [this] { ask_turn(); });
}

// ---- people ----

void ServerMachine::enrol(const TillIdentity& identity) {
    run([this, identity](Stores& stores, Moved& moved) {
        const Time now = clock.wall();
        // As `mudi server till add` and `mudi till enrol` do, one after the other.
        if (!stores.enrolment.till(identity.till))
            (void)stores.enrolment
                .add_till({identity.store, identity.workstation, identity.till, identity.lead}, now)
                .has_value();
        const server::CodeFacts code{program_->random.bits128(), program_->random.key256()};
        if (!stores.enrolment.make_code(identity.till, code, now)) return;
        const server::MadeCertificate certificate{public_key(identity.signing_key), "00",
                                                  now + std::chrono::hours{24 * 365}};
        if (!stores.enrolment.enrol(code.id, certificate, now)) return;
        program_->revoked.erase(identity.till.value);
        if (dying() || !identity.lead) return;
        if (auto leads = server::publish_leads(*stores.connection)) moved = *std::move(leads);
    });
}

void ServerMachine::revoke(TillId till) {
    run([this, till](Stores& stores, Moved& moved) {
        if (!stores.enrolment.revoke(till, clock.wall())) return;
        if (auto leads = server::publish_leads(*stores.connection)) moved = *std::move(leads);
        if (dying()) return;
        world_.outcome.marks.hit("revoked");
        world_.note("revoked", {till.value});
        later(1, [this, till] {
            step(sync::server_in::Revoked{till});
            if (!dying()) program_->revoked.insert(till.value);
        });
    });
}

void ServerMachine::sweep_tombstones() {
    run([this](Stores& stores, Moved&) {
        const Time now = world_.true_time();
        const Time fast = now + Duration{world_.timeline.now_ms() * sweep_speed};
        auto transaction = db::WriteTransaction::begin(*stores.connection, db::Commit::relaxed);
        if (!transaction) return failed(transaction.error());
        const auto gone = stores.feed.forget_tombstones(fast, tombstones_per_call);
        const auto finished = gone ? stores.feed.finish() : tl::make_unexpected(gone.error());
        if (!finished || !transaction->commit()) return stores.feed.forget();
        if (*gone > 0) world_.outcome.marks.hit("tombstone horizon passed");
        world_.note("swept", {static_cast<std::int64_t>(*gone)});
    });
}

void ServerMachine::publish_future_rows(std::int64_t edition) {
    run([this, edition](Stores& stores, Moved& moved) {
        const auto buckets = stores.feed.buckets();
        stores.feed.forget();
        auto transaction = db::WriteTransaction::begin(*stores.connection);
        if (!buckets || !transaction) return;
        db::Query<db::Columns<std::int64_t>, db::Params<>> newest{
            *stores.connection, "SELECT value FROM counter WHERE name = 'feed.version'"};
        db::Command<std::int64_t> count{*stores.connection,
                                        "UPDATE counter SET value = :version WHERE name = 'feed.version'"};
        db::Command<std::uint32_t, std::string, StoreId, std::int64_t, Bytes, std::uint32_t, std::int64_t>
            put{*stores.connection,
                "INSERT INTO feed (kind, key, store, version, deleted, body, part, digest, applied) "
                "VALUES (:kind, :key, :store, :version, 0, :body, :part, :digest, 0) ON CONFLICT (kind, key, "
                "store) "
                "DO UPDATE SET version = excluded.version, body = excluded.body, digest = excluded.digest"};
        db::Command<std::int64_t, StoreId> raise{*stores.connection,
                                                 "UPDATE bucket SET newest = :version WHERE store = :store"};
        const auto last = newest.first();
        if (!last || !*last) return;
        std::int64_t given = std::get<0>(**last);
        const std::string key = "future" + std::to_string(edition % 5);
        const Bytes body{"edition " + std::to_string(edition)};
        for (const StoreId& store : *buckets) {
            ++given;
            const auto digest = static_cast<std::int64_t>(sync::row_digest(future_kind, key, body.data));
            if (!put(future_kind, key, store, given, body, sync::part_of(future_kind, key), digest)) return;
            if (!raise(given, store)) return;
            moved.push_back({store, given});
        }
        if (!count(given) || !transaction->commit()) return moved.clear();
        world_.outcome.marks.hit("rows of the future");
    });
}

void ServerMachine::back_up() {
    enter([this] {
        const std::string name = "backup" + std::to_string(++copies_) + ".db";
        const Time made = clock.wall();
        const auto copied = db::backup(database(file), mount_.path(name));
        world_.note("backup", {copies_}, copied ? "" : copied.error().name);
        if (!copied || dying()) return;
        later(world_.between(10, 3'000), [this, name, made] { verify_copy(name, made); });
    });
}

void ServerMachine::verify_copy(const std::string& name, Time made) {
    const std::uint64_t refused = disk.counters().refused;
    const auto facts = server::verify_backup(mount_.path(name), vfs_name);
    if (dying()) return;
    if (!facts) {
        if (facts.error().code == Code::corrupt && disk.counters().refused == refused)
            world_.fail("backup", "a copy of a sound database is not sound: " + facts.error().name);
        return;
    }
    world_.people->keep_backup(name);
    later(world_.between(1, 1'000), [this, name, made, facts = *facts] {
        run([this, name, made, facts](Stores& stores, Moved&) {
            if (!stores.backups.record(facts, mount_.path(name), made, clock.wall())) return;
            world_.outcome.marks.hit("backup verified");
            world_.note("backup recorded", {facts.events});
        });
        (void)disk.remove(name);
    });
}

} // namespace mudi::sim
