#include "mark_table.hpp"

namespace mudi::till {

MarkTable::MarkTable(db::Connection& connection)
    : put_(connection, "INSERT INTO ack_mark (row, arrival) VALUES (:row, :arrival) "
                       "ON CONFLICT (row) DO UPDATE SET arrival = excluded.arrival"),
      erase_contrary_(connection, "DELETE FROM ack_mark WHERE row < :row AND arrival >= :arrival"),
      erase_after_(connection, "DELETE FROM ack_mark WHERE row > :row"),
      erase_before_(connection, "DELETE FROM ack_mark WHERE row < :row"),
      has_(connection, "SELECT 1 FROM ack_mark WHERE row = :row"),
      arrived_by_(connection,
                  "SELECT row FROM ack_mark WHERE arrival <= :arrival ORDER BY arrival DESC LIMIT 1") {}

Status MarkTable::put(EventRow row, std::int64_t arrival) {
    MUDI_CHECK(erase_contrary_(row, arrival));
    MUDI_CHECK(put_(row, arrival));
    return {};
}

Status MarkTable::erase_after(EventRow row) {
    MUDI_CHECK(erase_after_(row));
    return {};
}

Status MarkTable::erase_before(EventRow row) {
    MUDI_CHECK(erase_before_(row));
    return {};
}

Status MarkTable::clear() { return erase_after(EventRow{-1}); }

Result<bool> MarkTable::has(EventRow row) {
    MUDI_TRY(const auto found, has_.first(row));
    return found.has_value();
}

Result<EventRow> MarkTable::arrived_by(std::int64_t arrival) {
    MUDI_TRY(const auto found, arrived_by_.first(arrival));
    return found ? std::get<0>(*found) : EventRow{};
}

} // namespace mudi::till
