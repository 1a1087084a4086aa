#include <mudi/server/inbox.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include <mudi/base/assert.hpp>
#include <mudi/base/db/bulk.hpp>
#include <mudi/base/db/statement.hpp>
#include <mudi/base/mutant.hpp>
#include <mudi/server/counters.hpp>
#include <mudi/server/feed.hpp>
#include <mudi/server/rights.hpp>
#include <mudi/server/status.hpp>
#include <mudi/sync/hlc.hpp>

namespace mudi::server {

namespace {

using db::Columns;
using db::Params;

/// Imports need a life like any till's; there is only ever one.
constexpr Incarnation own_incarnation{1};

using LifeKey = std::pair<std::int64_t, std::uint64_t>;
struct Life {
    std::int64_t id{};
    sync::HighWater mark;
    EventSeq safe;
    std::int64_t arrival{}; ///< of the event at the mark
    Time heard;             ///< 0: not before
    std::int64_t ahead_ms{};

    [[nodiscard]] sync::Standing standing() const {
        if (mutant::planted(mutant::Bug::safe_without_backup)) return {mark, mark.seq, arrival};
        return {mark, std::min(safe, mark.seq), arrival};
    }
};

/// Which of its lives a till spoke in last.
struct Contact {
    std::int64_t life{}; ///< 0: none yet
    Time at;
    Time returned; ///< when it last came back to a life soon after it had spoken in another
    Time clone;    ///< when that happened twice
    Time forked;
};
/// Coming back once is a restored image; twice within this is two machines.
constexpr Duration turns_max = std::chrono::hours{1};

void meet(Contact& contact, Life& life, Time now) {
    const bool came_back = contact.life != life.id && life.heard != Time{};
    if (came_back && now - contact.at <= clone_contact) {
        if (contact.returned != Time{} && now - contact.returned <= turns_max) contact.clone = now;
        contact.returned = now;
    }
    contact.life = life.id;
    contact.at = now;
    life.heard = now;
}

} // namespace

struct Inbox::Impl {
    explicit Impl(db::Connection& connection)
        : writer(connection), counters(connection), feed(connection), rights(connection),
          find_life(connection, "SELECT l.life, l.seq, l.chain, l.safe_seq, COALESCE(i.id, 0), l.last_ms, "
                                "COALESCE(t.ahead_ms, 0) FROM life l LEFT JOIN till t ON t.till = l.till "
                                "LEFT JOIN inbox i ON i.life = l.life AND i.seq = l.seq "
                                "WHERE l.till = :till AND l.incarnation = :incarnation"),
          make_life(connection, "INSERT INTO life (life, till, incarnation, seq, chain, taken_seq) "
                                "VALUES (:life, :till, :incarnation, 0, :chain, 0)"),
          save_life(connection,
                    "UPDATE life SET seq = :seq, chain = :chain, last_ms = :heard WHERE life = :life"),
          save_mark(connection, "UPDATE life SET seq = :seq, chain = :chain WHERE life = :life"),
          last_life(connection, "SELECT COALESCE(MAX(life), 0) FROM life"),
          last_row(connection, "SELECT COALESCE(MAX(id), 0) FROM inbox"),
          chain_at(connection, "SELECT chain FROM inbox WHERE life = :life AND seq = :seq"),
          find_contact(connection, "SELECT life, last_contact_ms, returned_ms, clone_ms, forked_ms FROM till "
                                   "WHERE till = :till"),
          enrolled(connection, "SELECT enrolled_ms FROM enrolled_till WHERE till = :till"),
          save_till(connection,
                    "INSERT INTO till (till, store, workstation, life, last_contact_ms, ahead_ms, captured, "
                    "program, machine, holder, lead_url, forked_ms, returned_ms, clone_ms) "
                    "VALUES (:till, :store, :workstation, :life, :contact, :ahead, :captured, :program, "
                    ":machine, :holder, :lead_url, :forked, :returned, :clone) ON CONFLICT (till) DO UPDATE "
                    "SET store = excluded.store, workstation = excluded.workstation, life = excluded.life, "
                    "last_contact_ms = excluded.last_contact_ms, ahead_ms = excluded.ahead_ms, "
                    "captured = excluded.captured, program = excluded.program, machine = excluded.machine, "
                    "holder = excluded.holder, lead_url = excluded.lead_url, forked_ms = excluded.forked_ms, "
                    "returned_ms = excluded.returned_ms, clone_ms = excluded.clone_ms"),
          save_contact(connection, "UPDATE till SET life = :life, last_contact_ms = :contact, "
                                   "returned_ms = :returned, clone_ms = :clone WHERE till = :till"),
          insert(connection, "inbox",
                 "id, life, seq, chain, event, hlc, kind, body_schema, received_ms, ahead_ms, body") {}

