#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mudi {

/// Wall-clock instant in UTC, milliseconds. A till's clock lies: order events by (till, incarnation, seq).
using Time = std::chrono::sys_time<std::chrono::milliseconds>;
/// Steady instant for time-outs; its zero means nothing and it never jumps.
using MonoTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::milliseconds>;
using Duration = std::chrono::milliseconds;

inline std::int64_t to_ms(Time time) { return time.time_since_epoch().count(); }
inline Time time_from_ms(std::int64_t ms) { return Time{Duration{ms}}; }

/// "2026-11-21T10:15:30.123Z".
std::string format_time(Time time);
/// The form above; milliseconds are optional, also "2026-11-21 10:15:30" (taken as UTC). Empty on anything
/// else.
std::optional<Time> parse_time(std::string_view text);

/// The shop's own accounting day. `yyyymmdd` keeps it readable in SQL; it is always a real calendar date.
struct BusinessDay {
    std::int32_t yyyymmdd{};

    friend auto operator<=>(const BusinessDay&, const BusinessDay&) = default;
};

/// "2026-11-21"; empty unless it is a real date between 1970 and 9999.
std::optional<BusinessDay> parse_business_day(std::string_view text);
std::string format_business_day(BusinessDay day);
/// The day at `time` in a shop whose clock stands `offset` ahead of UTC (India: 330 minutes).
BusinessDay business_day_at(Time time, std::chrono::minutes offset);
std::chrono::sys_days to_days(BusinessDay day);

} // namespace mudi
