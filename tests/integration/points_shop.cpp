#include "points_shop.hpp"

#include <filesystem>
#include <sstream>
#include <thread>

#include <catch2/catch.hpp>

#include <mudi/http/client.hpp>

#include "cli/replay/runner.hpp"
#include "cli/server_client.hpp"

namespace mudi::test {
namespace {

using nlohmann::json;
using SteadyClock = std::chrono::steady_clock;

constexpr std::int64_t per_point = 10'000;
constexpr const char* item = "8901030865275";

cli::FleetOptions fleet_options(const TempDir& folder, const std::string& points) {
    cli::FleetOptions options;
    options.programs = MUDI_PROGRAMS;
    options.folder = folder.path() / "shop";
    options.tills = {{1, "KOL01", "1", true}, {2, "KOL01", "2", false}, {3, "PUN01", "1", false}};
    options.server_settings = "[loyalty]\nredeem_min = 1\n[points]\n" + points;
    return options;
}

} // namespace

PointsShop::PointsShop(const std::string& points) : fleet(fleet_options(folder, points)) {
    const auto started = fleet.start();
    INFO((started ? std::string() : started.error().what));
    REQUIRE(started);
}

PointsShop::Answer PointsShop::call(std::size_t till, const std::string& method, const std::string& path,
                                    const json& body,
                                    const std::vector<std::pair<std::string, std::string>>& headers) const {
    http::Client client(http::Target::unix_socket(fleet.till(till).socket));
    http::Call asked;
    asked.method = method;
    asked.target = path;
    asked.body = body.is_null() ? "" : body.dump();
    asked.timeout = std::chrono::seconds{30};
    for (const auto& [name, value] : headers) asked.headers.set(name, value);
    const auto response = client.send(asked);
    if (!response) return {0, json{{"code", response.error().name}}};
    return {response->status, response->body.empty() ? json() : json::parse(response->body, nullptr, false)};
}

void PointsShop::earn(std::size_t till, const std::string& card, std::int64_t points) {
    const std::int64_t amount = points * per_point;
    const json sale{{"number", "E-" + std::to_string(++sales_)},
                    {"customer", {{"kind", "card"}, {"value", card}}},
                    {"lines", {{{"item", item}, {"quantity", 1000}, {"amount", amount}}}},
                    {"tenders", {{{"kind", "cash"}, {"amount", amount}}}},
                    {"total", amount}};
    const auto receipt = call(till, "POST", "/v1/complete", sale);
    INFO(receipt.body.dump());
    REQUIRE(receipt.status == 200);
}

std::string PointsShop::scan(std::size_t till, const std::string& card) {
    const std::string number = "R-" + std::to_string(++sales_);
    REQUIRE(call(till, "PUT", "/v1/txn/" + number, json::object()).status == 200);
    const auto customer =
        call(till, "POST", "/v1/txn/" + number + "/identify", {{"kind", "card"}, {"value", card}});
    INFO(customer.body.dump());
    REQUIRE(customer.status == 200);
    return number;
}

std::int64_t PointsShop::points_at(std::size_t till, const std::string& card) {
    const std::string number = "R-" + std::to_string(++sales_);
    REQUIRE(call(till, "PUT", "/v1/txn/" + number, json::object()).status == 200);
    const auto customer =
        call(till, "POST", "/v1/txn/" + number + "/identify", {{"kind", "card"}, {"value", card}});
    REQUIRE(call(till, "POST", "/v1/txn/" + number + "/cancel", json::object()).status == 204);
    return customer.body.value("points", std::int64_t{-1});
}

PointsShop::Answer PointsShop::redeem(std::size_t till, const std::string& number, std::int64_t points,
                                      const std::string& language) const {
    return call(till, "POST", "/v1/txn/" + number + "/redeem", {{"points", points}},
                {{"Accept-Language", language}});
}

bool PointsShop::pay(std::size_t till, const std::string& number, const Answer& held) const {
    const auto amount = held.body.value("amount", std::int64_t{0});
    const json sale{{"lines", {{{"item", item}, {"quantity", 1000}, {"amount", amount}}}},
                    {"hold", held.body.value("hold", "")},
                    {"tenders", {{{"kind", "loyalty_points"}, {"amount", amount}}}},
                    {"total", amount}};
    const auto receipt = call(till, "POST", "/v1/txn/" + number + "/complete", sale);
    return receipt.status == 200 && receipt.body.value("saved", false);
}

std::int64_t PointsShop::spend(std::size_t till, const std::string& card, std::int64_t points,
                               Answer* refused) {
    const std::string number = scan(till, card);
    const auto held = redeem(till, number, points);
    if (held.status != 200) {
        if (refused != nullptr) *refused = held;
        (void)call(till, "POST", "/v1/txn/" + number + "/cancel", json::object());
        return 0;
    }
    REQUIRE(pay(till, number, held));
    return points;
}

bool PointsShop::spend_in_time(std::size_t till, const std::string& card, std::int64_t points,
                               std::chrono::seconds patience) {
    return eventually([&] { return spend(till, card, points) == points; }, patience);
}

json PointsShop::status(std::size_t till) const {
    auto answer = call(till, "GET", "/v1/status");
    REQUIRE(answer.status == 200);
    return answer.body;
}

std::int64_t PointsShop::rights(std::size_t till) const { return status(till)["rights"]["held"]; }

json PointsShop::server_get(const std::string& path) const {
    auto server = fleet.operator_client();
    REQUIRE(server);
    const auto answer = server->get(path);
    INFO(path << ": " << (answer ? "" : answer.error().what));
    REQUIRE(answer);
    return *answer;
}

json PointsShop::server_post(const std::string& path, const json& body) const {
    auto server = fleet.operator_client();
    REQUIRE(server);
    const auto answer =
        server->send("POST", path, body.dump(), false, "application/json", std::chrono::minutes{2});
    INFO(path << ": " << (answer ? "" : answer.error().what));
    REQUIRE(answer);
    return *answer;
}

std::int64_t PointsShop::balance(const std::string& card) const {
    const auto found = server_get("/api/v1/customers/find?q=" + card);
    const auto& profiles = found["profiles"];
    return profiles.empty() ? 0 : profiles[0].value("points", std::int64_t{0});
}

json PointsShop::exposure() const { return server_get("/api/v1/points"); }

std::int64_t PointsShop::metric(const std::string& name) const {
    auto target = cli::target_of(fleet.server().url);
    REQUIRE(target);
    http::Client client(*target);
    http::Call asked;
    asked.method = "GET";
    asked.target = "/metrics";
    const auto response = client.send(asked);
    REQUIRE(response);
    std::istringstream lines(response->body);
    const std::string wanted = "mudi_server_" + name + " ";
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with(wanted)) return std::stoll(line.substr(wanted.size()));
    FAIL("no metric " << name);
    return 0;
}

