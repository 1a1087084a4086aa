#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include "cli/till_table.hpp"

using namespace mudi;
using namespace mudi::cli;
using Catch::Contains;
using nlohmann::json;

namespace {

const Time now = *parse_time("2026-11-21T10:00:00Z");
std::int64_t us_ago(std::chrono::seconds ago) { return to_ms(now - ago) * 1000; }

json good_till() {
    return {{"till", 3},
            {"store", "KOL01"},
            {"workstation", "2"},
            {"lead", false},
            {"unsent", 0},
            {"unsafe", 1234},
            {"lives", 1},
            {"forked_us", nullptr},
            {"quarantined", 0},
            {"version", "0.2.0"},
            {"certificate_days", 200},
            {"connected", true},
            {"stalled", false},
            {"clone", false},
            {"clock_ahead_ms", -1500},
            {"revoked", false},
            {"enrolled", true},
            {"code_expires_us", nullptr},
            {"last_contact_us", us_ago(std::chrono::seconds{30})}};
}

std::string line_of(const json& till) {
    const auto text = till_table(json::array({till}), now);
    return text.substr(text.find('\n') + 1);
}

} // namespace

TEST_CASE("ages are told in the largest unit that says something") {
    using namespace std::chrono_literals;
    CHECK(age_text(0, now) == "never");
    CHECK(age_text(us_ago(1s), now) == "now");
    CHECK(age_text(us_ago(-5s), now) == "now"); // a clock that stands a little ahead
    CHECK(age_text(us_ago(119s), now) == "119 s");
    CHECK(age_text(us_ago(2min), now) == "2 min");
    CHECK(age_text(us_ago(3h), now) == "3 h");
    CHECK(age_text(us_ago(72h), now) == "3 d");
}

TEST_CASE("a till that is well is quiet, one that is not stands out") {
    const auto quiet = line_of(good_till());
    CHECK_THAT(quiet, Contains("connected") && Contains("30 s") && Contains("1,234") &&
                          Contains("-1,500 ms") && Contains("200 d") && Contains("0.2.0"));
    const auto with = [](const char* key, json value) {
        auto till = good_till();
        till[key] = std::move(value);
        return line_of(till);
    };
    CHECK_THAT(with("stalled", true), Contains("STALLED"));
    CHECK_THAT(with("clone", true), Contains("CLONE"));
    CHECK_THAT(with("revoked", true), Contains("revoked"));
    CHECK_THAT(with("connected", false), Contains("offline"));
    CHECK_THAT(with("lead", true), Contains("2 (lead)"));
    CHECK_THAT(with("certificate_days", -1), Contains("EXPIRED"));
    CHECK_THAT(with("clock_ahead_ms", 9'999), Contains("9,999 ms"));
    CHECK_THAT(with("clock_ahead_ms", -10'000), Contains("-10 s"));
    CHECK_THAT(with("clock_ahead_ms", 63'072'000'003), Contains("730 d"));
    CHECK_THAT(with("forked_us", us_ago(std::chrono::hours{5})), Contains("1, forked 5 h"));
    auto waiting = good_till();
    waiting["connected"] = false;
    waiting["last_contact_us"] = 0;
    CHECK_THAT(line_of(waiting), Contains("not yet here") && Contains("never"));
    waiting["code_expires_us"] = us_ago(std::chrono::seconds{-600});
    CHECK_THAT(line_of(waiting), Contains("code waits"));
    waiting["revoked"] = true;
    CHECK_THAT(line_of(waiting), Contains("revoked, code waits"));
    waiting["code_expires_us"] = us_ago(std::chrono::seconds{0});
    CHECK_THAT(line_of(waiting), Contains("revoked") && !Contains("code"));
    waiting["revoked"] = false;
    CHECK_THAT(line_of(waiting), Contains("code too old"));
}

TEST_CASE("a line tells what spending points offline may cost, and shouts when it has") {
    const auto figure = [](int points, int amount) { return json{{"points", points}, {"amount", amount}}; };
    json points{{"currency", "INR"},        {"offline", "escrow"},
                {"settling", false},        {"outstanding", figure(1500, 37'500)},
                {"held", figure(60, 1500)}, {"overdrawn", figure(0, 0)},
                {"breached", figure(0, 0)}, {"at_risk", figure(0, 0)}};
    CHECK(points_text(points) ==
          "points  escrow  set aside 1,500 (INR 375.00)  held 60 (INR 15.00)  overdrawn 0 (INR 0.00)  "
          "breached 0 (INR 0.00)\n");
    points["offline"] = "floor";
    points["at_risk"] = figure(900, 22'500);
    CHECK_THAT(points_text(points), Contains("floor limit  at risk 900 (INR 225.00)"));
    points["breached"] = figure(7, 175);
    points["settling"] = true;
    CHECK_THAT(points_text(points), Contains("BREACHED 7 (INR 1.75)") && Contains("SETTLING"));
}

TEST_CASE("alarms are lines of their own, and there are none when nothing is wrong") {
    CHECK(alarm_text(json{{"alarms", json::array()}}).empty());
    CHECK(alarm_text(json::object()).empty());
    const json status{{"alarms",
                       {{{"name", "till.stalled"}, {"till", 3}, {"for_ms", 75'000}, {"text", "none comes"}},
                        {{"name", "apply.stalled"}, {"for_ms", 61'000}, {"text", "none is applied"}}}}};
    CHECK(alarm_text(status) == "ALARM till.stalled till 3 for 75 s: none comes\n"
                                "ALARM apply.stalled for 61 s: none is applied\n");
}
