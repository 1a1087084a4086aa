#include <filesystem>
#include <iostream>
#include <memory>

#include <nlohmann/json.hpp>

#include "cli/replay/runner.hpp"
#include "cli/terminal.hpp"
#include "cli/verbs.hpp"

namespace mudi::cli {
namespace {

using nlohmann::json;

constexpr Duration probe_for{2'000};

struct ReplayOptions {
    std::string format;
    std::string input;
    std::string folder;
    std::size_t tills{3};
    std::size_t sales_max{0};
    int patience_s{600};
    bool no_fsync{false};
};

struct ReplayResult {
    ReplayFile file;
    double fsync_before{};
    double fsync_after{};
    SendReport sent;
    DrainReport drained;
    ReplayFigures in_file, at_tills, at_server;

    [[nodiscard]] double rate() const { return static_cast<double>(sent.sent) / sent.seconds; }
    [[nodiscard]] double fsync() const { return (fsync_before + fsync_after) / 2; }
    [[nodiscard]] bool agrees() const {
        return drained.drained && sent.refusals == 0 && in_file == at_tills && at_tills == at_server;
    }
};

Result<ReplayFile> read_file(const ReplayOptions& options, bool quiet) {
    MUDI_TRY(auto input, ReplayInput::open(options.input));
    Progress bar("read", 0, quiet);
    const auto progress = [&](std::int64_t lines) { bar.at(lines, "lines"); };
    const auto piece = [&] { return input.piece(); };
    MUDI_TRY(auto file, options.format == "online-retail"
                            ? read_online_retail(piece, options.sales_max, progress)
                            : read_complete_journey(piece, options.sales_max, progress));
    spread_over_tills(file, options.tills);
    return file;
}

FleetOptions fleet_options(const ReplayOptions& options, const ReplayFile& file,
                           std::filesystem::path folder) {
    FleetOptions fleet;
    fleet.programs = own_folder();
    fleet.folder = std::move(folder);
    fleet.currency = std::string(currency_code(file.currency));
    fleet.durability = options.no_fsync ? "off" : "full";
    for (std::size_t i = 1; i <= options.tills; ++i)
        fleet.tills.push_back({static_cast<std::int64_t>(i), "REPLAY", std::to_string(i)});
    return fleet;
}

Result<ReplayResult> replay(const ReplayOptions& options, const std::filesystem::path& folder, bool quiet) {
    ReplayResult result;
    MUDI_TRY(result.file, read_file(options, quiet));
    result.in_file = figures_of(result.file.sales);
    Fleet fleet(fleet_options(options, result.file, folder));
    MUDI_CHECK(fleet.start());
    MUDI_TRY(result.fsync_before, fsync_rate(folder, options.tills, probe_for));
    result.sent = send_sales(result.file, fleet, quiet);
    result.drained = wait_until_drained(fleet, std::chrono::seconds{options.patience_s}, quiet);
    MUDI_TRY(result.fsync_after, fsync_rate(folder, options.tills, probe_for));
    MUDI_TRY(result.at_tills, figures_of_tills(fleet));
    MUDI_TRY(result.at_server, figures_of_server(fleet));
    fleet.stop();
    return result;
}

using Figure = std::pair<const char*, std::int64_t ReplayFigures::*>;
constexpr Figure figures[] = {
    {"transactions", &ReplayFigures::transactions}, {"lines", &ReplayFigures::lines},
    {"returns", &ReplayFigures::returns},           {"adjustments", &ReplayFigures::adjustments},
    {"customers", &ReplayFigures::customers},       {"value_minor", &ReplayFigures::value_minor},
    {"return_minor", &ReplayFigures::return_minor},
};

void print_json(const ReplayResult& result, const ReplayOptions& options) {
    json document{{"agrees", result.agrees()},
                  {"fsync", !options.no_fsync},
                  {"sales_per_s", result.rate()},
                  {"bare_fsync_per_s", result.fsync()},
                  {"ratio", result.rate() / result.fsync()},
                  {"send_s", result.sent.seconds},
                  {"drain_s", result.drained.seconds},
                  {"drained", result.drained.drained},
                  {"refusals", result.sent.refusals},
                  {"returns_linked", result.file.returns_linked},
                  {"lines_left_out", result.file.lines_left_out}};
    for (const auto& [name, figure] : figures) {
        document["file"][name] = result.in_file.*figure;
        document["tills"][name] = result.at_tills.*figure;
        document["server"][name] = result.at_server.*figure;
    }
    std::cout << document.dump() << '\n';
}

void print_text(const ReplayResult& result, const ReplayOptions& options) {
    Table table({"", "file", "tills", "server", ""});
    for (const auto& [name, figure] : figures) {
        const std::int64_t a = result.in_file.*figure, b = result.at_tills.*figure,
                           c = result.at_server.*figure;
        table.add({name, grouped(a), grouped(b), grouped(c), a == b && b == c ? "equal" : "DIFFERS"});
    }
    std::cout << table.text();
    std::cout << "return lines linked to their sale: " << grouped(result.file.returns_linked) << '\n';
    if (result.file.lines_left_out > 0)
        std::cout << "lines of quantity 0, left out: " << grouped(result.file.lines_left_out) << " (value "
                  << format_money({result.file.left_out_minor, result.file.currency}) << ")\n";
    std::printf("%.0f sales/s through %zu tills%s; bare fdatasync of this disk, as many writers: %.0f/s "
                "(%.0f before, %.0f after); ratio %.2f\n",
                result.rate(), options.tills, options.no_fsync ? " without fsync" : "", result.fsync(),
                result.fsync_before, result.fsync_after, result.rate() / result.fsync());
    std::printf("all at the server and applied %.1f s after the last sale%s\n", result.drained.seconds,
                result.drained.drained ? "" : ": NOT DRAINED");
    if (result.sent.refusals > 0)
        std::cout << grouped(result.sent.refusals) << " refused; the first: " << result.sent.refused << '\n';
}

int run(const ReplayOptions& options, const Context& context) {
    const bool own = options.folder.empty();
    const auto folder = own ? make_temporary_folder()
                            : Result<std::filesystem::path>(std::filesystem::absolute(options.folder));
    if (!folder) return report(folder.error(), context);
    const auto result = replay(options, *folder, context.json);
    std::error_code error;
    if (own && result) std::filesystem::remove_all(*folder, error);
    if (!result) return report(result.error(), context);
    std::cout.flush();
    if (context.json)
        print_json(*result, options);
    else
        print_text(*result, options);
    return result->agrees() ? 0 : 1;
}

} // namespace

void add_replay(CLI::App& app, Context& context) {
    auto* verb = app.add_subcommand(
        "replay", "Ring up a data set through real tills and reconcile file, tills and server");
    verb->footer("Examples:\n  mudi replay --format online-retail --input onlineretail.csv.gz --tills 3\n"
                 "  mudi replay --format complete-journey --input transactions.csv.gz --no-fsync --json\n"
                 "Exit code 1 when a figure differs.");
    const auto options = std::make_shared<ReplayOptions>();
    verb->add_option("--format", options->format, "online-retail or complete-journey")
        ->required()
        ->check(CLI::IsMember({"online-retail", "complete-journey"}));
    verb->add_option("--input", options->input, "CSV, plain or gzip; - for standard input")->required();
    verb->add_option("--tills", options->tills, "So many tills at once")
        ->check(CLI::Range(1, 64))
        ->capture_default_str();
    verb->add_option("--max", options->sales_max, "Only the first so many transactions; 0 = all")
        ->capture_default_str();
    verb->add_option("--folder", options->folder,
                     "Keep databases and logs here; else a temporary folder that goes");
    verb->add_option("--patience", options->patience_s, "Seconds to wait for the server to have everything")
        ->capture_default_str();
    verb->add_flag("--no-fsync", options->no_fsync,
                   "Commits without waiting for the disk: for measuring the rest");
    verb->add_flag("--json", context.json, "Machine-readable output");
    verb->callback([options, &context] { context.exit_code = run(*options, context); });
}

} // namespace mudi::cli
