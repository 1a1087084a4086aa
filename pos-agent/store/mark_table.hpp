#pragma once

#include <cstdint>

#include <mudi/base/db/statement.hpp>
#include <mudi/till/storage.hpp>

namespace mudi::till {

/// Which own event has which arrival number at the server, for those at which the server's mark has stood.
/// Later rows have higher numbers.
class MarkTable {
public:
    explicit MarkTable(db::Connection& connection);

    /// Forgets what contradicts it.
    Status put(EventRow row, std::int64_t arrival);
    Status erase_after(EventRow row);
    Status erase_before(EventRow row);
    Status clear();
    Result<bool> has(EventRow row);
    /// The newest event that surely arrived by then; row 0 when none is known to.
    Result<EventRow> arrived_by(std::int64_t arrival);

private:
    db::Command<EventRow, std::int64_t> put_;
    db::Command<EventRow, std::int64_t> erase_contrary_;
    db::Command<EventRow> erase_after_;
    db::Command<EventRow> erase_before_;
    db::Query<db::Columns<std::int64_t>, db::Params<EventRow>> has_;
    db::Query<db::Columns<EventRow>, db::Params<std::int64_t>> arrived_by_;
};

} // namespace mudi::till