    Result<Life*> life_of(TillId till, Incarnation incarnation);
    Result<Life*> begin_life(TillId till, Incarnation incarnation, std::int64_t ahead_ms);
    Result<Contact*> contact_of(TillId till);
    Result<Result<sync::Standing>> append_one(const sync::PushedBatch& batch, Time now);
    Status store(const sync::PushedBatch& batch, const sync::AppendPlan& plan, Life& life, Time now);
    Result<std::vector<Result<sync::Standing>>> append(std::span<const sync::PushedBatch> batches, Time now);
    Status save_marks(Time now);
    Status save_marks_apart(std::span<const sync::PushedBatch> batches);
    Status save_hello(const sync::TillHello& hello, const Contact& contact, std::int64_t ahead_ms);
    Result<sync::Standing> register_till(const sync::TillHello& hello, Time now, std::optional<Time> asked);
    /// What is remembered of the database is true only while every transaction commits.
    void forget() {
        lives.clear();
        contacts.clear();
        touched.clear();
        counters.forget();
        feed.forget();
        rights.forget();
        next_row = 0;
        unwritten = false;
    }

    db::Connection& writer;
    Counters counters;
    FeedWriter feed;
    RightsBook rights;
    db::Query<Columns<std::int64_t, EventSeq, Bits128, EventSeq, std::int64_t, Time, std::int64_t>,
              Params<TillId, Incarnation>>
        find_life;
    db::Command<std::int64_t, TillId, Incarnation, Bits128> make_life;
    db::Command<EventSeq, Bits128, Time, std::int64_t> save_life;
    db::Command<EventSeq, Bits128, std::int64_t> save_mark;
    db::Query<Columns<std::int64_t>, Params<>> last_life;
    db::Query<Columns<std::int64_t>, Params<>> last_row;
    db::Query<Columns<Bits128>, Params<std::int64_t, EventSeq>> chain_at;
    db::Query<Columns<std::int64_t, Time, Time, Time, Time>, Params<TillId>> find_contact;
    db::Query<Columns<Time>, Params<TillId>> enrolled;
    db::Command<TillId, StoreId, WorkstationId, std::int64_t, Time, std::int64_t, EventSeq, std::string,
                std::string, RightsHolder, std::string, Time, Time, Time>
        save_till;
    db::Command<std::int64_t, Time, Time, Time, TillId> save_contact;
    db::Bulk<std::int64_t, std::int64_t, EventSeq, Bits128, EventId, std::int64_t, std::uint32_t,
             std::uint32_t, Time, std::int64_t, Bytes>
        insert;

