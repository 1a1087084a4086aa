#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <memory>

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "cli/answers.hpp"
#include "cli/fleet.hpp"
#include "cli/server_client.hpp"
#include "cli/terminal.hpp"
#include "cli/till_table.hpp"
#include "cli/verbs.hpp"

namespace mudi::cli {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

/// A copy of a large database that is checked event by event takes its time.
constexpr Duration backup_timeout{std::chrono::hours{2}};

struct BackupOptions {
    std::string to;
    bool confirm_external{false};
    bool list{false};
};
struct RestoreOptions {
    std::string from;
    std::string config{"/etc/mudi/server.toml"};
};

std::string backup_line(const json& backup) {
    const auto made = format_time(time_from_ms(number_in(backup, "made_us") / 1000));
    if (backup.value("external", false)) return made + "  confirmed, made by other tools";
    return made + "  " + grouped(number_in(backup, "bytes")) + " bytes  " +
           grouped(number_in(backup, "events")) + " events  " + backup.value("path", "");
}

int list_backups(ApiClient& server, const Context& context) {
    const auto answer = server.get("/api/v1/backups");
    if (!answer) return report(answer.error(), context);
    const json backups = answer->value("backups", json::array());
    if (context.json) {
        std::cout << backups.dump() << '\n';
        return 0;
    }
    for (const json& backup : backups) std::cout << backup_line(backup) << '\n';
    if (backups.empty()) std::cout << "no backup yet\n";
    return 0;
}

int points(bool confirm, const Context& context) {
    auto server = connect_server(context.server, context.token_file);
    if (!server) return report(server.error(), context);
    if (confirm) {
        const auto done = server->send("POST", "/api/v1/points/confirm", "{}", true);
        if (!done) return report(done.error(), context);
    }
    const auto answer = server->get("/api/v1/points");
    if (!answer) return report(answer.error(), context);
    std::cout << (context.json ? answer->dump() + "\n" : points_report(*answer));
    return 0;
}

int backup(const BackupOptions& options, const Context& context) {
    auto server = connect_server(context.server, context.token_file);
    if (!server) return report(server.error(), context);
    if (options.list) return list_backups(*server, context);
    json body = json::object();
    // The server writes the file: its own folder is not ours.
    if (!options.to.empty()) body["to"] = fs::absolute(options.to).lexically_normal().string();
    if (options.confirm_external) body["external"] = true;
    const auto answer =
        server->send("POST", "/api/v1/backups", body.dump(), false, "application/json", backup_timeout);
    if (!answer) return report(answer.error(), context);
    if (context.json)
        std::cout << answer->dump() << '\n';
    else
        std::cout << "verified  " << backup_line(*answer) << '\n';
    return 0;
}

/// The server's own program knows its database; it lies beside this one.
int restore(const RestoreOptions& options, const Context& context) {
    const fs::path program = own_folder() / "mudi-server";
    std::string path = program.string(), from = fs::absolute(options.from).string(), config = options.config;
    std::string words[] = {path, "restore", "--from", from, "--config", config, "--json"};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    if (!context.json) arguments.pop_back();
    arguments.push_back(nullptr);
    std::cout.flush();
    ::execv(path.c_str(), arguments.data());
    return report({Code::not_found, "restore.program",
                   path + ": " + std::strerror(errno) + "; restore on the machine of the server"},
                  context);
}

void add_backup(CLI::App& server, Context& context) {
    auto* verb = server.add_subcommand("backup", "A verified copy of the running server's database");
    verb->footer(
        "Examples:\n  mudi server backup                     into the folder of server.toml's [backup]\n"
        "  mudi server backup --to /mnt/usb/      a folder, or a file that is not there yet\n"
        "  mudi server backup --list\n"
        "  mudi server backup --confirm-external  PostgreSQL: its own tools made one just now\n"
        "Events leave the tills only when a verified backup has them.");
    const auto options = std::make_shared<BackupOptions>();
    verb->add_option("--to", options->to, "Folder or new file, on the server's machine");
    auto* external = verb->add_flag("--confirm-external", options->confirm_external,
                                    "Everything up to now is in a backup made by other tools");
    auto* listed = verb->add_flag("--list", options->list, "The backups that were made");
    external->excludes("--to")->excludes(listed);
    listed->excludes("--to");
    add_server_options(*verb, context);
    verb->callback([options, &context] { context.exit_code = backup(*options, context); });
}

void add_points(CLI::App& server, Context& context) {
    auto* verb =
        server.add_subcommand("points", "What spending points offline may cost, in points and money");
    verb->footer(
        "Examples:\n  mudi server points\n  mudi server points --confirm   ends the alarm points.breached, "
        "once the copy of the till\n                                 was found and revoked");
    const auto confirm = std::make_shared<bool>(false);
    verb->add_flag("--confirm", *confirm, "I have seen what was spent without cover so far");
    add_server_options(*verb, context);
    verb->callback([confirm, &context] { context.exit_code = points(*confirm, context); });
}

void add_restore(CLI::App& server, Context& context) {
    auto* verb =
        server.add_subcommand("restore", "Put a backup in the place of the database; the server is stopped");
    verb->footer(
        "Examples:\n  systemctl stop mudi-server\n  mudi server restore --from "
        "/mnt/usb/mudi-20261121-020000.db\n"
        "  systemctl start mudi-server\nThe copy is verified first; the present file is kept beside as "
        "mudi.db.replaced-<time>. The tills send what came\nafter the backup by themselves.");
    const auto options = std::make_shared<RestoreOptions>();
    verb->add_option("--from", options->from, "The backup")->required();
    verb->add_option("--config", options->config, "Configuration of the server")->capture_default_str();
    verb->add_flag("--json", context.json, "Machine-readable output");
    verb->callback([options, &context] { context.exit_code = restore(*options, context); });
}

} // namespace

void add_server(CLI::App& app, Context& context) {
    auto* verb = app.add_subcommand("server", "The store server: its tills, backup, restore");
    verb->require_subcommand(1);
    verb->footer(
        "Examples:\n  mudi server till add --store S1 --workstation 3\n  mudi server till list\n"
        "  mudi server backup --to /mnt/usb/\n  mudi server restore --from /mnt/usb/mudi-20261121-020000.db");
    add_server_tills(*verb, context);
    add_points(*verb, context);
    add_backup(*verb, context);
    add_restore(*verb, context);
}

} // namespace mudi::cli
