#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/result.hpp>

namespace mudi::server {

/// Names of the rows in table counter.
namespace counter {
inline constexpr std::string_view received = "inbox.received";
inline constexpr std::string_view apply_cursor =
    "apply.cursor"; ///< arrival id of the last event taken, not a sum
inline constexpr std::string_view taken = "apply.taken";
inline constexpr std::string_view purchases = "purchases";
inline constexpr std::string_view lines = "lines";
inline constexpr std::string_view records = "source_records";
inline constexpr std::string_view profiles = "profiles";
inline constexpr std::string_view merges = "merges";
inline constexpr std::string_view offers_out = "offers_out";
inline constexpr std::string_view offers_pushed = "offers_pushed";
inline constexpr std::string_view feed_rows = "feed_rows";
inline constexpr std::string_view feed_version =
    "feed.version"; ///< given out last, over all buckets; not a sum
/// Spent under rights that did not cover it.
inline constexpr std::string_view points_breached = "points.breached";
/// Of these, seen by an operator. Not a sum.
inline constexpr std::string_view points_confirmed = "points.confirmed";
/// How often points were set aside: by it a database that was put back is told (RightsBook::moves).
inline constexpr std::string_view points_moves = "points.moves";
/// When history was lost with a restore (mudi/server/rights.hpp), in ms; 0: never, or over. Not a sum.
inline constexpr std::string_view points_settling = "points.settling";
/// Number of the first start after the restore that was settled last. Not a sum; nor are the next ones.
inline constexpr std::string_view points_settled = "points.settled";
/// The policy by which the slices were made.
inline constexpr std::string_view points_offline = "points.offline";
inline constexpr std::string_view points_store_max = "points.store_max";
inline constexpr std::string_view points_till_max = "points.till_max";
} // namespace counter

/// Running figures, changed inside the caller's write transaction.
class Counters {
public:
    explicit Counters(db::Connection& writer);
    Counters(const Counters&) = delete;
    Counters& operator=(const Counters&) = delete;
    ~Counters();

    /// Gathered until flush().
    void add(std::string_view name, std::int64_t delta);
    /// At once.
    Status set(std::string_view name, std::int64_t value);
    /// 0 when it was never written. Does not see what is only gathered.
    Result<std::int64_t> get(std::string_view name);
    Status flush();
    /// After a rollback.
    void forget();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace mudi::server
