#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include <unistd.h>

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

struct StatusOptions {
    std::string till;
    bool watch{false};
    int every_s{1};
};

std::string ago(std::int64_t us, Time now) {
    const auto age = age_text(us, now);
    return age == "now" ? age : age + " ago";
}

std::string server_text(const json& status, const json& points, const json& tills, Time now) {
    const json inbox = status.value("inbox", json::object());
    std::string text =
        "server  purchases " + grouped(number_in(status, "purchases")) + "  profiles " +
        grouped(number_in(status, "profiles")) + "  merges " + grouped(number_in(status, "merges")) +
        "  offers out " + grouped(number_in(status, "offers_out")) + "  waiting " +
        grouped(number_in(inbox, "waiting")) + "  quarantined " + grouped(number_in(inbox, "quarantined")) +
        "  lag " + grouped(number_in(status, "lag_ms")) + " ms\n";
    const json backup = status.value("backup", json::object());
    text += "backup  " +
            (number_in(backup, "last_us") == 0
                 ? std::string("none yet")
                 : "made " + ago(number_in(backup, "last_us"), now) + ", verified") +
            (backup.value("failed", "").empty() ? "" : "  FAILED: " + backup.value("failed", "")) + "\n";
    return text + points_text(points) + alarm_text(status) +
           till_table(tills.value("tills", json::array()), now);
}

std::string link_text(const json& status) {
    if (status.value("linked", false)) return "connected";
    const auto refused = word_in(status, "refused");
    return refused == "-" ? "not connected" : "refuses this till: " + refused;
}

std::string till_text(const json& status) {
    return "till " + word_in(status, "till") + "  captured " + grouped(number_in(status, "captured")) +
           "  unsent " + grouped(number_in(status, "unsent")) + "  unsafe " +
           grouped(number_in(status, "unsafe")) + "  acknowledged " + grouped(number_in(status, "acked")) +
           "  profiles " + grouped(number_in(status, "profiles")) + "  offers " +
           grouped(number_in(status, "offers_held")) + "  certificate " + certificate_text(status) +
           "  server " + link_text(status) + "\n";
}

/// An agent that does not answer is most often none that runs.
Result<json> ask_till(const std::string& at) {
    const bool by_address = at.starts_with("http://");
    MUDI_TRY(auto target, by_address ? target_of(at) : http::Target::unix_socket(at));
    ApiClient till(std::move(target), {});
    auto status = till.get("/v1/status");
    if (status || status.error().name != "http.connect") return status;
    return fail(Code::unavailable, "agent.unreachable",
                "no agent answers on " + at + "; is mudi-till running?");
}

Result<std::string> one_look(const StatusOptions& options, const Context& context) {
    if (!options.till.empty()) {
        MUDI_TRY(const json status, ask_till(options.till));
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
        if (options.watch && !context.json && ::isatty(STDOUT_FILENO) != 0)
            std::fputs("\x1b[H\x1b[2J", stdout);
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
