#include <fstream>
#include <iostream>
#include <memory>

#include <nlohmann/json.hpp>

#include "cli/enrol.hpp"
#include "cli/terminal.hpp"
#include "cli/verbs.hpp"

namespace mudi::cli {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr Duration clock_difference_max{std::chrono::minutes{5}};

struct TillOptions {
    EnrolOptions enrol;
    std::string data_dir;
    std::string config{"/etc/mudi/till.toml"};
};

/// `data_dir = "…"` of a till.toml that is there already: its till is the one to be enrolled.
std::string data_dir_in(const fs::path& config) {
    std::ifstream file(config);
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with('[')) break; // it stands before the first section
        const auto key = line.find_first_not_of(" \t");
        if (key == std::string::npos || line.compare(key, 8, "data_dir") != 0) continue;
        const auto open = line.find('"', key);
        const auto close = line.find('"', open == std::string::npos ? open : open + 1);
        if (close != std::string::npos) return line.substr(open + 1, close - open - 1);
    }
    return {};
}

fs::path data_dir_of(const TillOptions& options) {
    if (!options.data_dir.empty()) return fs::absolute(options.data_dir).lexically_normal();
    const auto configured = data_dir_in(options.config);
    return configured.empty() ? fs::path("/var/lib/mudi-till") : fs::path(configured);
}

void print(const Enrolled& enrolled, const fs::path& data_dir, const fs::path& config, bool written) {
    std::cout << "till " << enrolled.till.value << " of store " << enrolled.store.value << ", workstation "
              << enrolled.workstation.value << ": enrolled\n"
              << "identity  " << (data_dir / "identity").string() << '\n'
              << "config    " << config.string() << (written ? " (written)" : " (kept as it was)") << '\n'
              << "server    " << enrolled.sync_url << '\n'
              << "valid to  " << format_time(enrolled.not_after) << ", renewed by itself before\n"
              << "start the till, or restart it if it runs: mudi-till run --config " << config.string()
              << '\n';
}

int enrol(TillOptions options, const Context& context) {
    const fs::path data_dir = data_dir_of(options);
    const fs::path config = fs::absolute(options.config).lexically_normal();
    options.enrol.data_dir = data_dir;
    const auto enrolled = enrol_till(options.enrol);
    if (!enrolled) return report(enrolled.error(), context);
    const auto written = write_till_config(config, data_dir);
    if (!written) return report(written.error(), context);
    if (context.json) {
        json document{{"till", enrolled->till.value},
                      {"store", enrolled->store.value},
                      {"workstation", enrolled->workstation.value},
                      {"identity", (data_dir / "identity").string()},
                      {"config", config.string()},
                      {"config_written", *written},
                      {"server", enrolled->sync_url},
                      {"not_after_us", to_ms(enrolled->not_after) * 1000}};
        if (enrolled->clock_ahead) document["clock_ahead_ms"] = enrolled->clock_ahead->count();
        std::cout << document.dump() << '\n';
    } else {
        print(*enrolled, data_dir, config, *written);
    }
    if (enrolled->clock_ahead && std::chrono::abs(*enrolled->clock_ahead) > clock_difference_max) {
        std::cerr << "mudi: warning: this machine's clock stands "
                  << grouped(std::chrono::abs(*enrolled->clock_ahead).count() / 1000) << " s "
                  << (*enrolled->clock_ahead > Duration{0} ? "ahead of" : "behind")
                  << " the server's; sales keep their order, but their times will be wrong\n";
    }
    return 0;
}

} // namespace

void add_till(CLI::App& app, Context& context) {
    auto* verb = app.add_subcommand("till", "Set up this till");
    verb->require_subcommand(1);
    verb->footer(
        "Examples:\n  mudi till enrol --server http://192.168.1.10:7080 --code ABCDE-FGHJK-MNPQR-STVWX");
    auto* inner = verb->add_subcommand(
        "enrol", "Make this machine a till of the chain, with the code that the server gave out");
    inner->footer(
        "Examples:\n  mudi till enrol --server http://192.168.1.10:7080 --code ABCDE-FGHJK-MNPQR-STVWX\n"
        "  mudi till enrol --server http://127.0.0.1:7080 --code ... --again   new disk, new key\n"
        "A code comes from `mudi server till add` (a new till) or `mudi server till code N` (again), lives "
        "60 "
        "minutes and works for one machine. Sales that a till still keeps stay with it: with --again too.");
    const auto options = std::make_shared<TillOptions>();
    inner->add_option("--server", options->enrol.server, "Address of the store server")->required();
    inner->add_option("--code", options->enrol.code, "The code, as it was given")->required();
    inner->add_option("--config", options->config, "Configuration to write, unless it is there")
        ->capture_default_str();
    inner->add_option("--data-dir", options->data_dir,
                      "The till's folder; else what the configuration says, or /var/lib/mudi-till");
    inner->add_flag("--again", options->enrol.again, "Replace the identity that is there");
    inner->add_flag("--json", context.json, "Machine-readable output");
    inner->callback([options, &context] { context.exit_code = enrol(*options, context); });
}

} // namespace mudi::cli
