#include <mudi/server/backlog.hpp>

#include <algorithm>
#include <map>
#include <string>

#include <mudi/base/assert.hpp>
#include <mudi/base/db/statement.hpp>
#include <mudi/base/hash.hpp>
#include <mudi/server/counters.hpp>

namespace mudi::server {

namespace {

using db::Columns;
using db::Params;

constexpr const char* event_columns =
    "SELECT i.id, i.life, l.till, i.seq, i.event, i.hlc, i.kind, i.body_schema, i.received_ms, i.ahead_ms, "
    "i.body, p.id "
    "FROM inbox i JOIN life l ON l.life = i.life LEFT JOIN purchase p ON p.event = i.event ";
using EventColumns =
    Columns<std::int64_t, std::int64_t, TillId, EventSeq, EventId, std::int64_t, std::uint32_t, std::uint32_t,
            Time, std::int64_t, Bytes, std::optional<std::int64_t>>;

template <class Query, class... P>
Result<std::vector<WaitingEvent>> read(Query& query, std::size_t limit, const P&... parameters) {
    std::vector<WaitingEvent> events;
    MUDI_CHECK(query.each(
        [&](std::int64_t id, std::int64_t life, TillId till, EventSeq seq, EventId event, std::int64_t hlc,
            std::uint32_t kind, std::uint32_t schema, Time received, std::int64_t ahead, Bytes body,
            std::optional<std::int64_t> purchase) {
            events.push_back({id,
                              life,
                              till,
                              {seq, event, hlc, kind, schema, std::move(body.data)},
                              received,
                              Duration{ahead},
                              purchase.has_value()});
            return events.size() < limit;
        },
        parameters...));
    return events;
}

} // namespace

struct Backlog::Impl {
    explicit Impl(db::Connection& writer)
        : counters(writer),
          // A number in the text, not a parameter: PostgreSQL plans for it.
          next(writer, std::string(event_columns) + "WHERE i.id > :cursor ORDER BY i.id LIMIT " +
                           std::to_string(next_max)),
          one(writer, std::string(event_columns) + "WHERE i.id = :id"),
          taken(writer, "UPDATE life SET taken_seq = :seq WHERE life = :life AND taken_seq < :seq"),
          quarantine(
              writer,
              "INSERT INTO quarantine (id, reason, detail, attempts, tried_ms) "
              "VALUES (:id, :reason, :detail, 1, :now) ON CONFLICT (id) DO UPDATE SET reason = "
              "excluded.reason, "
              "detail = excluded.detail, attempts = quarantine.attempts + 1, tried_ms = excluded.tried_ms"),
          release(writer, "DELETE FROM quarantine WHERE id = :id"),
          find(writer, "SELECT id FROM quarantine WHERE id = :id"),
          quarantined(writer, "SELECT id FROM quarantine WHERE id > :after ORDER BY id LIMIT :limit"),
          not_understood(writer, "SELECT id FROM quarantine WHERE id > :after AND reason IN "
                                 "('event.unknown_kind', 'event.newer_schema') ORDER BY id LIMIT :limit"),
          program(writer, "SELECT value FROM meta WHERE name = 'program'"),
          save_program(writer, "INSERT INTO meta (name, value) VALUES ('program', :value) "
                               "ON CONFLICT (name) DO UPDATE SET value = excluded.value"),
          taken_own(writer, "SELECT COALESCE(MAX(taken_seq), 0) FROM life WHERE till = 0"),
          waiting_own(writer, "SELECT i.seq, i.event, i.body FROM life l JOIN inbox i ON i.life = l.life "
                              "AND i.seq > l.taken_seq WHERE l.till = 0 ORDER BY i.seq") {}

