#include "commands.hpp"

#include <CLI/CLI.hpp>

namespace mudi::till {
namespace {

constexpr const char* about = R"(Mudi's agent on a till: knows the customer who stands there, offline too.

Examples:
  mudi-till run --config /etc/mudi/till.toml   serve the till (also without "run")
  mudi-till --check-config                     is /etc/mudi/till.toml right?
  mudi-till --print-config > till.toml         a complete file with the defaults
  mudi-till pair                               a code that lets a POS program or a page call
  mudi-till status                             what the running agent holds and has sent
  mudi-till status --json | jq .unsent
)";

} // namespace

Command read_command_line(int argc, char** argv, int& exit_code) {
    Command command;
    bool check_only = false;
    bool print_only = false;
    bool version_only = false;
    CLI::App app(about, "mudi-till");
    app.require_subcommand(0, 1);
    app.fallthrough();
    app.add_option("-c,--config", command.config, "Configuration file")->capture_default_str();
    app.add_flag("--check-config", check_only, "Say whether the configuration is right, and stop");
    app.add_flag("--print-config", print_only, "Print a configuration with all defaults, and stop");
    app.add_flag("--version", version_only, "Print the version, and stop");
    app.add_subcommand("run", "Serve the till until SIGTERM (the default)");
    const auto* pair = app.add_subcommand("pair", "Ask the running agent for a pairing code");
    auto* status = app.add_subcommand("status", "What the running agent holds and has sent");
    status->add_flag("--json", command.json, "As JSON");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        exit_code = app.exit(error) == 0 ? 0 : exit_usage;
        command.verb = Command::Verb::nothing;
        return command;
    }
    if (pair->parsed()) command.verb = Command::Verb::pair;
    if (status->parsed()) command.verb = Command::Verb::status;
    if (check_only) command.verb = Command::Verb::check_config;
    if (print_only) command.verb = Command::Verb::print_config;
    if (version_only) command.verb = Command::Verb::version;
    return command;
}

} // namespace mudi::till