    /// Bounded by clearing: a chain has thousands of tills, each with a few lives.
    std::map<LifeKey, Life> lives;
    std::map<std::int64_t, Contact> contacts;
    /// The lives that a group of batches spoke in; true: with something new.
    std::map<LifeKey, bool> touched;
    /// Stamps the server's own events after everything that has come, without following a clock that lies.
    sync::Hlc hlc;
    std::vector<FeedMoved> moved; ///< by hellos, told once
    std::int64_t next_row{};
    bool unwritten{false};
};

namespace {
constexpr std::size_t lives_max = 50'000;
} // namespace

Inbox::Inbox(db::Connection& writer) : impl_(std::make_unique<Impl>(writer)) {}
Inbox::~Inbox() = default;

Result<Life*> Inbox::Impl::life_of(TillId till, Incarnation incarnation) {
    const LifeKey key{till.value, incarnation.value};
    if (const auto known = lives.find(key); known != lives.end()) return &known->second;
    MUDI_TRY(const auto row, find_life.first(till, incarnation));
    if (!row) return nullptr;
    const auto& [id, seq, chain, safe, arrival, heard, ahead] = *row;
    return &lives.emplace(key, Life{id, {seq, chain}, safe, arrival, heard, ahead}).first->second;
}

Result<Life*> Inbox::Impl::begin_life(TillId till, Incarnation incarnation, std::int64_t ahead_ms) {
    MUDI_TRY(const auto last, last_life.first());
    const std::int64_t id = (last ? std::get<0>(*last) : 0) + 1;
    MUDI_CHECK(make_life(id, till, incarnation, Bits128{}));
    const Life life{id, {}, {}, 0, Time{}, ahead_ms};
    return &lives.emplace(LifeKey{till.value, incarnation.value}, life).first->second;
}

Result<Contact*> Inbox::Impl::contact_of(TillId till) {
    const auto known = contacts.find(till.value);
    if (known != contacts.end()) return &known->second;
    MUDI_TRY(const auto row, find_contact.first(till));
    Contact contact;
    if (row) std::tie(contact.life, contact.at, contact.returned, contact.clone, contact.forked) = *row;
    return &contacts.emplace(till.value, contact).first->second;
}

Status Inbox::Impl::store(const sync::PushedBatch& batch, const sync::AppendPlan& plan, Life& life,
                          Time now) {
    if (next_row == 0) {
        MUDI_TRY(const auto last, last_row.first());
        next_row = (last ? std::get<0>(*last) : 0) + 1;
    }
    MUDI_ASSERT(plan.chains.size() == batch.events.size() - plan.first);
    Bytes body;
    for (std::size_t i = plan.first; i < batch.events.size(); ++i) {
        const sync::Event& event = batch.events[i];
        hlc.observe(event.hlc, now);
        body.data = event.body;
        MUDI_CHECK(insert.add(next_row++, life.id, event.seq, plan.chains[i - plan.first], event.id,
                              event.hlc, event.kind, event.schema, now, life.ahead_ms, body));
    }
    life.arrival = next_row - 1;
    unwritten = true;
    counters.add(counter::received, static_cast<std::int64_t>(batch.events.size() - plan.first));
    return {};
}

/// The outer result is the database's, the inner one the till's.
Result<Result<sync::Standing>> Inbox::Impl::append_one(const sync::PushedBatch& batch, Time now) {
    MUDI_TRY(Life* const life, life_of(batch.till, batch.incarnation));
    if (life == nullptr) {
        return Result<sync::Standing>(
            fail(Code::not_found, "till.unknown", "this till has not said hello in this life"));
    }
    if (batch.events.empty()) return Result<sync::Standing>(life->standing());
    std::optional<Bits128> overlap;
    const EventSeq newest_repeated = std::min(life->mark.seq, batch.events.back().seq);
    // At the mark itself its own chain value speaks.
    if (newest_repeated < life->mark.seq && batch.events.front().seq <= newest_repeated) {
        if (unwritten) {
            MUDI_CHECK(insert.flush());
            unwritten = false;
        }
        MUDI_TRY(const auto row, chain_at.first(life->id, newest_repeated));
        if (row) overlap = std::get<0>(*row);
    }
    const sync::AppendPlan plan = sync::plan_append(life->mark, batch, overlap);
    bool& stored = touched[LifeKey{batch.till.value, batch.incarnation.value}];
    switch (plan.verdict) {
    case sync::AppendPlan::Verdict::gap:
        return Result<sync::Standing>(
            fail(Code::invalid, "sync.gap", "events before this batch have not arrived"));
    case sync::AppendPlan::Verdict::fork:
        return Result<sync::Standing>(
            fail(Code::conflict, "sync.fork", "the server knows another history of this life"));
    case sync::AppendPlan::Verdict::nothing_new: break;
    case sync::AppendPlan::Verdict::append:
        MUDI_CHECK(store(batch, plan, *life, now));
        life->mark = plan.after;
        stored = true;
        break;
    }
    return Result<sync::Standing>(life->standing());
}

Status Inbox::Impl::save_marks(Time now) {
    for (const auto& [key, stored] : touched) {
        const TillId till{key.first};
        Life& life = lives.at(key);
        MUDI_TRY(Contact* const contact, contact_of(till));
        if (stored) {
            meet(*contact, life, now);
            MUDI_CHECK(save_life(life.mark.seq, life.mark.chain, now, life.id));
        }
        // A late copy of an old push is no life that came back; anything new is.
        contact->at = now;
        MUDI_CHECK(save_contact(contact->life, now, contact->returned, contact->clone, till));
    }
    touched.clear();
    return {};
}

/// Mutant mark_apart: the mark is durable before the events are.
Status Inbox::Impl::save_marks_apart(std::span<const sync::PushedBatch> batches) {
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(writer));
    for (const sync::PushedBatch& batch : batches) {
        MUDI_TRY(const Life* const life, life_of(batch.till, batch.incarnation));
        if (life == nullptr || batch.events.empty()) continue;
        const sync::AppendPlan plan = sync::plan_append(life->mark, batch, std::nullopt);
        if (plan.verdict != sync::AppendPlan::Verdict::append) continue;
        MUDI_CHECK(save_mark(plan.after.seq, plan.after.chain, life->id));
    }
    return transaction.commit();
}

Result<std::vector<Result<sync::Standing>>> Inbox::Impl::append(std::span<const sync::PushedBatch> batches,
                                                                Time now) {
    if (lives.size() > lives_max) {
        lives.clear();
        contacts.clear();
    }
    if (mutant::planted(mutant::Bug::mark_apart)) MUDI_CHECK(save_marks_apart(batches));
    const bool too_early = mutant::planted(mutant::Bug::ack_before_commit);
    MUDI_TRY(auto transaction,
             db::WriteTransaction::begin(writer, too_early ? db::Commit::relaxed : db::Commit::durable));
    std::vector<Result<sync::Standing>> results;
    results.reserve(batches.size());
    for (const sync::PushedBatch& batch : batches) {
        MUDI_TRY(auto result, append_one(batch, now));
        results.push_back(std::move(result));
    }
    MUDI_CHECK(insert.flush());
    unwritten = false;
    MUDI_CHECK(save_marks(now));
    MUDI_CHECK(counters.flush());
    MUDI_CHECK(transaction.commit());
    return results;
}