    Counters counters;
    db::Query<EventColumns, Params<std::int64_t>> next;
    db::Query<EventColumns, Params<std::int64_t>> one;
    db::Command<EventSeq, std::int64_t> taken;
    db::Command<std::int64_t, std::string, std::string, Time> quarantine;
    db::Command<std::int64_t> release;
    db::Query<Columns<std::int64_t>, Params<std::int64_t>> find;
    db::Query<Columns<std::int64_t>, Params<std::int64_t, std::size_t>> quarantined;
    db::Query<Columns<std::int64_t>, Params<std::int64_t, std::size_t>> not_understood;
    db::Query<Columns<Bytes>, Params<>> program;
    db::Command<Bytes> save_program;
    db::Query<Columns<EventSeq>, Params<>> taken_own;
    db::Query<Columns<EventSeq, EventId, Bytes>, Params<>> waiting_own;
};

Backlog::Backlog(db::Connection& writer) : impl_(std::make_unique<Impl>(writer)) {}
Backlog::~Backlog() = default;

Result<std::vector<WaitingEvent>> Backlog::next(std::size_t limit) {
    if (limit == 0) return std::vector<WaitingEvent>{};
    MUDI_TRY(const std::int64_t cursor, impl_->counters.get(counter::apply_cursor));
    return read(impl_->next, limit, cursor);
}

Result<std::optional<WaitingEvent>> Backlog::one(std::int64_t id) {
    MUDI_TRY(auto events, read(impl_->one, 1, id));
    if (events.empty()) return std::optional<WaitingEvent>{};
    return std::optional{std::move(events.front())};
}

Status Backlog::took(std::span<const WaitingEvent> events) {
    if (events.empty()) return {};
    std::map<std::int64_t, EventSeq> newest;
    for (const WaitingEvent& event : events)
        newest[event.life] = std::max(newest[event.life], event.event.seq);
    for (const auto& [life, seq] : newest) MUDI_CHECK(impl_->taken(seq, life));
    MUDI_CHECK(impl_->counters.set(counter::apply_cursor, events.back().id));
    impl_->counters.add(counter::taken, static_cast<std::int64_t>(events.size()));
    return impl_->counters.flush();
}

Status Backlog::quarantine(std::int64_t id, const Error& reason, Time now) {
    MUDI_CHECK(impl_->quarantine(id, reason.name, reason.what, now));
    return {};
}

Result<bool> Backlog::release(std::int64_t id) {
    MUDI_TRY(const std::int64_t released, impl_->release(id));
    return released > 0;
}

Result<bool> Backlog::is_quarantined(std::int64_t id) {
    MUDI_TRY(const auto row, impl_->find.first(id));
    return row.has_value();
}

Result<std::vector<std::int64_t>> Backlog::quarantined(std::int64_t after, std::size_t limit) {
    std::vector<std::int64_t> ids;
    MUDI_CHECK(impl_->quarantined.each([&](std::int64_t id) { ids.push_back(id); }, after, limit));
    return ids;
}

Result<std::vector<std::int64_t>> Backlog::not_understood(std::int64_t after, std::size_t limit) {
    std::vector<std::int64_t> ids;
    MUDI_CHECK(impl_->not_understood.each([&](std::int64_t id) { ids.push_back(id); }, after, limit));
    return ids;
}

Result<std::string> Backlog::program() {
    MUDI_TRY(auto row, impl_->program.first());
    return row ? std::move(std::get<0>(*row).data) : std::string{};
}

Status Backlog::save_program(const std::string& program) {
    MUDI_CHECK(impl_->save_program(Bytes{program}));
    return {};
}

Result<EventSeq> Backlog::own_taken() {
    MUDI_TRY(const auto row, impl_->taken_own.first());
    return row ? std::get<0>(*row) : EventSeq{};
}

Result<std::vector<Backlog::OwnWaiting>> Backlog::own_waiting() {
    std::vector<OwnWaiting> events;
    MUDI_CHECK(impl_->waiting_own.each([&](EventSeq seq, EventId event, const Bytes& body) {
        events.push_back({seq, event, hash128(body.data)});
    }));
    return events;
}

} // namespace mudi::server
