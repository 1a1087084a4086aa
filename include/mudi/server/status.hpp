#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/id.hpp>
#include <mudi/base/money.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>

namespace mudi::server {

/// The figures of the status page. Read from counters: cheap at any size.
struct StatusCounts {
    std::uint64_t generation{}; ///< of the newest start; 0: never started
    std::int64_t starts{};      ///< that are remembered
    std::int64_t purchases{};   ///< all kinds, training included
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
    std::int64_t unsafe{};  ///< received events that no verified backup has, of every life
    std::int64_t backups{}; ///< verified ones, ever
    std::optional<Time> backup_verified;
    std::int64_t tills_enrolled{};
    std::int64_t tills_revoked{};
    Points points_breached;  ///< ever spent without cover
    Points points_confirmed; ///< of these, seen by an operator
    bool points_settling{};  ///< after a restore: none are given out (RightsBook::settle)
};

struct TillRow {
    TillId till;
    StoreId store;
    WorkstationId workstation;
    Incarnation incarnation; ///< the life that was heard of last
    EventSeq acked;          ///< durable here, of that life
    EventSeq captured;       ///< of that life, as far as is known here
    std::int64_t received{}; ///< events of all its lives
    Duration lag{};          ///< age of its oldest event not yet applied
    Time last_contact;
    Duration clock_ahead{};
    std::int64_t unsent{}; ///< captured - acked
    std::int64_t unsafe{}; ///< events of all its lives that no verified backup has
    std::int64_t lives{};
    /// When it last began a new life that no enrolment explains: its history forked.
    std::optional<Time> forked;
    /// Two of its lives came in turns, within clone_contact of each other, during the last clone_shown.
    bool clone{false};
    std::int64_t quarantined{};
    bool enrolled{false};
    bool revoked{false};
    std::optional<Time> certificate_until;
    std::string program; ///< its version, as its hello said
    std::string lead_url;
};
inline constexpr Duration clone_contact = std::chrono::minutes{10};
inline constexpr Duration clone_shown = std::chrono::hours{24};

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
