#include <algorithm>
#include <chrono>

#include "cli/demo/demo.hpp"
#include "cli/terminal.hpp"

namespace mudi::cli {
namespace {

using nlohmann::json;

std::int64_t number(const json& document, const char* key) {
    if (!document.is_object()) return 0;
    const auto found = document.find(key);
    return found != document.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

std::string till_table(const Fleet& fleet, const DemoLook& look) {
    Table table({"till", "captured", "unsent", "acknowledged", "offers held", "customers", "server"});
    for (std::size_t i = 0; i < fleet.size(); ++i) {
        const TillSpec& spec = fleet.till(i).spec;
        const json& status = i < look.till_status.size() ? look.till_status[i] : json(nullptr);
        const bool linked = status.is_object() && status.value("linked", false);
        table.add({spec.store + "/" + spec.workstation, grouped(number(status, "captured")),
                   grouped(number(status, "unsent")), grouped(number(status, "acked")),
                   grouped(number(status, "offers_held")), grouped(number(status, "profiles")),
                   status.is_null() ? "no answer"
                   : linked         ? "connected"
                                    : "offline"});
    }
    return table.text();
}

constexpr Duration first_outage{std::chrono::seconds{30}};
constexpr Duration outage_every{std::chrono::minutes{3}};

} // namespace

DemoOutages::DemoOutages(int seconds, int outage_s) : lasts_(std::chrono::seconds{outage_s}) {
    if (seconds > 0) {
        first_ = Duration{std::chrono::seconds{seconds}} / 3;
        lasts_ = std::min(lasts_, first_);
    } else {
        first_ = first_outage;
        every_ = std::max(outage_every, 2 * lasts_);
    }
}

bool DemoOutages::away_at(Duration elapsed) const {
    if (elapsed < first_) return false;
    const Duration since = elapsed - first_;
    return (every_ == Duration{0} ? since : since % every_) < lasts_;
}

std::string demo_screen(const Fleet& fleet, const DemoLook& look, const DemoTally& tally,
                        const std::deque<DemoVisit>& visits, const std::vector<std::string>& addresses,
                        std::int64_t elapsed_s) {
    std::string text = "Mudi demo   " + std::to_string(elapsed_s) + " s   sales " + grouped(tally.saved) +
                       "   greeted " + grouped(tally.greeted) + "   with an offer " +
                       grouped(tally.with_offer) + "   offers used " + grouped(tally.offers_used) +
                       "   returns " + grouped(tally.returns) + "   refused " + grouped(tally.refused) +
                       "\npoints redeemed " + grouped(tally.points_redeemed) +
                       "   of these without the server " + grouped(tally.points_offline) +
                       (look.server.is_null() ? "   THE SERVER IS AWAY, the shops go on" : "") + "\n\n";
    text += till_table(fleet, look) + "\n";
    text += "server   purchases " + grouped(number(look.server, "purchases")) + "   profiles " +
            grouped(number(look.server, "profiles")) + "   merges " + grouped(number(look.server, "merges")) +
            "   offers pushed " + grouped(number(look.server, "offers_pushed")) + "   lag " +
            grouped(number(look.server, "lag_ms")) + " ms\n\n";
    for (const DemoVisit& visit : visits) {
        text += "  " + fitted(visit.till, 9) + " " + visit.greeting + "\n";
        text += "            " +
                (visit.offer.empty() ? std::string("(no offer today)") : fitted(visit.offer, 100)) + "\n";
    }
    text += "\n";
    for (const std::string& address : addresses) text += address + "\n";
    return text + "Ctrl-C stops everything\n";
}

} // namespace mudi::cli
