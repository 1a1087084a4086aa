#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <thread>
#include <unistd.h>

#include <mudi/base/clock.hpp>

#include "cli/demo/demo.hpp"
#include "cli/import_csv.hpp"
#include "cli/replay/runner.hpp"
#include "cli/terminal.hpp"
#include "cli/verbs.hpp"

namespace mudi::cli {
namespace {

using nlohmann::json;
using SteadyClock = std::chrono::steady_clock;

constexpr auto look_every = std::chrono::milliseconds{500};
constexpr Duration level_within{60'000};
constexpr Duration drain_within{60'000};

volatile std::sig_atomic_t stop_asked = 0;
void ask_to_stop(int) { stop_asked = 1; }

class Demo {
public:
    explicit Demo(DemoOptions options) : options_(std::move(options)) {}

    Status start();
    Status run();
    /// Drains, proves, stops. The summary's "ok" decides the exit code.
    Result<json> finish();

private:
    FleetOptions fleet_options() const;
    Status fill();
    Status wait_for_offers();
    void find_addresses();
    void look();
    Status take_server(bool away);

    DemoOptions options_;
    std::filesystem::path folder_;
    bool own_folder_{false};
    DemoShop shop_;
    std::unique_ptr<Fleet> fleet_;
    std::unique_ptr<ApiClient> server_;
    std::unique_ptr<DemoCashiers> cashiers_;
    std::vector<std::string> addresses_;
    DemoLook look_;
    SteadyClock::time_point began_;
    bool server_away_{false};
    bool was_away_{false};
};

FleetOptions Demo::fleet_options() const {
    FleetOptions options;
    options.programs = own_folder();
    options.folder = folder_;
    std::int64_t till = 0;
    for (const DemoStore& store : demo_stores)
        for (int workstation = 1; workstation <= store.workstations; ++workstation)
            options.tills.push_back(
                {++till, std::string(store.store), std::to_string(workstation), workstation == 1});
    return options;
}

Status Demo::start() {
    own_folder_ = options_.folder.empty();
    if (own_folder_) {
        MUDI_TRY(folder_, make_temporary_folder());
    } else {
        folder_ = std::filesystem::absolute(options_.folder);
    }
    DemoShopOptions shop;
    shop.seed = options_.seed;
    shop.people = options_.people;
    // The history ends yesterday: today belongs to the live sales.
    shop.last_day = business_day_at(SystemClock{}.wall() - std::chrono::hours{24}, std::chrono::minutes{330});
    shop_ = make_demo_shop(shop);
    fleet_ = std::make_unique<Fleet>(fleet_options());
    MUDI_CHECK(fleet_->start());
    MUDI_TRY(auto target, target_of(fleet_->server().url));
    server_ = std::make_unique<ApiClient>(std::move(target), fleet_->server().token);
    MUDI_CHECK(fill());
    MUDI_CHECK(wait_for_offers());
    find_addresses();
    cashiers_ = std::make_unique<DemoCashiers>(shop_, *fleet_, options_.seed);
    return {};
}

Status Demo::fill() {
    const std::pair<const char*, std::string> parts[] = {{"products", products_csv(shop_)},
                                                         {"customers", customers_csv(shop_)},
                                                         {"purchases", purchases_csv(shop_)}};
    for (const auto& [what, text] : parts) {
        MUDI_TRY(const ImportTotals totals, import_csv(*server_, what, text, options_.json));
        if (!totals.refused.empty())
            return fail(Code::invalid, "demo.import",
                        std::string(what) + " row " + std::to_string(totals.refused[0].row) + ": " +
                            totals.refused[0].code + " " + totals.refused[0].detail);
    }
    return {};
}

/// The tills are worth looking at once the shop's customers and their offers have come down to all of them.
Status Demo::wait_for_offers() {
    const auto end = SteadyClock::now() + level_within;
    for (;;) {
        look();
        std::size_t ready = 0;
        for (const json& status : look_.till_status)
            if (status.is_object() && status.value("profiles", std::int64_t{0}) > 0 &&
                status.value("offers_held", std::int64_t{0}) > 0)
                ++ready;
        const bool applied =
            look_.server.is_object() &&
            look_.server.value("inbox", json::object()).value("waiting", std::int64_t{1}) == 0;
        if (ready == fleet_->size() && applied) return {};
        if (stop_asked != 0) return fail(Code::unavailable, "demo.stopped", "stopped before the first sale");
        if (SteadyClock::now() > end)
            return fail(Code::unavailable, "demo.no_offers", "no offers came down to the tills");
        std::this_thread::sleep_for(look_every);
    }
}

void Demo::find_addresses() {
    addresses_.push_back("server overview   " + fleet_->server().url + "/?token=" + fleet_->server().token);
    for (std::size_t i = 0; i < fleet_->size(); ++i) {
        const TillAddress& till = fleet_->till(i);
        ApiClient client(http::Target::unix_socket(till.socket), {});
        // Over the Unix socket, whose file mode is the permission, an adapter may draw its own pairing code.
        const auto code = client.send("POST", "/v1/pairing-codes", "{}", false);
        if (!code) continue;
        const auto paired =
            client.send("POST", "/v1/pair", json{{"code", code->value("code", "")}}.dump(), false);
        if (!paired) continue;
        const std::string token = paired->value("token", "");
        addresses_.push_back("till " + fitted(till.spec.store + "/" + till.spec.workstation, 12) + " " +
                             till.url + "/?token=" + token);
    }
    addresses_.push_back("the customer's display of a till is at /display, with the same token");
}

void Demo::look() {
    const auto status = server_->get("/api/v1/status");
    look_.server = status ? *status : json(nullptr);
    look_.till_status.clear();
    for (std::size_t i = 0; i < fleet_->size(); ++i) {
        ApiClient client(http::Target::unix_socket(fleet_->till(i).socket), {});
        const auto till = client.get("/v1/status");
        look_.till_status.push_back(till ? *till : json(nullptr));
    }
}

Status Demo::take_server(bool away) {
    if (away == server_away_) return {};
    server_away_ = away;
    cashiers_->set_server_away(away);
    if (!away) return fleet_->start_server();
    was_away_ = true;
    fleet_->kill_server();
    return {};
}

Status Demo::run() {
    const DemoOutages outages(options_.seconds, options_.outage_s);
    const bool screen = !options_.json && ::isatty(STDOUT_FILENO) == 1;
    if (!options_.json && !screen)
        for (const std::string& address : addresses_) std::cout << address << std::endl;
    began_ = SteadyClock::now();
    auto next_sale = began_;
    auto next_look = began_;
    while (stop_asked == 0) {
        const auto now = SteadyClock::now();
        const auto elapsed = std::chrono::duration_cast<std::chrono::seconds>(now - began_).count();
        if (options_.seconds > 0 && elapsed >= options_.seconds) break;
        MUDI_CHECK(take_server(outages.away_at(std::chrono::duration_cast<Duration>(now - began_))));
        if (const std::string ended = fleet_->ended(); !ended.empty())
            return fail(Code::io, "demo.ended",
                        ended + " has ended by itself; its log is in " + folder_.string());
        if (now >= next_look) {
            look();
            next_look = now + look_every;
            if (screen) {
                const std::string text =
                    demo_screen(*fleet_, look_, cashiers_->tally(), cashiers_->visits(), addresses_, elapsed);
                std::fprintf(stdout, "\x1b[H\x1b[2J%s", text.c_str());
                std::fflush(stdout);
            }
        }
        if (now >= next_sale) {
            cashiers_->ring_up();
            next_sale += std::chrono::microseconds{1'000'000 / options_.rate};
        } else {
            std::this_thread::sleep_until(std::min(next_sale, next_look));
        }
    }
    return {};
}

Result<json> Demo::finish() {
    const std::chrono::duration<double> seconds = SteadyClock::now() - began_;
    cashiers_->close();
    MUDI_CHECK(take_server(false));
    const DrainReport drained = wait_until_drained(*fleet_, drain_within, true);
    look();
    MUDI_TRY(const DemoProof proof, prove(*fleet_, cashiers_->tally()));
    MUDI_TRY(const json points, server_->get("/api/v1/points"));
    const auto overspent = points.value("/breached/points"_json_pointer, std::int64_t{-1});
    const DemoTally& tally = cashiers_->tally();
    std::int64_t offers_held = 0;
    for (const json& status : look_.till_status)
        offers_held += status.is_object() ? status.value("offers_held", std::int64_t{0}) : 0;
    fleet_->stop();
    const bool exact = drained.drained && proof.missing == 0 && proof.doubled == 0 && proof.unknown == 0 &&
                       proof.at_server == tally.saved;
    const bool offers = offers_held > 0 && tally.with_offer > 0;
    const bool points_well = overspent == 0 && (tally.points_offline > 0 || !was_away_);
    std::error_code error;
    if (own_folder_ && exact && offers && points_well) std::filesystem::remove_all(folder_, error);
    return json{{"ok", exact && offers && points_well && tally.refused == 0 && tally.saved > 0},
                {"seconds", seconds.count()},
                {"sales_per_s", static_cast<double>(tally.saved) / seconds.count()},
                {"saved", tally.saved},
                {"at_server", proof.at_server},
                {"missing", proof.missing},
                {"doubled", proof.doubled},
                {"unknown", proof.unknown},
                {"refused", tally.refused},
                {"first_refusal", tally.first_refusal},
                {"returns", tally.returns},
                {"greeted", tally.greeted},
                {"with_offer", tally.with_offer},
                {"offers_used", tally.offers_used},
                {"points_redeemed", tally.points_redeemed},
                {"points_redeemed_offline", tally.points_offline},
                {"points_overspent", overspent},
                {"offers_held", offers_held},
                {"drain_s", drained.seconds},
                {"server", look_.server}};
}

void print_summary(const json& summary, bool as_json) {
    if (as_json) {
        std::cout << summary.dump() << '\n';
        return;
    }
    const auto text = [&](const char* key) { return summary[key].dump(); };
    std::cout << "\nsaved " << text("saved") << ", at the server " << text("at_server") << " (missing "
              << text("missing") << ", doubled " << text("doubled") << ", unknown " << text("unknown")
              << "), offers held " << text("offers_held") << ", used " << text("offers_used") << ": "
              << (summary["ok"].get<bool>() ? "all well" : "NOT WELL") << "\npoints redeemed "
              << text("points_redeemed") << ", of these while the server was away "
              << text("points_redeemed_offline") << ", overspent " << text("points_overspent") << '\n';
}

int run_demo(const DemoOptions& options, const Context& context) {
    struct sigaction action {};
    action.sa_handler = ask_to_stop;
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
    Demo demo(options);
    if (const auto started = demo.start(); !started) return report(started.error(), context);
    if (const auto done = demo.run(); !done) return report(done.error(), context);
    const auto summary = demo.finish();
    if (!summary) return report(summary.error(), context);
    print_summary(*summary, options.json);
    return (*summary)["ok"].get<bool>() ? 0 : 1;
}

} // namespace

void add_demo(CLI::App& app, Context& context) {
    auto* verb = app.add_subcommand(
        "demo", "A made-up chain on this machine: a server, two stores, five tills, live sales");
    verb->footer("Examples:\n  mudi demo\n  mudi demo --seconds 30 --json\n  mudi demo --seed 7 --rate 50 "
                 "--folder /tmp/shop");
    const auto options = std::make_shared<DemoOptions>();
    verb->add_option("--seed", options->seed, "The same seed makes the same shop")->capture_default_str();
    verb->add_option("--seconds", options->seconds, "Stop by itself; 0 = at Ctrl-C")
        ->check(CLI::Range(0, 86'400));
    verb->add_option("--rate", options->rate, "Sales a second, all tills together")
        ->check(CLI::Range(1, 500))
        ->capture_default_str();
    verb->add_option("--people", options->people, "Customers of the shop")
        ->check(CLI::Range(10, 90'000))
        ->capture_default_str();
    verb->add_option("--folder", options->folder,
                     "Keep databases and logs here; else a temporary folder that goes");
    verb->add_option(
            "--outage", options->outage_s,
            "Seconds for which the server is taken away, in the middle or every three minutes; 0 = never")
        ->check(CLI::Range(0, 120))
        ->capture_default_str();
    verb->add_flag("--json", options->json, "No screen; print a summary as JSON at the end");
    verb->callback([options, &context] {
        context.json = options->json;
        context.exit_code = run_demo(*options, context);
    });
}

} // namespace mudi::cli