Status Inbox::Impl::save_hello(const sync::TillHello& hello, const Contact& contact, std::int64_t ahead_ms) {
    const std::string machine = hello.machine.is_zero() ? std::string{} : to_hex(hello.machine);
    MUDI_CHECK(save_till(hello.till, hello.store, hello.workstation, contact.life, contact.at, ahead_ms,
                         hello.last, hello.version, machine, hello.holder, hello.lead_url, contact.forked,
                         contact.returned, contact.clone));
    return {};
}

Result<sync::Standing> Inbox::Impl::register_till(const sync::TillHello& hello, Time now,
                                                  std::optional<Time> asked) {
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(writer));
    const std::int64_t ahead_ms = (hello.wall - now).count();
    MUDI_TRY(Contact* const contact, contact_of(hello.till));
    MUDI_TRY(Life * life, life_of(hello.till, hello.incarnation));
    if (life == nullptr) {
        MUDI_TRY(const auto key, enrolled.first(hello.till));
        // Nothing was heard of it since it was enrolled: this is the machine for which that was done.
        const bool new_machine = key && std::get<0>(*key) > contact->at;
        if (contact->life != 0 && !new_machine) contact->forked = now;
        MUDI_TRY(life, begin_life(hello.till, hello.incarnation, ahead_ms));
    }
    for (auto& [key, other] : lives) {
        if (key.first == hello.till.value) other.ahead_ms = ahead_ms;
    }
    meet(*contact, *life, now);
    MUDI_CHECK(save_life(life->mark.seq, life->mark.chain, now, life->id));
    MUDI_CHECK(save_hello(hello, *contact, ahead_ms));
    MUDI_CHECK(rights.heard(hello, life->mark.seq, now, asked));
    MUDI_TRY(const bool opened, feed.open_bucket(hello.store));
    if (!opened) MUDI_CHECK(feed.put_lead(hello.store));
    MUDI_TRY(const auto buckets, feed.finish());
    MUDI_CHECK(transaction.commit());
    moved.insert(moved.end(), buckets.begin(), buckets.end());
    return life->standing();
}

Result<sync::Standing> Inbox::register_till(const sync::TillHello& hello, Time now,
                                            std::optional<Time> asked) {
    if (hello.till.value <= 0) return fail(Code::denied, "till.reserved", "till numbers begin at 1");
    auto result = impl_->register_till(hello, now, asked);
    if (!result) impl_->forget();
    return result;
}

Result<std::vector<Result<sync::Standing>>> Inbox::append(std::span<const sync::PushedBatch> batches,
                                                          Time now) {
    auto results = impl_->append(batches, now);
    if (!results) impl_->forget();
    return results;
}

Result<sync::Standing> Inbox::append_own(std::vector<sync::Event> events, Time now) {
    const auto begin = [this]() -> Result<sync::Standing> {
        MUDI_TRY(auto transaction, db::WriteTransaction::begin(impl_->writer));
        MUDI_TRY(Life * life, impl_->life_of(TillId{0}, own_incarnation));
        if (life == nullptr) {
            MUDI_TRY(life, impl_->begin_life(TillId{0}, own_incarnation, 0));
        }
        MUDI_CHECK(transaction.commit());
        return life->standing();
    };
    auto standing = begin();
    if (!standing) impl_->forget();
    if (!standing || events.empty()) return standing;
    std::int64_t seq = standing->mark.seq.value;
    for (sync::Event& event : events) {
        event.seq = EventSeq{++seq};
        event.hlc = impl_->hlc.next(now);
    }
    const sync::PushedBatch batch{TillId{0}, own_incarnation, standing->mark.chain, std::move(events)};
    MUDI_TRY(auto results, append({&batch, 1}, now));
    return std::move(results.front());
}

std::int64_t Inbox::hlc() const { return impl_->hlc.last(); }

Result<sync::Standing> Inbox::standing(TillId till, Incarnation incarnation) {
    MUDI_TRY(const Life* const life, impl_->life_of(till, incarnation));
    return life == nullptr ? sync::Standing{} : life->standing();
}

Result<sync::HighWater> Inbox::high_water(TillId till, Incarnation incarnation) {
    MUDI_TRY(const auto known, standing(till, incarnation));
    return known.mark;
}

std::vector<FeedMoved> Inbox::take_moved() { return std::exchange(impl_->moved, {}); }

void Inbox::forget() { impl_->forget(); }

} // namespace mudi::server
