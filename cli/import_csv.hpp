#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <mudi/base/result.hpp>

#include "cli/server_client.hpp"

namespace mudi::cli {

struct RefusedRow {
    std::int64_t row{};
    std::string code;
    std::string detail;
};
struct ImportTotals {
    std::int64_t rows{};
    std::int64_t stored{};
    std::int64_t unchanged{};
    std::vector<RefusedRow> refused;
};

/// Sends a CSV text in parts, rows of one purchase together. `what`: customers, products or purchases. An
/// error leaves the parts before it stored; sending the text again is safe.
Result<ImportTotals> import_csv(ApiClient& server, const std::string& what, std::string_view text,
                                bool quiet);

} // namespace mudi::cli
