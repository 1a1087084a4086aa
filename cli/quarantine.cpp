#include <iostream>
#include <memory>

#include <nlohmann/json.hpp>

#include "cli/server_client.hpp"
#include "cli/terminal.hpp"
#include "cli/verbs.hpp"

namespace mudi::cli {
namespace {

using nlohmann::json;

std::string cell(const json& document, const char* key) {
    const auto found = document.find(key);
    if (found == document.end()) return "-";
    return found->is_string() ? found->get<std::string>() : found->dump();
}

int list(const Context& context) {
    auto server = connect_server(context.server, context.token_file);
    if (!server) return report(server.error(), context);
    const auto answer = server->get("/api/v1/quarantine");
    if (!answer) return report(answer.error(), context);
    const json events = answer->value("events", json::array());
    if (context.json) {
        std::cout << events.dump() << '\n';
        return 0;
    }
    Table table({"id", "till", "seq", "kind", "schema", "attempts", "reason"});
    for (const json& event : events) {
        table.add({cell(event, "id"), cell(event, "till"), cell(event, "seq"), cell(event, "kind"),
                   cell(event, "schema"), cell(event, "attempts"), cell(event, "reason")});
    }
    std::cout << (events.empty() ? std::string("nothing is quarantined\n") : table.text());
    return 0;
}

int show(std::int64_t id, const Context& context) {
    auto server = connect_server(context.server, context.token_file);
    if (!server) return report(server.error(), context);
    const auto answer = server->get("/api/v1/quarantine/" + std::to_string(id));
    if (!answer) return report(answer.error(), context);
    std::cout << answer->dump(context.json ? -1 : 2) << '\n';
    return 0;
}

/// 1 when something is still quarantined afterwards.
int retry(std::int64_t id, const Context& context) {
    auto server = connect_server(context.server, context.token_file);
    if (!server) return report(server.error(), context);
    const std::string which = id > 0 ? std::to_string(id) + "/" : std::string{};
    const auto answer = server->send("POST", "/api/v1/quarantine/" + which + "retry", {}, true);
    if (!answer) return report(answer.error(), context);
    if (context.json)
        std::cout << answer->dump() << '\n';
    else
        std::cout << cell(*answer, "retried") << " retried, " << cell(*answer, "applied") << " applied, "
                  << cell(*answer, "left") << " left\n";
    return answer->value("left", std::int64_t{0}) == 0 ? 0 : 1;
}

} // namespace

void add_quarantine(CLI::App& app, Context& context) {
    auto* verb = app.add_subcommand("quarantine", "Events that could not be applied: look, and try again");
    verb->require_subcommand(1);
    verb->footer("Examples:\n  mudi quarantine list\n  mudi quarantine show 3\n  mudi quarantine retry 3\n  "
                 "mudi quarantine retry");
    const auto id = std::make_shared<std::int64_t>(0);
    auto* list_verb = verb->add_subcommand("list", "What is quarantined and why");
    add_server_options(*list_verb, context);
    list_verb->callback([&context] { context.exit_code = list(context); });
    auto* show_verb = verb->add_subcommand("show", "One event with its body");
    show_verb->add_option("id", *id)->required()->check(CLI::PositiveNumber);
    add_server_options(*show_verb, context);
    show_verb->callback([id, &context] { context.exit_code = show(*id, context); });
    auto* retry_verb = verb->add_subcommand("retry", "One event, or all of them without an id");
    retry_verb->add_option("id", *id)->check(CLI::PositiveNumber);
    add_server_options(*retry_verb, context);
    retry_verb->callback([id, &context] { context.exit_code = retry(*id, context); });
}

} // namespace mudi::cli
