#include <mudi/server/inbox.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>

#include <mudi/base/assert.hpp>
#include <mudi/base/db/bulk.hpp>
#include <mudi/base/db/statement.hpp>
#include <mudi/server/counters.hpp>
#include <mudi/server/feed.hpp>

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
    std::int64_t ahead_ms{};
};

} // namespace

struct Inbox::Impl {
    explicit Impl(db::Connection& connection)
        : writer(connection), counters(connection), feed(connection),
          find_life(
              connection,
              "SELECT l.life, l.seq, l.chain, COALESCE(t.ahead_ms, 0) FROM life l "
              "LEFT JOIN till t ON t.till = l.till WHERE l.till = :till AND l.incarnation = :incarnation"),
          make_life(connection, "INSERT INTO life (life, till, incarnation, seq, chain, taken_seq) "
                                "VALUES (:life, :till, :incarnation, 0, :chain, 0)"),
          save_life(connection, "UPDATE life SET seq = :seq, chain = :chain WHERE life = :life"),
          last_life(connection, "SELECT COALESCE(MAX(life), 0) FROM life"),
          last_row(connection, "SELECT COALESCE(MAX(id), 0) FROM inbox"),
          chain_at(connection, "SELECT chain FROM inbox WHERE life = :life AND seq = :seq"),
          save_till(connection,
                    "INSERT INTO till (till, store, workstation, life, last_contact_ms, ahead_ms) "
                    "VALUES (:till, :store, :workstation, :life, :contact, :ahead) ON CONFLICT (till) DO "
                    "UPDATE SET "
                    "store = excluded.store, workstation = excluded.workstation, life = excluded.life, "
                    "last_contact_ms = excluded.last_contact_ms, ahead_ms = excluded.ahead_ms"),
          save_contact(connection, "UPDATE till SET last_contact_ms = :contact WHERE till = :till"),
          insert(connection, "inbox",
                 "id, life, seq, chain, event, hlc, kind, body_schema, received_ms, ahead_ms, body") {}

    Result<Life*> life_of(TillId till, Incarnation incarnation);
    Result<Life*> begin_life(TillId till, Incarnation incarnation, std::int64_t ahead_ms);
    Result<Result<sync::HighWater>> append_one(const sync::PushedBatch& batch, Time now);
    Status store(const sync::PushedBatch& batch, const sync::AppendPlan& plan, Life& life, Time now);
    Result<std::vector<Result<sync::HighWater>>> append(std::span<const sync::PushedBatch> batches, Time now);
    Status save_marks(Time now);
    Result<sync::HighWater> register_till(const sync::TillHello& hello, Time now);
    /// What is remembered of the database is true only while every transaction commits.
    void forget() {
        lives.clear();
        touched.clear();
        counters.forget();
        feed.forget();
        next_row = 0;
        unwritten = false;
    }

    db::Connection& writer;
    Counters counters;
    FeedWriter feed;
    db::Query<Columns<std::int64_t, EventSeq, Bits128, std::int64_t>, Params<TillId, Incarnation>> find_life;
    db::Command<std::int64_t, TillId, Incarnation, Bits128> make_life;
    db::Command<EventSeq, Bits128, std::int64_t> save_life;
    db::Query<Columns<std::int64_t>, Params<>> last_life;
    db::Query<Columns<std::int64_t>, Params<>> last_row;
    db::Query<Columns<Bits128>, Params<std::int64_t, EventSeq>> chain_at;
    db::Command<TillId, StoreId, WorkstationId, std::int64_t, Time, std::int64_t> save_till;
    db::Command<Time, TillId> save_contact;
    db::Bulk<std::int64_t, std::int64_t, EventSeq, Bits128, EventId, std::int64_t, std::uint32_t,
             std::uint32_t, Time, std::int64_t, Bytes>
        insert;

    /// Bounded by clearing: a chain has thousands of tills, each with a few lives.
    std::map<LifeKey, Life> lives;
    std::map<LifeKey, Life*> touched;
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
    const auto& [id, seq, chain, ahead] = *row;
    return &lives.emplace(key, Life{id, {seq, chain}, ahead}).first->second;
}

Result<Life*> Inbox::Impl::begin_life(TillId till, Incarnation incarnation, std::int64_t ahead_ms) {
    MUDI_TRY(const auto last, last_life.first());
    const std::int64_t id = (last ? std::get<0>(*last) : 0) + 1;
    MUDI_CHECK(make_life(id, till, incarnation, Bits128{}));
    return &lives.emplace(LifeKey{till.value, incarnation.value}, Life{id, {}, ahead_ms}).first->second;
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
        body.data = event.body;
        MUDI_CHECK(insert.add(next_row++, life.id, event.seq, plan.chains[i - plan.first], event.id,
                              event.hlc, event.kind, event.schema, now, life.ahead_ms, body));
    }
    unwritten = true;
    counters.add(counter::received, static_cast<std::int64_t>(batch.events.size() - plan.first));
    return {};
}

