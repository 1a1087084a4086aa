#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include <mudi/base/time.hpp>

namespace mudi::cli {

/// The tills of GET /api/v1/tills as a table: who they are, how far they are, and what is wrong with them.
std::string till_table(const nlohmann::json& tills, Time now);
/// The alarms of GET /api/v1/status, one line each, beginning with "ALARM"; empty when there is none.
std::string alarm_text(const nlohmann::json& status);
/// One line on GET /api/v1/points; capitals want somebody to look.
std::string points_text(const nlohmann::json& points);
/// The whole of it, a line for each figure.
std::string points_report(const nlohmann::json& points);
/// Days until the certificate of a row, or of an agent's status, ends: "396 d", "EXPIRED", "-".
std::string certificate_text(const nlohmann::json& till);
/// "now", "12 s", "3 min", "5 h", "2 d" since `us` (micro-seconds); "never" for 0.
std::string age_text(std::int64_t us, Time now);

} // namespace mudi::cli
