#include <iostream>

#include <malloc.h>

#include <mudi/base/log.hpp>

#include "commands.hpp"

using namespace mudi::till;

int main(int argc, char** argv) {
    // Threads of libraries do next to nothing: an arena for each would cost more memory than all customers.
    ::mallopt(M_ARENA_MAX, 1);
    int exit_code = 0;
    const Command command = read_command_line(argc, argv, exit_code);
    if (command.verb == Command::Verb::nothing) return exit_code;
    if (command.verb == Command::Verb::version) {
        std::cout << "mudi-till " MUDI_VERSION "\n";
        return 0;
    }
    if (command.verb == Command::Verb::print_config) {
        std::cout << mudi::config::print(settings_title, Settings{});
        return 0;
    }
    const auto settings = load_settings(command.config);
    if (!settings) return report(settings.error());
    mudi::log::start("mudi-till", check(*settings)->log_level);
    switch (command.verb) {
    case Command::Verb::pair: return ask_for_code(*settings);
    case Command::Verb::status: return show_status(*settings, command.json);
    case Command::Verb::check_config: return say_config_is_right(command.config, *settings);
    default: return run_agent(*settings);
    }
}