/// The outer result is the database's, the inner one the till's.
Result<Result<sync::HighWater>> Inbox::Impl::append_one(const sync::PushedBatch& batch, Time now) {
    MUDI_TRY(Life* const life, life_of(batch.till, batch.incarnation));
    if (life == nullptr) {
        return Result<sync::HighWater>(
            fail(Code::not_found, "till.unknown", "this till has not said hello in this life"));
    }
    if (batch.events.empty()) return Result<sync::HighWater>(life->mark);
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
    switch (plan.verdict) {
    case sync::AppendPlan::Verdict::gap:
        return Result<sync::HighWater>(
            fail(Code::invalid, "sync.gap", "events before this batch have not arrived"));
    case sync::AppendPlan::Verdict::fork:
        return Result<sync::HighWater>(
            fail(Code::conflict, "sync.fork", "the server knows another history of this life"));
    case sync::AppendPlan::Verdict::nothing_new: break;
    case sync::AppendPlan::Verdict::append:
        MUDI_CHECK(store(batch, plan, *life, now));
        life->mark = plan.after;
        break;
    }
    touched[LifeKey{batch.till.value, batch.incarnation.value}] = life;
    return Result<sync::HighWater>(life->mark);
}

Status Inbox::Impl::save_marks(Time now) {
    std::int64_t last_till = -1;
    for (const auto& [key, life] : touched) {
        MUDI_CHECK(save_life(life->mark.seq, life->mark.chain, life->id));
        if (key.first != last_till) MUDI_CHECK(save_contact(now, TillId{key.first}));
        last_till = key.first;
    }
    touched.clear();
    return {};
}

Result<std::vector<Result<sync::HighWater>>> Inbox::Impl::append(std::span<const sync::PushedBatch> batches,
                                                                 Time now) {
    if (lives.size() > lives_max) lives.clear();
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(writer));
    std::vector<Result<sync::HighWater>> results;
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

Result<sync::HighWater> Inbox::Impl::register_till(const sync::TillHello& hello, Time now) {
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(writer));
    const std::int64_t ahead_ms = (hello.wall - now).count();
    MUDI_TRY(Life * life, life_of(hello.till, hello.incarnation));
    if (life == nullptr) {
        MUDI_TRY(life, begin_life(hello.till, hello.incarnation, ahead_ms));
    }
    for (auto& [key, other] : lives) {
        if (key.first == hello.till.value) other.ahead_ms = ahead_ms;
    }
    MUDI_CHECK(save_till(hello.till, hello.store, hello.workstation, life->id, now, ahead_ms));
    MUDI_TRY(const bool opened, feed.open_bucket(hello.store));
    if (opened) MUDI_CHECK(feed.finish());
    MUDI_CHECK(transaction.commit());
    return life->mark;
}

Result<sync::HighWater> Inbox::register_till(const sync::TillHello& hello, Time now) {
    if (hello.till.value <= 0) return fail(Code::denied, "till.reserved", "till numbers begin at 1");
    auto result = impl_->register_till(hello, now);
    if (!result) impl_->forget();
    return result;
}

Result<std::vector<Result<sync::HighWater>>> Inbox::append(std::span<const sync::PushedBatch> batches,
                                                           Time now) {
    auto results = impl_->append(batches, now);
    if (!results) impl_->forget();
    return results;
}

Result<sync::HighWater> Inbox::append_own(std::vector<sync::Event> events, Time now) {
    const auto begin = [this]() -> Result<sync::HighWater> {
        MUDI_TRY(auto transaction, db::WriteTransaction::begin(impl_->writer));
        MUDI_TRY(Life * life, impl_->life_of(TillId{0}, own_incarnation));
        if (life == nullptr) {
            MUDI_TRY(life, impl_->begin_life(TillId{0}, own_incarnation, 0));
        }
        MUDI_CHECK(transaction.commit());
        return life->mark;
    };
    auto mark = begin();
    if (!mark) impl_->forget();
    if (!mark || events.empty()) return mark;
    std::int64_t seq = mark->seq.value;
    for (sync::Event& event : events) event.seq = EventSeq{++seq};
    const sync::PushedBatch batch{TillId{0}, own_incarnation, mark->chain, std::move(events)};
    MUDI_TRY(auto results, append({&batch, 1}, now));
    return std::move(results.front());
}

Result<sync::HighWater> Inbox::high_water(TillId till, Incarnation incarnation) {
    MUDI_TRY(const Life* const life, impl_->life_of(till, incarnation));
    return life == nullptr ? sync::HighWater{} : life->mark;
}

} // namespace mudi::server
