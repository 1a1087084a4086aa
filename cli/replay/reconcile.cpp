#include <chrono>
#include <thread>

#include <nlohmann/json.hpp>

#include "cli/replay/runner.hpp"
#include "cli/server_client.hpp"
#include "cli/terminal.hpp"

namespace mudi::cli {
namespace {

using nlohmann::json;

constexpr Duration look_every{100};

ApiClient till_client(const Fleet& fleet, std::size_t till) {
    return ApiClient(http::Target::unix_socket(fleet.till(till).socket), {});
}

Result<ApiClient> server_client(const Fleet& fleet) {
    MUDI_TRY(auto target, target_of(fleet.server().url));
    return ApiClient(std::move(target), fleet.server().token);
}

Result<std::int64_t> number(const json& document, const char* key) {
    const auto found = document.find(key);
    if (found == document.end() || !found->is_number_integer())
        return fail(Code::corrupt, "replay.answer", std::string("the answer has no number ") + key);
    return found->get<std::int64_t>();
}

Result<ReplayFigures> figures_from(const json& summary) {
    ReplayFigures figures;
    MUDI_TRY(figures.transactions, number(summary, "transactions"));
    MUDI_TRY(figures.lines, number(summary, "lines"));
    MUDI_TRY(figures.returns, number(summary, "returns"));
    MUDI_TRY(figures.adjustments, number(summary, "adjustments"));
    MUDI_TRY(figures.customers, number(summary, "customers"));
    MUDI_TRY(figures.value_minor, number(summary, "value_minor"));
    MUDI_TRY(figures.return_minor, number(summary, "return_minor"));
    return figures;
}

/// Events still on their way: unsent at the tills, waiting at the server.
Result<std::int64_t> under_way(const Fleet& fleet) {
    std::int64_t sum = 0;
    for (std::size_t till = 0; till < fleet.size(); ++till) {
        ApiClient client = till_client(fleet, till);
        MUDI_TRY(const json status, client.get("/v1/status"));
        MUDI_TRY(const auto unsent, number(status, "unsent"));
        sum += unsent;
    }
    MUDI_TRY(ApiClient server, server_client(fleet));
    MUDI_TRY(const json status, server.get("/api/v1/status"));
    MUDI_TRY(const auto waiting, number(status.value("inbox", json::object()), "waiting"));
    return sum + waiting;
}

} // namespace

DrainReport wait_until_drained(const Fleet& fleet, Duration patience, bool quiet) {
    const auto begin = std::chrono::steady_clock::now();
    const auto seconds = [&] {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    };
    std::int64_t most = 0;
    std::optional<Progress> progress;
    for (;;) {
        // A till or server that does not answer just now is not drained; the patience decides.
        const auto left = under_way(fleet);
        if (left && *left == 0) return {true, seconds()};
        if (seconds() * 1000 > static_cast<double>(patience.count())) return {false, seconds()};
        if (left && *left > most) {
            most = *left;
            progress.emplace("drain", most, quiet);
        }
        if (left && progress) progress->at(most - *left);
        std::this_thread::sleep_for(look_every);
    }
}

Result<ReplayFigures> figures_of_tills(const Fleet& fleet) {
    ReplayFigures sum;
    for (std::size_t till = 0; till < fleet.size(); ++till) {
        ApiClient client = till_client(fleet, till);
        MUDI_TRY(const json summary, client.get("/v1/summary"));
        MUDI_TRY(const ReplayFigures one, figures_from(summary));
        sum.transactions += one.transactions;
        sum.lines += one.lines;
        sum.returns += one.returns;
        sum.adjustments += one.adjustments;
        // A customer always goes to the same till here, so the tills' customers do not overlap.
        sum.customers += one.customers;
        sum.value_minor += one.value_minor;
        sum.return_minor += one.return_minor;
    }
    return sum;
}

Result<ReplayFigures> figures_of_server(const Fleet& fleet) {
    MUDI_TRY(ApiClient server, server_client(fleet));
    MUDI_TRY(const json summary, server.get("/api/v1/purchases/summary"));
    return figures_from(summary);
}

} // namespace mudi::cli