bool PointsShop::level(std::int64_t lead_holds) const {
    const bool told = cli::wait_until_drained(fleet, std::chrono::seconds{60}, true).drained;
    return told && eventually([&] {
               const auto first = status(lead);
               const auto second = status(neighbour);
               const bool same = first["feed"] == second["feed"] && first["feed"]["version"] > 0;
               const auto& own = first["rights"];
               return same && own["held"] == lead_holds && own["lead"] == true && own["lending"] == true &&
                      status(elsewhere)["linked"] == true;
           });
}

bool PointsShop::server_missed() const {
    return eventually([&] {
        return !status(lead).value("linked", true) && !status(neighbour).value("linked", true) &&
               !status(elsewhere).value("linked", true);
    });
}

void PointsShop::kill_server() {
    fleet.kill_server();
    REQUIRE(server_missed());
}

void PointsShop::power_cut(std::size_t till) {
    fleet.kill_till(till);
    std::filesystem::remove(fleet.till_witness(till));
}

bool PointsShop::eventually(const std::function<bool()>& done, std::chrono::seconds patience) {
    const auto until = SteadyClock::now() + patience;
    do {
        if (done()) return true;
        std::this_thread::yield();
    } while (SteadyClock::now() < until);
    return false;
}

} // namespace mudi::test
