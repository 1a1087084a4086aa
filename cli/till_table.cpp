#include "cli/till_table.hpp"

#include <algorithm>
#include <chrono>

#include <nlohmann/json.hpp>

#include "cli/terminal.hpp"

namespace mudi::cli {
namespace {

using nlohmann::json;

std::int64_t number(const json& document, const char* key) {
    const auto found = document.find(key);
    return found != document.end() && found->is_number() ? found->get<std::int64_t>() : 0;
}

std::string word(const json& document, const char* key) {
    const auto found = document.find(key);
    if (found == document.end() || found->is_null()) return "-";
    const auto text = found->is_string() ? found->get<std::string>() : found->dump();
    return text.empty() ? "-" : text;
}

bool flag(const json& document, const char* key) {
    const auto found = document.find(key);
    return found != document.end() && found->is_boolean() && found->get<bool>();
}

/// What a till is in one word; capitals want somebody to look.
std::string state_of(const json& till) {
    if (flag(till, "revoked")) return "revoked";
    if (flag(till, "clone")) return "CLONE";
    if (flag(till, "stalled")) return "STALLED";
    if (flag(till, "connected")) return "connected";
    if (number(till, "last_contact_us") > 0) return "offline";
    return number(till, "code_expires_us") > 0 ? "code waits" : "not yet here";
}

std::string lives_of(const json& till, Time now) {
    const auto forked = number(till, "forked_us");
    const auto lives = word(till, "lives");
    return forked > 0 ? lives + ", forked " + age_text(forked, now) : lives;
}

std::string certificate_of(const json& till) {
    const auto days = till.find("certificate_days");
    if (days == till.end() || !days->is_number()) return "-";
    return days->get<std::int64_t>() < 0 ? "EXPIRED" : days->dump() + " d";
}

} // namespace

std::string age_text(std::int64_t us, Time now) {
    if (us <= 0) return "never";
    const std::int64_t seconds = std::max<std::int64_t>(0, (to_ms(now) - us / 1000) / 1000);
    if (seconds < 2) return "now";
    if (seconds < 120) return std::to_string(seconds) + " s";
    if (seconds < 7200) return std::to_string(seconds / 60) + " min";
    if (seconds < 172'800) return std::to_string(seconds / 3600) + " h";
    return std::to_string(seconds / 86'400) + " d";
}

std::string till_table(const json& tills, Time now) {
    Table table({"till", "store", "workstation", "state", "contact", "unsent", "unsafe", "lives", "clock ms",
                 "quarantine", "certificate", "version"});
    for (const json& till : tills) {
        table.add({word(till, "till"), word(till, "store"),
                   word(till, "workstation") + (flag(till, "lead") ? " (lead)" : ""), state_of(till),
                   age_text(number(till, "last_contact_us"), now), grouped(number(till, "unsent")),
                   grouped(number(till, "unsafe")), lives_of(till, now),
                   grouped(number(till, "clock_ahead_ms")), grouped(number(till, "quarantined")),
                   certificate_of(till), word(till, "version")});
    }
    return table.text();
}

std::string points_text(const json& points) {
    const auto figure = [&](const char* name) {
        const json both = points.value(name, json::object());
        return grouped(number(both, "points")) + " (" + grouped(number(both, "amount")) + ")";
    };
    const bool escrow = points.value("offline", "") == "escrow";
    const auto breached = number(points.value("breached", json::object()), "points");
    return "points  " +
           (escrow ? "escrow  set aside " + figure("outstanding")
                   : "floor limit  at risk " + figure("at_risk")) +
           "  held " + figure("held") + "  overdrawn " + figure("overdrawn") +
           (breached > 0 ? "  BREACHED " : "  breached ") + figure("breached") +
           (flag(points, "settling") ? "  SETTLING after a restore: none can be spent yet" : "") + "\n";
}

std::string alarm_text(const json& status) {
    std::string text;
    for (const json& alarm : status.value("alarms", json::array())) {
        text += "ALARM " + word(alarm, "name");
        if (alarm.contains("till")) text += " till " + word(alarm, "till");
        text += " for " + grouped(number(alarm, "for_ms") / 1000) + " s: " + word(alarm, "text") + "\n";
    }
    return text;
}

} // namespace mudi::cli
