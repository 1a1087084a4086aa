#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <mudi/base/db/statement.hpp>
#include <mudi/sync/event.hpp>
#include <mudi/till/store.hpp>

#include "sealer.hpp"

namespace mudi::till {

/// The one row that says who this till is and where it stands.
struct Meta {
    Incarnation incarnation;
    EventRow base;
    EventRow acked;
    std::uint64_t ack_generation{};
    sync::FeedCursor cursor;
    std::int64_t epoch{};
    bool sweeping{false};
    std::int64_t profiles{};
    std::int64_t offers_held{};
    std::int64_t products{};
};

class MetaTable {
public:
    explicit MetaTable(db::Connection& connection);

    /// Reads the row, or makes it in a database that has none.
    Result<Meta> open(const StoreOptions& options, const Sealer& sealer, Incarnation fresh);
    Status save_life(const Meta& meta);
    Status save_ack(const Meta& meta);
    Status save_feed(const Meta& meta);

private:
    Result<Meta> read();

    db::Command<TillId, StoreId, WorkstationId, Bytes, Incarnation> insert_;
    db::Query<db::Columns<TillId, StoreId, WorkstationId, Bytes>, db::Params<>> identity_;
    db::Query<db::Columns<Incarnation, EventRow, EventRow, std::uint64_t, std::uint64_t, std::int64_t,
                          std::int64_t, bool, std::int64_t, std::int64_t, std::int64_t>,
              db::Params<>>
        read_;
    db::Command<Incarnation, EventRow, EventRow, std::uint64_t> save_life_;
    db::Command<EventRow, std::uint64_t> save_ack_;
    db::Command<std::uint64_t, std::int64_t, std::int64_t, bool, std::int64_t, std::int64_t, std::int64_t>
        save_feed_;
};

} // namespace mudi::till
