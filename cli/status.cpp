#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include <nlohmann/json.hpp>

#include <mudi/base/clock.hpp>

#include "cli/server_client.hpp"
#include "cli/terminal.hpp"
#include "cli/till_table.hpp"
#include "cli/verbs.hpp"

namespace mudi::cli {
namespace {

using nlohmann::json;

struct StatusOptions {
    std::string till;
    bool watch{false};
    int every_s{1};
};

std::int64_t number(const json& document, const char* key) {
    const auto found = document.find(key);
    return found != document.end() && found->is_number() ? found->get<std::int64_t>() : 0;
}

std::string word(const json& document, const char* key) {
    const auto found = document.find(key);
    if (found == document.end()) return "-";
    return found->is_string() ? found->get<std::string>() : found->dump();
}

std::string server_text(const json& status, const json& points, const json& tills, Time now) {
    const json inbox = status.value("inbox", json::object());
    std::string text = "server  purchases " + grouped(number(status, "purchases")) + "  profiles " +
                       grouped(number(status, "profiles")) + "  merges " + grouped(number(status, "merges")) +
                       "  offers out " + grouped(number(status, "offers_out")) + "  waiting " +
                       grouped(number(inbox, "waiting")) + "  quarantined " +
                       grouped(number(inbox, "quarantined")) + "  lag " + grouped(number(status, "lag_ms")) +
                       " ms\n";
    const json backup = status.value("backup", json::object());
    text += "backup  " +
            (number(backup, "last_us") == 0 ? std::string("none yet")
                                            : age_text(number(backup, "last_us"), now) + " old, verified") +
            (backup.value("failed", "").empty() ? "" : "  FAILED: " + backup.value("failed", "")) + "\n";
    return text + points_text(points) + alarm_text(status) +
           till_table(tills.value("tills", json::array()), now);
}

std::string till_text(const json& status) {
    return "till " + word(status, "till") + "  captured " + grouped(number(status, "captured")) +
           "  unsent " + grouped(number(status, "unsent")) + "  unsafe " + grouped(number(status, "unsafe")) +
           "  acknowledged " + grouped(number(status, "acked")) + "  profiles " +
           grouped(number(status, "profiles")) + "  offers " + grouped(number(status, "offers_held")) +
           "  server " + (status.value("linked", false) ? "connected" : "not connected") + "\n";
}

Result<std::string> one_look(const StatusOptions& options, const Context& context) {
    if (!options.till.empty()) {
        MUDI_TRY(auto target, options.till.starts_with("http://") ? target_of(options.till)
                                                                  : http::Target::unix_socket(options.till));
        ApiClient till(std::move(target), {});
        MUDI_TRY(const json status, till.get("/v1/status"));
        return context.json ? status.dump() + "\n" : till_text(status);
    }
    MUDI_TRY(ApiClient server, connect_server(context.server, context.token_file));
    MUDI_TRY(json status, server.get("/api/v1/status"));
    MUDI_TRY(json points, server.get("/api/v1/points"));
    MUDI_TRY(const json tills, server.get("/api/v1/tills"));
    if (!context.json) return server_text(status, points, tills, SystemClock{}.wall());
    return json{{"server", std::move(status)},
                {"points", std::move(points)},
                {"tills", tills.value("tills", json::array())}}
               .dump() +
           "\n";
}

int run(const StatusOptions& options, const Context& context) {
    for (;;) {
        const auto text = one_look(options, context);
        if (!text && !options.watch) return report(text.error(), context);
        // On a terminal a watch draws over itself; into a file or pipe it appends.
        if (options.watch && !context.json) std::fputs("\x1b[H\x1b[2J", stdout);
        std::fputs(text ? text->c_str() : ("no answer: " + text.error().what + "\n").c_str(), stdout);
        std::fflush(stdout);
        if (!options.watch) return 0;
        std::this_thread::sleep_for(std::chrono::seconds(options.every_s));
    }
}

} // namespace

void add_status(CLI::App& app, Context& context) {
    auto* verb = app.add_subcommand("status", "Tills and server: what is captured, sent, applied");
    verb->footer("Examples:\n  mudi status\n  mudi status --watch\n  mudi status --till "
                 "/var/lib/mudi-till/till.sock --json");
    add_server_options(*verb, context);
    const auto options = std::make_shared<StatusOptions>();
    verb->add_option("--till", options->till, "Ask one till itself: its Unix socket or its http:// address");
    verb->add_flag("--watch", options->watch, "Again and again until Ctrl-C");
    verb->add_option("--every", options->every_s, "Seconds between two looks")->check(CLI::Range(1, 3600));
    verb->callback([options, &context] { context.exit_code = run(*options, context); });
}

} // namespace mudi::cli
