#include <mudi/server/quarantine.hpp>

#include <mudi/base/db/statement.hpp>

namespace mudi::server {

namespace {

using Row = db::Columns<std::int64_t, TillId, Incarnation, EventSeq, EventId, std::int64_t, std::uint32_t,
                        std::uint32_t, std::string, std::string, std::int64_t, Time, Time>;
constexpr const char* columns =
    "SELECT q.id, l.till, l.incarnation, i.seq, i.event, i.hlc, i.kind, i.body_schema, q.reason, q.detail, "
    "q.attempts, "
    "i.received_ms, q.tried_ms FROM quarantine q JOIN inbox i ON i.id = q.id JOIN life l ON l.life = i.life ";

template <class Query, class... P>
Result<std::vector<QuarantinedEvent>> read(Query& query, const P&... parameters) {
    std::vector<QuarantinedEvent> events;
    MUDI_CHECK(query.each(
        [&](std::int64_t id, TillId till, Incarnation incarnation, EventSeq seq, EventId event,
            std::int64_t hlc, std::uint32_t kind, std::uint32_t schema, std::string reason,
            std::string detail, std::int64_t attempts, Time received, Time tried) {
            events.push_back({id,
                              till,
                              incarnation,
                              {seq, event, hlc, kind, schema, {}},
                              std::move(reason),
                              std::move(detail),
                              attempts,
                              received,
                              tried});
        },
        parameters...));
    return events;
}

} // namespace

struct QuarantineReader::Impl {
    explicit Impl(db::Connection& connection)
        : list(connection, std::string(columns) + "ORDER BY q.id LIMIT :limit"),
          one(connection, std::string(columns) + "WHERE q.id = :id"),
          body(connection, "SELECT body FROM inbox WHERE id = :id") {}

    db::Query<Row, db::Params<std::size_t>> list;
    db::Query<Row, db::Params<std::int64_t>> one;
    db::Query<db::Columns<Bytes>, db::Params<std::int64_t>> body;
};

QuarantineReader::QuarantineReader(db::Connection& connection) : impl_(std::make_unique<Impl>(connection)) {}
QuarantineReader::~QuarantineReader() = default;

Result<std::vector<QuarantinedEvent>> QuarantineReader::list(std::size_t limit) {
    return read(impl_->list, limit);
}

Result<QuarantinedEvent> QuarantineReader::show(std::int64_t id) {
    MUDI_TRY(auto found, read(impl_->one, id));
    if (found.empty())
        return fail(Code::not_found, "quarantine.unknown", "no event of this number is in quarantine");
    MUDI_TRY(auto body, impl_->body.first(id));
    if (body) found.front().event.body = std::move(std::get<0>(*body).data);
    return std::move(found.front());
}

} // namespace mudi::server
