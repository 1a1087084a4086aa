#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <mudi/base/db/statement.hpp>
#include <mudi/sync/event.hpp>
#include <mudi/till/store.hpp>

#include "sealer.hpp"

namespace mudi::till {

/// Where the chain of events ends.
struct ChainEnd {
    EventRow row;
    Bits128 chain;
    std::int64_t hlc{};
};

/// What happened, in order; the outbox.
class EventTable {
public:
    EventTable(db::Connection& connection, const Sealer& sealer);

    /// Row 0 and a zero chain when there is none.
    Result<ChainEnd> last();
    Result<std::optional<EventRow>> first();
    Result<bool> has(EventId id);
    Status insert(EventRow row, const sync::Event& event, Bits128 chain, Time captured);
    /// The whole event but for its seq.
    Result<std::optional<sync::Event>> find(EventRow row);
    Result<std::optional<Bits128>> chain_at(EventRow row);
    /// Events after `after`, oldest first; seq is the row less `base`.
    Result<std::vector<sync::Event>> read(EventRow after, EventRow base, const OutboxLimits& limits);
    /// Computes the chain anew from the first event kept. Gives its end.
    Result<Bits128> rechain();
    /// The newest row that prune() may take away: captured before `before`, older than row `keep`, at most
    /// `count_max` rows.
    Result<std::optional<EventRow>> prunable(Time before, EventRow keep, std::int64_t count_max);
    Result<std::int64_t> erase_up_to(EventRow row);

private:
    using EventColumns = db::Columns<EventRow, EventId, std::int64_t, std::uint32_t, std::uint32_t, Bytes>;
    Result<sync::Event> take(EventId id, std::int64_t hlc, std::uint32_t kind, std::uint32_t schema,
                             const Bytes& body);

    const Sealer& sealer_;
    db::Query<db::Columns<EventRow, Bits128, std::int64_t>, db::Params<>> last_;
    db::Query<db::Columns<EventRow>, db::Params<>> first_;
    db::Query<db::Columns<std::int64_t>, db::Params<EventId>> has_;
    db::Command<EventRow, EventId, std::int64_t, std::uint32_t, std::uint32_t, Bits128, Bytes, Time> insert_;
    db::Query<EventColumns, db::Params<EventRow>> find_;
    db::Query<db::Columns<Bits128>, db::Params<EventRow>> chain_at_;
    db::Query<EventColumns, db::Params<EventRow, std::int64_t>> read_;
    db::Query<db::Columns<EventRow, Bytes>, db::Params<EventRow>> bodies_;
    db::Command<Bits128, EventRow> set_chain_;
    db::Query<db::Columns<std::optional<EventRow>>, db::Params<EventRow, Time, std::int64_t>> prunable_;
    db::Command<EventRow> erase_;
};

} // namespace mudi::till
