#include "cli/import_csv.hpp"

#include <chrono>
#include <utility>

#include <nlohmann/json.hpp>

#include "cli/terminal.hpp"

namespace mudi::cli {
namespace {

using nlohmann::json;

/// Rows per request: small enough to show progress and stay below the server's body limit, large enough for
/// its transactions.
constexpr std::size_t part_bytes = 512 * 1024;

/// End of the record that `from` lies in, past its line end: quotes may hold line ends.
std::size_t record_end(std::string_view text, std::size_t from) {
    bool quoted = false;
    for (std::size_t at = from; at < text.size(); ++at) {
        if (text[at] == '"') quoted = !quoted;
        if (text[at] == '\n' && !quoted) return at + 1;
    }
    return text.size();
}

/// First cells of a purchases row name its transaction: rows of one transaction must travel together.
std::string transaction_of(std::string_view record) {
    std::size_t commas = 0, at = 0;
    while (at < record.size() && commas < 4) commas += record[at++] == ',' ? 1u : 0u;
    return std::string(record.substr(0, at));
}

Status send_part(ApiClient& server, const std::string& what, std::string body, ImportTotals& totals) {
    MUDI_TRY(const json answer, server.send("POST", "/api/v1/import/" + what, std::move(body), true,
                                            "text/csv", std::chrono::minutes{5}));
    for (const json& refused : answer.value("refused", json::array())) {
        // Row numbers of a part count from its own header; the reader's file has one header.
        totals.refused.push_back({refused.value("row", std::int64_t{0}) + totals.rows,
                                  refused.value("code", ""), refused.value("detail", "")});
    }
    totals.rows += answer.value("rows", std::int64_t{0});
    totals.stored += answer.value("stored", std::int64_t{0});
    totals.unchanged += answer.value("unchanged", std::int64_t{0});
    return {};
}

} // namespace

Result<ImportTotals> import_csv(ApiClient& server, const std::string& what, std::string_view text,
                                bool quiet) {
    const std::size_t head = record_end(text, 0);
    const std::string header(text.substr(0, head));
    ImportTotals totals;
    Progress progress("import " + what, static_cast<std::int64_t>(text.size()), quiet);
    std::string part = header;
    std::string last;
    for (std::size_t at = head; at < text.size();) {
        const std::size_t end = record_end(text, at);
        const std::string_view record = text.substr(at, end - at);
        const std::string transaction = what == "purchases" ? transaction_of(record) : std::string{};
        if (part.size() > part_bytes && (transaction.empty() || transaction != last)) {
            MUDI_CHECK(send_part(server, what, std::exchange(part, header), totals));
            progress.at(static_cast<std::int64_t>(at));
        }
        part += record;
        last = transaction;
        at = end;
    }
    MUDI_CHECK(send_part(server, what, std::move(part), totals));
    return totals;
}

} // namespace mudi::cli
