#pragma once

#include <string>

#include <mudi/base/result.hpp>

#include "settings.hpp"

namespace mudi::till {

/// What the command line asks for.
struct Command {
    enum class Verb { run, pair, status, check_config, print_config, version, nothing } verb{Verb::run};
    std::string config{"/etc/mudi/till.toml"};
    bool json{false};
};

/// Exit codes: 0 done, 1 the work found a problem, 2 wrong use or a wrong configuration.
inline constexpr int exit_problem = 1;
inline constexpr int exit_usage = 2;

/// `exit_code` is set, and Verb::nothing returned, when there is nothing more to do (--help, wrong use).
Command read_command_line(int argc, char** argv, int& exit_code);

/// The settings of the file, read and checked; errors name the file.
Result<Settings> load_settings(const std::string& path);

/// Each prints to stdout and gives the exit code; `report` says an error in one line on stderr.
int report(const Error& error);
int say_config_is_right(const std::string& path, const Settings& settings);
int run_agent(const Settings& settings);
int ask_for_code(const Settings& settings);
int show_status(const Settings& settings, bool json);

} // namespace mudi::till
