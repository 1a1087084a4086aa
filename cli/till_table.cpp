#include "cli/till_table.hpp"

#include <algorithm>
#include <chrono>

#include <nlohmann/json.hpp>

#include "cli/answers.hpp"
#include "cli/terminal.hpp"

namespace mudi::cli {
namespace {

using nlohmann::json;

/// In the largest unit that says something.
std::string span_text(std::int64_t seconds) {
    if (seconds < 120) return std::to_string(seconds) + " s";
    if (seconds < 7200) return std::to_string(seconds / 60) + " min";
    if (seconds < 172'800) return std::to_string(seconds / 3600) + " h";
    return std::to_string(seconds / 86'400) + " d";
}

/// What a till is in one word; capitals want somebody to look.
std::string state_of(const json& till, Time now) {
    const auto code_until_us = number_in(till, "code_expires_us");
    const bool code_waits = code_until_us > to_ms(now) * 1000;
    if (flag_in(till, "revoked")) return code_waits ? "revoked, code waits" : "revoked";
    if (flag_in(till, "clone")) return "CLONE";
    if (flag_in(till, "stalled")) return "STALLED";
    if (flag_in(till, "connected")) return "connected";
    if (number_in(till, "last_contact_us") > 0) return "offline";
    if (code_waits) return "code waits";
    return code_until_us > 0 ? "code too old" : "not yet here";
}

/// How far its clock stands ahead.
std::string clock_of(const json& till) {
    const auto ms = number_in(till, "clock_ahead_ms");
    const auto seconds = (ms < 0 ? -ms : ms) / 1000;
    if (number_in(till, "last_contact_us") == 0) return "-";
    if (seconds < 10) return grouped(ms) + " ms";
    return (ms < 0 ? "-" : "") + span_text(seconds);
}

std::string lives_of(const json& till, Time now) {
    const auto forked = number_in(till, "forked_us");
    const auto lives = word_in(till, "lives");
    return forked > 0 ? lives + ", forked " + age_text(forked, now) : lives;
}

} // namespace

std::string certificate_text(const json& till) {
    const auto days = till.find("certificate_days");
    if (days == till.end() || !days->is_number()) return "-";
    return days->get<std::int64_t>() < 0 ? "EXPIRED" : days->dump() + " d";
}

std::string age_text(std::int64_t us, Time now) {
    if (us <= 0) return "never";
    const std::int64_t seconds = std::max<std::int64_t>(0, (to_ms(now) - us / 1000) / 1000);
    return seconds < 2 ? "now" : span_text(seconds);
}

std::string till_table(const json& tills, Time now) {
    Table table({"till", "store", "workstation", "state", "contact", "unsent", "unsafe", "lives", "clock",
                 "quarantine", "certificate", "version"});
    for (const json& till : tills) {
        table.add({word_in(till, "till"), word_in(till, "store"),
                   word_in(till, "workstation") + (flag_in(till, "lead") ? " (lead)" : ""),
                   state_of(till, now), age_text(number_in(till, "last_contact_us"), now),
                   grouped(number_in(till, "unsent")), grouped(number_in(till, "unsafe")),
                   lives_of(till, now), clock_of(till), grouped(number_in(till, "quarantined")),
                   certificate_text(till), word_in(till, "version")});
    }
    return table.text();
}

namespace {

/// "INR 1,234.50"
std::string money(std::int64_t minor, const std::string& currency) {
    const std::string cents = std::to_string(minor % 100);
    return currency + " " + grouped(minor / 100) + "." + (cents.size() < 2 ? "0" : "") + cents;
}

std::int64_t points_in(const json& points, const char* name) {
    return number_in(points.value(name, json::object()), "points");
}

std::int64_t unconfirmed(const json& points) {
    return points_in(points, "breached") - points_in(points, "confirmed");
}

} // namespace

std::string points_report(const json& points) {
    const bool escrow = points.value("offline", "") == "escrow";
    std::string text =
        escrow ? "escrow: up to " + grouped(number_in(points, "store_max")) +
                     " points of a customer are set aside for each store's lead till, " +
                     grouped(number_in(points, "till_max")) + " for every other; nothing can be spent twice\n"
               : "floor limit: up to " + grouped(number_in(points, "redeem_offline_max")) +
                     " points of a customer at every till while the server is away, at the owner's risk\n";
    Table table({"", "points", "worth"});
    const std::pair<const char*, const char*> rows[] = {
        {"at_risk", "at risk in one outage"},      {"outstanding", "set aside for tills"},
        {"held", "on hold at the server"},         {"overdrawn", "owed by customers below zero"},
        {"breached", "spent without cover, ever"}, {"confirmed", "of these, confirmed"}};
    for (const auto& [name, what] : rows)
        table.add(
            {what, grouped(points_in(points, name)),
             money(number_in(points.value(name, json::object()), "amount"), word_in(points, "currency"))});
    text += table.text();
    if (flag_in(points, "settling"))
        text += "SETTLING after a restore: none can be spent until every till has told what it did\n";
    if (unconfirmed(points) > 0)
        text += "BREACHED: look for cloned tills, then mudi server points --confirm\n";
    return text;
}

std::string points_text(const json& points) {
    const std::string currency = word_in(points, "currency");
    const auto figure = [&](const char* name) {
        const json both = points.value(name, json::object());
        return grouped(number_in(both, "points")) + " (" + money(number_in(both, "amount"), currency) + ")";
    };
    const bool escrow = points.value("offline", "") == "escrow";
    return "points  " +
           (escrow ? "escrow  set aside " + figure("outstanding")
                   : "floor limit  at risk " + figure("at_risk")) +
           "  held " + figure("held") + "  overdrawn " + figure("overdrawn") +
           (unconfirmed(points) > 0 ? "  BREACHED " : "  breached ") + figure("breached") +
           (flag_in(points, "settling") ? "  SETTLING after a restore: none can be spent yet" : "") + "\n";
}

std::string alarm_text(const json& status) {
    std::string text;
    for (const json& alarm : status.value("alarms", json::array())) {
        text += "ALARM " + word_in(alarm, "name");
        if (alarm.contains("till")) text += " till " + word_in(alarm, "till");
        text += " for " + grouped(number_in(alarm, "for_ms") / 1000) + " s: " + word_in(alarm, "text") + "\n";
    }
    return text;
}

} // namespace mudi::cli
