#include "cli/demo/demo.hpp"

namespace mudi::cli {
namespace {

using nlohmann::json;
constexpr int page_size = 1000;

} // namespace

Result<DemoProof> prove(const Fleet& fleet, const DemoTally& tally) {
    MUDI_TRY(auto target, target_of(fleet.server().url));
    ApiClient server(std::move(target), fleet.server().token);
    DemoProof proof;
    std::unordered_set<std::string> seen;
    for (std::size_t i = 0; i < fleet.size(); ++i) {
        std::int64_t after = 0;
        for (;;) {
            MUDI_TRY(const json page,
                     server.get("/api/v1/purchases?till=" + std::to_string(fleet.till(i).spec.till) +
                                "&after=" + std::to_string(after) + "&limit=" + std::to_string(page_size)));
            const json purchases = page.value("purchases", json::array());
            for (const json& purchase : purchases) {
                ++proof.at_server;
                after = purchase.value("arrival", after);
                const std::string event = purchase.value("event", "");
                if (!seen.insert(event).second) ++proof.doubled;
                if (!tally.events.contains(event)) ++proof.unknown;
            }
            if (purchases.size() < page_size) break;
        }
    }
    for (const std::string& event : tally.events) proof.missing += seen.contains(event) ? 0 : 1;
    return proof;
}

} // namespace mudi::cli
