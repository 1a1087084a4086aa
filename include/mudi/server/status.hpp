#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/id.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>

namespace mudi::server {

/// The figures of the status page. Read from counters: cheap at any size.
struct StatusCounts {
    std::uint64_t generation{};
    std::int64_t purchases{}; ///< all kinds, training included
    std::int64_t lines{};
    std::int64_t profiles{};
    std::int64_t source_records{};
    std::int64_t merges{};        ///< times two profiles turned out to be one
    std::int64_t offers_out{};    ///< offers profiles hold now
    std::int64_t offers_pushed{}; ///< offers made, ever
    std::int64_t feed_rows{};
    std::int64_t received{};
    std::int64_t applied{}; ///< duplicates included
    std::int64_t waiting{};
    std::int64_t quarantined{};
    std::int64_t dirty_profiles{}; ///< whose offers are to be chosen again
    Duration lag{};                ///< age of the oldest event not yet applied; 0 when none waits
    std::int64_t tills{};
    std::int64_t database_bytes{};
};

struct TillRow {
    TillId till;
    StoreId store;
    WorkstationId workstation;
    Incarnation incarnation; ///< its latest life
    EventSeq acked;          ///< durable here, of that life
    std::int64_t received{}; ///< events of all its lives
    Duration lag{};          ///< age of its oldest event not yet applied
    Time last_contact;
    Duration clock_ahead{};
};

/// Constructible on any connection.
class StatusReader {
public:
    explicit StatusReader(db::Connection& connection);
    StatusReader(const StatusReader&) = delete;
    StatusReader& operator=(const StatusReader&) = delete;
    ~StatusReader();

    Result<StatusCounts> counts(Time now);
    /// By till number, without the server's own till 0.
    Result<std::vector<TillRow>> tills(Time now);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace mudi::server
