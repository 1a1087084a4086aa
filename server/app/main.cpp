#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>

#include <mudi/base/clock.hpp>
#include <mudi/base/config.hpp>
#include <mudi/base/log.hpp>
#include <mudi/http/json.hpp>

#include "app.hpp"
#include "restore.hpp"
#include "settings.hpp"

namespace {

using namespace mudi;

constexpr int exit_failed = 1;
constexpr int exit_wrong_use = 2;

constexpr const char* about = R"(Mudi's store server: tills connect to it, head office looks into it.

Examples:
  mudi-server run --config /etc/mudi/server.toml   serve until SIGTERM (also without "run")
  mudi-server --check-config                       is /etc/mudi/server.toml right?
  mudi-server --print-config > server.toml         a complete file with the defaults
  mudi-server restore --from FILE                  put a backup in the place of the database

When it is ready it prints its addresses, the file of the authority that tills must trust (ca.pem) and
the file of the operator's token. Exit codes: 0 stopped, 1 cannot start, 2 wrong use or configuration.
)";

struct Arguments {
    std::string config{"/etc/mudi/server.toml"};
    bool check_config{};
    bool print_config{};
    bool version{};
    bool restore{};
    std::string from;
    bool json{};
    std::int64_t certificate_life_s{};       ///< 0: as usual
    std::int64_t certificate_look_every_s{}; ///< 0: as usual
};

int complain(const Error& error, int exit_code) {
    std::fprintf(stderr, "mudi-server: %s (%s)\n", error.what.c_str(), error.name.c_str());
    return exit_code;
}

/// What the configuration says can turn out wrong only when it is tried.
bool is_configuration(const Error& error) {
    constexpr std::array<std::string_view, 3> names{"http.address", "transport.url", "tls.names"};
    return std::find(names.begin(), names.end(), error.name) != names.end();
}

void announce(const server::Ready& ready) {
    std::printf("mudi-server ready %s %s ca=%s token=%s\n", ready.http_url.c_str(), ready.sync_url.c_str(),
                ready.ca.empty() ? "-" : ready.ca.c_str(), ready.token.c_str());
    std::fflush(stdout);
}

int restore(const Arguments& arguments, const server::Plan& plan) {
    const auto restored = server::restore(plan, arguments.from, SystemClock{}.wall());
    if (!restored && arguments.json) {
        const nlohmann::json problem{{"error", restored.error().name}, {"detail", restored.error().what}};
        std::fprintf(stderr, "%s\n", http::to_text(problem).c_str());
        return exit_failed;
    }
    if (!restored) return complain(restored.error(), exit_failed);
    const auto& facts = restored->facts;
    if (arguments.json) {
        const nlohmann::json document{{"database", restored->database.string()},
                                      {"replaced", restored->replaced.string()},
                                      {"events", facts.events},
                                      {"lives", facts.lives.size()}};
        std::puts(http::to_text(document).c_str());
        return 0;
    }
    std::printf("verified  %lld events of %zu %s\nrestored  %s\n", static_cast<long long>(facts.events),
                facts.lives.size(), facts.lives.size() == 1 ? "life" : "lives", restored->database.c_str());
    if (!restored->replaced.empty()) std::printf("replaced  %s (kept)\n", restored->replaced.c_str());
    std::puts("start the server: the tills send what came after the backup by themselves");
    return 0;
}

int run(const Arguments& arguments) {
    const auto settings = config::load<server::Settings>(arguments.config);
    if (!settings) return complain(settings.error(), exit_wrong_use);
    auto plan = server::plan_from(*settings);
    if (!plan) return complain(fail(plan.error(), arguments.config).value(), exit_wrong_use);
    if (arguments.check_config) {
        std::printf("%s: ok\n", arguments.config.c_str());
        return 0;
    }
    if (arguments.restore) return restore(arguments, *plan);
    if (arguments.certificate_life_s > 0)
        plan->certificate_life = std::chrono::seconds{arguments.certificate_life_s};
    if (arguments.certificate_look_every_s > 0)
        plan->certificate_look_every = std::chrono::seconds{arguments.certificate_look_every_s};
    log::start("mudi-server", plan->log_level);
    const SystemClock clock;
    const auto served = server::serve(*plan, clock, announce);
    if (served) return 0;
    return complain(served.error(), is_configuration(served.error()) ? exit_wrong_use : exit_failed);
}

} // namespace

int main(int count, char** values) {
    Arguments arguments;
    CLI::App app(about, "mudi-server");
    app.require_subcommand(0, 1);
    app.fallthrough();
    app.add_option("-c,--config", arguments.config, "Configuration file")->capture_default_str();
    app.add_flag("--check-config", arguments.check_config,
                 "Say whether the configuration is right, and stop");
    app.add_flag("--print-config", arguments.print_config,
                 "Print a configuration with all defaults, and stop");
    app.add_flag("--version", arguments.version, "Print the version, and stop");
    // For trials of the renewal: nobody wants to wait a year.
    app.add_option("--certificate-life", arguments.certificate_life_s)->check(CLI::PositiveNumber)->group("");
    app.add_option("--certificate-look-every", arguments.certificate_look_every_s)
        ->check(CLI::PositiveNumber)
        ->group("");
    app.add_subcommand("run", "Serve until SIGTERM or SIGINT (the default)");
    auto* restore_verb =
        app.add_subcommand("restore", "Put a verified backup in the place of the database, and stop");
    restore_verb->add_option("--from", arguments.from, "The backup")->required();
    restore_verb->add_flag("--json", arguments.json, "Machine-readable output");
    try {
        app.parse(count, values);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : exit_wrong_use;
    }
    arguments.restore = restore_verb->parsed();
    if (arguments.version) {
        std::puts("mudi-server " MUDI_VERSION);
        return 0;
    }
    if (arguments.print_config) {
        std::fputs(config::print("The store server, mudi-server.", server::Settings{}).c_str(), stdout);
        return 0;
    }
    return run(arguments);
}
