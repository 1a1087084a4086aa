#include <iostream>
#include <memory>

#include <nlohmann/json.hpp>

#include <mudi/base/money.hpp>
#include <mudi/base/time.hpp>
#include <mudi/http/client.hpp>
#include <mudi/http/message.hpp>

#include "cli/server_client.hpp"
#include "cli/terminal.hpp"
#include "cli/verbs.hpp"

namespace mudi::cli {
namespace {

using nlohmann::json;

std::string text_of(const json& document, const char* key) {
    const auto found = document.find(key);
    if (found == document.end() || found->is_null()) return {};
    return found->is_string() ? found->get<std::string>() : found->dump();
}

json list_of(const json& document, const char* key) { return document.value(key, json::array()); }

void print_records(const json& profile) {
    std::cout << "records\n";
    for (const json& record : list_of(profile, "records")) {
        std::cout << "  " << text_of(record, "id") << "  " << text_of(record, "source") << "/"
                  << text_of(record, "source_key") << "  " << text_of(record, "name") << "  "
                  << text_of(record, "phone");
        for (const json& card : list_of(record, "cards")) std::cout << "  " << card.get<std::string>();
        std::cout << '\n';
    }
    for (const json& link : list_of(profile, "merged_because"))
        std::cout << "  " << text_of(link, "a") << " = " << text_of(link, "b") << ": "
                  << text_of(link, "reason") << '\n';
}

void print_profile(const json& profile) {
    std::cout << "profile " << text_of(profile, "id") << "  " << text_of(profile, "name") << "  ("
              << text_of(profile, "language") << ")\npoints " << text_of(profile, "points") << "  tier "
              << text_of(profile, "tier") << "  visits " << text_of(profile, "visits") << "  spent "
              << format_money({profile.value("spent", std::int64_t{0}), inr}) << '\n';
    print_records(profile);
    if (!list_of(profile, "offers").empty()) std::cout << "offers\n";
    for (const json& offer : list_of(profile, "offers"))
        std::cout << "  " << text_of(offer, "title") << " - " << text_of(offer, "reason") << '\n';
    if (!list_of(profile, "purchases").empty()) std::cout << "last purchases\n";
    for (const json& purchase : list_of(profile, "purchases")) {
        std::cout << "  " << text_of(purchase, "business_day") << "  " << text_of(purchase, "store") << "/"
                  << text_of(purchase, "workstation") << "  " << text_of(purchase, "number") << "  "
                  << text_of(purchase, "kind") << "  "
                  << format_money({purchase.value("total", std::int64_t{0}), inr}) << '\n';
    }
}

int show(const std::string& query, const Context& context) {
    auto server = connect_server(context.server, context.token_file);
    if (!server) return report(server.error(), context);
    const auto found = server->get("/api/v1/customers/find?q=" + http::percent_encode(query));
    if (!found) return report(found.error(), context);
    const json profiles = list_of(*found, "profiles");
    if (profiles.empty())
        return report({Code::not_found, "customer.unknown", "nobody has this card, phone or id"}, context);
    if (context.json)
        std::cout << profiles.dump() << '\n';
    else
        for (const json& profile : profiles) print_profile(profile);
    return 0;
}

} // namespace

void add_customer(CLI::App& app, Context& context) {
    auto* verb = app.add_subcommand("customer", "Look at one customer");
    verb->require_subcommand(1);
    auto* inner =
        verb->add_subcommand("show", "Profile, its records and why they are one, points, offers, purchases");
    inner->footer("Examples:\n  mudi customer show 2900000000018\n  mudi customer show '+91 98300 12345' "
                  "--json\n  mudi customer show 17");
    const auto query = std::make_shared<std::string>();
    inner->add_option("who", *query, "Card number, phone or profile id")->required();
    add_server_options(*inner, context);
    inner->callback([query, &context] { context.exit_code = show(*query, context); });
}

} // namespace mudi::cli
