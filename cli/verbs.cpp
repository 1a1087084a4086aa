#include "cli/verbs.hpp"

#include <cstdio>

#include <nlohmann/json.hpp>

namespace mudi::cli {

void add_server_options(CLI::App& verb, Context& context) {
    verb.add_option("--server", context.server, "Address of the store server")->capture_default_str();
    verb.add_option("--token-file", context.token_file, "File with the operator's token")
        ->capture_default_str();
    verb.add_flag("--json", context.json, "Machine-readable output");
}

int report(const Error& error, const Context& context) {
    if (context.json) {
        const nlohmann::json document{{"error", error.name}, {"detail", error.what}};
        std::fprintf(stderr, "%s\n",
                     document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    } else {
        std::fprintf(stderr, "mudi: %s (%s)\n", error.what.c_str(), error.name.c_str());
    }
    return 1;
}

} // namespace mudi::cli
