#include "selling.hpp"

#include <set>
#include <thread>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "cli/server_client.hpp"

namespace mudi::test {
namespace {

using nlohmann::json;

std::string sale(const std::string& number, int variant) {
    const std::int64_t amount = 1000 + variant % 900;
    return json{{"number", number},
                {"business_day", "2026-11-21"},
                {"currency", "INR"},
                {"customer", {{"kind", "card"}, {"value", "MUDI" + std::to_string(10'000 + variant % 100)}}},
                {"lines", {{{"item", "8901030865275"}, {"quantity", 1000}, {"amount", amount}}}},
                {"tenders", {{{"kind", "cash"}, {"amount", amount}}}},
                {"total", amount}}
        .dump();
}

} // namespace

void Book::saved(const std::string& number, const std::string& event) {
    const std::lock_guard lock(mutex_);
    const auto [found, added] = events_.emplace(number, event);
    if (!added && found->second != event) contradictions_.push_back(number);
    done_ = static_cast<int>(events_.size());
}

void ring_up(const Lane& lane, std::atomic<int>& next, std::atomic<bool>& give_up, Book& book) {
    cli::ApiClient client(http::Target::unix_socket(lane.socket), {});
    for (int i = next++; i < lane.sales_wanted && !give_up; i = next++) {
        const std::string number = lane.prefix + "-" + std::to_string(i);
        const std::string document = sale(number, i);
        for (bool saved = false; !saved && !give_up;) {
            const auto receipt = client.send("POST", "/v1/complete", document, true);
            saved = receipt && receipt->value("saved", false);
            if (saved)
                book.saved(number, receipt->value("event", ""));
            else if (!receipt && receipt.error().code == Code::invalid)
                give_up = true;
            else
                std::this_thread::yield();
        }
    }
}

void sell(const cli::Fleet& fleet, std::size_t till, const std::string& prefix, int sales, Book& book) {
    std::atomic<int> next{0};
    std::atomic<bool> give_up{false};
    ring_up({fleet.till(till).socket, prefix, sales}, next, give_up, book);
    REQUIRE_FALSE(give_up);
}

std::map<std::string, int> events_at(const cli::Fleet& fleet) {
    std::map<std::string, int> events;
    auto server = fleet.operator_client();
    REQUIRE(server);
    for (std::size_t till = 0; till < fleet.size(); ++till) {
        for (std::int64_t after = 0;;) {
            const auto page =
                server->get("/api/v1/purchases?till=" + std::to_string(fleet.till(till).spec.till) +
                            "&after=" + std::to_string(after) + "&limit=1000");
            REQUIRE(page);
            const json purchases = page->value("purchases", json::array());
            if (purchases.empty()) break;
            for (const json& purchase : purchases) {
                ++events[purchase.value("event", "")];
                after = purchase.value("arrival", after);
            }
        }
    }
    return events;
}

Comparison compare(const Book& book, const std::map<std::string, int>& stored) {
    std::set<std::string> told;
    for (const auto& [number, event] : book.events()) told.insert(event);
    Comparison found;
    for (const std::string& event : told) found.missing += stored.contains(event) ? 0u : 1u;
    for (const auto& [event, times] : stored) {
        found.doubled += times > 1 ? 1u : 0u;
        found.unknown += told.contains(event) ? 0u : 1u;
    }
    return found;
}

} // namespace mudi::test
