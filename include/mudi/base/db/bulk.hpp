#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <mudi/base/db/column.hpp>
#include <mudi/base/db/connection.hpp>

namespace mudi::db {

/// Many rows of one table at once: the native prepared statement on SQLite, one `INSERT … SELECT FROM unnest`
/// on PostgreSQL. The hot path of inbox and projections. Runs inside the caller's WriteTransaction; rows
/// gathered in one that was rolled back are forgotten. With "ON CONFLICT (a, b) DO UPDATE" rows of one key
/// are applied one after the other, as if inserted singly.
class BulkInserter {
public:
    /// `columns` is "a, b, c" in the order of the values; `on_conflict` is empty or "ON CONFLICT … DO …".
    BulkInserter(Connection& connection, std::string_view table, std::string_view columns,
                 std::string_view on_conflict, std::vector<Slot> prototype);
    BulkInserter(BulkInserter&&) noexcept;
    BulkInserter& operator=(BulkInserter&&) noexcept;
    ~BulkInserter();

    Slot& value(std::size_t index);
    /// Takes over the values as they stand. SQLite writes at once, PostgreSQL gathers.
    Status add_row();
    /// All rows are in the transaction after this. Gives the rows inserted or changed since the last flush.
    Result<std::int64_t> flush();

private:
    std::unique_ptr<BulkBackend> backend_;
};

template <class... T>
class Bulk {
public:
    Bulk(Connection& connection, std::string_view table, std::string_view columns,
         std::string_view on_conflict = {})
        : inserter_(connection, table, columns, on_conflict, {make_slot<T>()...}) {}

    Status add(const T&... values) {
        put_all(std::index_sequence_for<T...>{}, values...);
        return inserter_.add_row();
    }
    Result<std::int64_t> flush() { return inserter_.flush(); }

private:
    template <std::size_t... I>
    void put_all(std::index_sequence<I...>, const T&... values) {
        (put<T>(inserter_.value(I), values), ...);
    }

    BulkInserter inserter_;
};

} // namespace mudi::db
