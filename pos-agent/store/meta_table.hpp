#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <mudi/base/db/statement.hpp>
#include <mudi/sync/event.hpp>
#include <mudi/till/store.hpp>

#include "sealer.hpp"

namespace mudi::till {

/// A till's memory of rights to spend points, and on which machine it was begun.
struct RightsMemory {
    RightsHolder holder; ///< 0: none
    std::int64_t tick{};
    Bits128 machine;
    Time born; ///< 0: not known yet
};

/// The one row that says who this till is and where it stands.
struct Meta {
    Incarnation incarnation;
    std::int64_t lives{1};
    EventRow base;
    EventRow acked; ///< >= safe >= base
    EventRow safe;
    std::uint64_t ack_generation{};
    std::int64_t era{}; ///< arrival numbers heard in another era may mean something else now
    sync::FeedCursor cursor;
    std::int64_t profiles{};
    std::int64_t offers_held{};
    std::int64_t products{};
    std::int64_t raw_rows{};
    std::string program;
    RightsMemory rights;
    Time heard; ///< the server's last answer; 0: none
};

class MetaTable {
public:
    explicit MetaTable(db::Connection& connection);

    /// Reads the row, or makes it in a database that has none.
    Result<Meta> open(const StoreOptions& options, const Sealer& sealer, Incarnation fresh);
    Status save_life(const Meta& meta);
    Status save_ack(const Meta& meta);
    Status save_feed(const Meta& meta);
    Status save_program(std::string_view program);
    Status save_rights(const RightsMemory& rights);
    Status save_heard(Time heard);

private:
    Result<Meta> read();

    db::Command<TillId, StoreId, WorkstationId, Bytes, Incarnation> insert_;
    db::Query<db::Columns<TillId, StoreId, WorkstationId, Bytes>, db::Params<>> identity_;
    db::Query<db::Columns<Incarnation, std::int64_t, EventRow, EventRow, EventRow, std::uint64_t,
                          std::int64_t, std::uint64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                          std::int64_t, std::string, RightsHolder, std::int64_t, Bits128, Time, Time>,
              db::Params<>>
        read_;
    db::Command<Incarnation, std::int64_t, EventRow, EventRow, EventRow, std::uint64_t> save_life_;
    db::Command<EventRow, EventRow, std::uint64_t, std::int64_t> save_ack_;
    db::Command<std::uint64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t>
        save_feed_;
    db::Command<std::string> save_program_;
    db::Command<RightsHolder, std::int64_t, Bits128, Time> save_rights_;
    db::Command<Time> save_heard_;
};

} // namespace mudi::till
