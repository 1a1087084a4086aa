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
