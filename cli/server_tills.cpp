#include <iostream>
#include <memory>

#include <nlohmann/json.hpp>

#include <mudi/base/clock.hpp>

#include "cli/answers.hpp"
#include "cli/server_client.hpp"
#include "cli/terminal.hpp"
#include "cli/till_table.hpp"
#include "cli/verbs.hpp"

namespace mudi::cli {
namespace {

using nlohmann::json;

constexpr std::int64_t till_max = 1'000'000'000;

struct AddOptions {
    std::string store;
    std::string workstation;
    std::int64_t till{0};
    bool lead{false};
};

bool is_loopback(const std::string& url) {
    return url.starts_with("http://127.") || url.starts_with("http://localhost:") ||
           url.starts_with("http://[::1]");
}

void print_code(const json& answer, const Context& context) {
    const auto left_us =
        answer.value("code_expires_us", std::int64_t{0}) - to_ms(SystemClock{}.wall()) * 1000;
    std::cout << "till " << word_in(answer, "till") << " of store " << word_in(answer, "store")
              << ", workstation " << word_in(answer, "workstation") << '\n'
              << "code  " << word_in(answer, "code") << "   (" << (left_us + 59'000'000) / 60'000'000
              << " minutes, works once)\n"
              << "on the till: mudi till enrol --server " << context.server << " --code "
              << word_in(answer, "code") << '\n';
    if (is_loopback(context.server))
        std::cout << "from another machine: by this server's address instead, where [http] listen and [sync] "
                     "listen are open to it\n";
}

int ask_for_code(const std::string& path, const json& body, const Context& context) {
    auto server = connect_server(context.server, context.token_file);
    if (!server) return report(server.error(), context);
    const auto answer = server->send("POST", path, body.dump(), false);
    if (!answer) return report(answer.error(), context);
    if (context.json)
        std::cout << answer->dump() << '\n';
    else
        print_code(*answer, context);
    return 0;
}

int add(const AddOptions& options, const Context& context) {
    json body{{"store", options.store}, {"workstation", options.workstation}, {"lead", options.lead}};
    if (options.till > 0) body["till"] = options.till;
    return ask_for_code("/api/v1/tills", body, context);
}

int list(const Context& context) {
    auto server = connect_server(context.server, context.token_file);
    if (!server) return report(server.error(), context);
    const auto answer = server->get("/api/v1/tills");
    if (!answer) return report(answer.error(), context);
    const json tills = answer->value("tills", json::array());
    if (context.json)
        std::cout << tills.dump() << '\n';
    else
        std::cout << (tills.empty()
                          ? std::string("no till yet: mudi server till add --store S1 --workstation 1\n")
                          : till_table(tills, SystemClock{}.wall()));
    return 0;
}

int revoke(std::int64_t till, const Context& context) {
    auto server = connect_server(context.server, context.token_file);
    if (!server) return report(server.error(), context);
    const auto answer = server->send("POST", "/api/v1/tills/" + std::to_string(till) + "/revoke", "{}", true);
    if (!answer) return report(answer.error(), context);
    if (context.json)
        std::cout << answer->dump() << '\n';
    else
        std::cout << "till " << till
                  << " is revoked: its connections are cut and no new one is taken. What it "
                  << "still keeps comes\nin when it is enrolled again (mudi server till code " << till
                  << ").\n";
    return 0;
}

} // namespace

void add_server_tills(CLI::App& server, Context& context) {
    auto* verb = server.add_subcommand("till", "Tills of the chain: add, list, new code, revoke");
    verb->require_subcommand(1);
    verb->footer("Examples:\n  mudi server till add --store S1 --workstation 3\n  mudi server till list\n"
                 "  mudi server till code 7      new disk or new machine: a new code for till 7\n"
                 "  mudi server till revoke 7    stolen or sold: cut off at once");
    const auto options = std::make_shared<AddOptions>();
    auto* add_verb = verb->add_subcommand("add", "A new till, and the code with which it enrols");
    add_verb->add_option("--store", options->store, "The store's short word")->required();
    add_verb->add_option("--workstation", options->workstation, "The workstation's short word")->required();
    add_verb->add_option("--till", options->till, "Its number; else the next free one")
        ->check(CLI::Range(std::int64_t{1}, till_max));
    add_verb->add_flag("--lead", options->lead,
                       "Keeps the store's rights to spend points while the server is away");
    add_server_options(*add_verb, context);
    add_verb->callback([options, &context] { context.exit_code = add(*options, context); });

    auto* list_verb = verb->add_subcommand("list", "Every till, how far it is and what is wrong with it");
    add_server_options(*list_verb, context);
    list_verb->callback([&context] { context.exit_code = list(context); });

    const auto till = std::make_shared<std::int64_t>(0);
    auto* code_verb = verb->add_subcommand("code", "A new code for a till that is there (new disk, new key)");
    code_verb->add_option("till", *till, "Its number")
        ->required()
        ->check(CLI::Range(std::int64_t{1}, till_max));
    add_server_options(*code_verb, context);
    code_verb->callback([till, &context] {
        context.exit_code =
            ask_for_code("/api/v1/tills/" + std::to_string(*till) + "/code", json::object(), context);
    });

    auto* revoke_verb = verb->add_subcommand("revoke", "Cut a till off, at once");
    revoke_verb->add_option("till", *till, "Its number")
        ->required()
        ->check(CLI::Range(std::int64_t{1}, till_max));
    add_server_options(*revoke_verb, context);
    revoke_verb->callback([till, &context] { context.exit_code = revoke(*till, context); });
}

} // namespace mudi::cli
