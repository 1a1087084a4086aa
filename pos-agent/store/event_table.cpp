#include "event_table.hpp"

#include <algorithm>
#include <utility>

namespace mudi::till {

EventTable::EventTable(db::Connection& connection, const Sealer& sealer)
    : sealer_(sealer), last_(connection, "SELECT row, chain, hlc FROM event ORDER BY row DESC LIMIT 1"),
      first_(connection, "SELECT row FROM event ORDER BY row LIMIT 1"),
      has_(connection, "SELECT 1 FROM event WHERE id = :id"),
      insert_(connection, "INSERT INTO event (row, id, hlc, kind, schema, chain, body, captured_ms) "
                          "VALUES (:row, :id, :hlc, :kind, :schema, :chain, :body, :captured)"),
      find_(connection, "SELECT row, id, hlc, kind, schema, body FROM event WHERE row = :row"),
      chain_at_(connection, "SELECT chain FROM event WHERE row = :row"),
      read_(connection, "SELECT row, id, hlc, kind, schema, body FROM event WHERE row > :after ORDER BY row "
                        "LIMIT :count_max"),
      bodies_(connection, "SELECT row, body FROM event WHERE row > :after ORDER BY row LIMIT 500"),
      set_chain_(connection, "UPDATE event SET chain = :chain WHERE row = :row"),
      // Stops at the first event that must stay, so that what is kept is always the whole end of the chain.
      prunable_(connection, "SELECT coalesce(min(CASE WHEN row >= :keep OR captured_ms >= :before THEN row "
                            "END) - 1, max(row)) "
                            "FROM (SELECT row, captured_ms FROM event ORDER BY row LIMIT :count_max)"),
      erase_(connection, "DELETE FROM event WHERE row <= :row") {}

Result<ChainEnd> EventTable::last() {
    MUDI_TRY(const auto row, last_.first());
    if (!row) return ChainEnd{};
    return ChainEnd{std::get<0>(*row), std::get<1>(*row), std::get<2>(*row)};
}

Result<std::optional<EventRow>> EventTable::first() {
    MUDI_TRY(const auto row, first_.first());
    if (!row) return std::optional<EventRow>{};
    return std::optional{std::get<0>(*row)};
}

Result<bool> EventTable::has(EventId id) {
    MUDI_TRY(const auto row, has_.first(id));
    return row.has_value();
}

Status EventTable::insert(EventRow row, const sync::Event& event, Bits128 chain, Time captured) {
    MUDI_CHECK(insert_(row, event.id, event.hlc, event.kind, event.schema, chain, sealer_.seal(event.body),
                       captured));
    return {};
}

Result<sync::Event> EventTable::take(EventId id, std::int64_t hlc, std::uint32_t kind, std::uint32_t schema,
                                     const Bytes& body) {
    MUDI_TRY(auto plain, sealer_.open(body));
    return sync::Event{EventSeq{}, id, hlc, kind, schema, std::move(plain)};
}

Result<std::optional<sync::Event>> EventTable::find(EventRow row) {
    MUDI_TRY(const auto found, find_.first(row));
    if (!found) return std::optional<sync::Event>{};
    const auto& [at, id, hlc, kind, schema, body] = *found;
    MUDI_TRY(auto event, take(id, hlc, kind, schema, body));
    return std::optional{std::move(event)};
}

Result<std::optional<Bits128>> EventTable::chain_at(EventRow row) {
    MUDI_TRY(const auto found, chain_at_.first(row));
    if (!found) return std::optional<Bits128>{};
    return std::optional{std::get<0>(*found)};
}

Result<std::vector<sync::Event>> EventTable::read(EventRow after, EventRow base, const OutboxLimits& limits) {
    std::vector<sync::Event> events;
    std::size_t bytes = 0;
    Status damaged;
    const auto add = [&](EventRow row, EventId id, std::int64_t hlc, std::uint32_t kind, std::uint32_t schema,
                         const Bytes& body) {
        auto event = take(id, hlc, kind, schema, body);
        if (!event) {
            damaged = tl::make_unexpected(event.error());
            return false;
        }
        bytes += event->body.size();
        if (!events.empty() && bytes > limits.bytes_max) return false;
        event->seq = EventSeq{row.value - base.value};
        events.push_back(*std::move(event));
        return bytes <= limits.bytes_max;
    };
    const auto count_max = static_cast<std::int64_t>(std::max<std::size_t>(limits.events_max, 1));
    MUDI_CHECK(read_.each(add, after, count_max));
    MUDI_CHECK(std::move(damaged));
    return events;
}

Result<Bits128> EventTable::rechain() {
    Bits128 chain;
    EventRow after;
    for (;;) {
        MUDI_TRY(const auto rows, bodies_.all(after));
        if (rows.empty()) return chain;
        for (const auto& [row, sealed] : rows) {
            MUDI_TRY(const auto body, sealer_.open(sealed));
            chain = chain_next(chain, body);
            MUDI_CHECK(set_chain_(chain, row));
            after = row;
        }
    }
}

Result<std::optional<EventRow>> EventTable::prunable(Time before, EventRow keep, std::int64_t count_max) {
    MUDI_TRY(const auto found, prunable_.first(keep, before, count_max));
    return found ? std::get<0>(*found) : std::nullopt;
}

Result<std::int64_t> EventTable::erase_up_to(EventRow row) { return erase_(row); }

} // namespace mudi::till
