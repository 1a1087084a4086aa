#pragma once

#include <functional>
#include <string>

#include <CLI/CLI.hpp>

#include <mudi/base/result.hpp>

/// The verbs of `mudi`. Each adds its sub-command with its help and examples, and a callback that stores the
/// exit code: 0 ok, 1 the work found a problem (printed), 2 wrong use.
namespace mudi::cli {

struct Context {
    /// Of the store server, for every verb that asks it. Defaults: http://127.0.0.1:7080 and
    /// /var/lib/mudi-server/admin.token.
    std::string server{"http://127.0.0.1:7080"};
    std::string token_file{"/var/lib/mudi-server/admin.token"};
    bool json{false};
    int exit_code{0};
};

void add_status(CLI::App& app, Context& context);
void add_till(CLI::App& app, Context& context);
void add_server(CLI::App& app, Context& context);
/// `mudi server till …`.
void add_server_tills(CLI::App& server, Context& context);
void add_replay(CLI::App& app, Context& context);
void add_demo(CLI::App& app, Context& context);
void add_demo_shop(CLI::App& app, Context& context);
void add_import(CLI::App& app, Context& context);
void add_customer(CLI::App& app, Context& context);
void add_quarantine(CLI::App& app, Context& context);
void add_completion(CLI::App& app, Context& context);

/// Options --server and --token-file on a verb that asks the server.
void add_server_options(CLI::App& verb, Context& context);
/// Prints "mudi: TEXT" (with --json the error as an object) on stderr and gives 1.
int report(const Error& error, const Context& context);

} // namespace mudi::cli
