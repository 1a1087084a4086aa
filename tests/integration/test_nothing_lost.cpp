#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include <nlohmann/json.hpp>

#include "cli/fleet.hpp"
#include "cli/replay/runner.hpp"
#include "cli/server_client.hpp"
#include "support/temp_dir.hpp"

using namespace mudi;
using namespace mudi::cli;
using nlohmann::json;

namespace {

constexpr int sales_wanted = 2000;
constexpr int kills_wanted = 20;
constexpr std::size_t tills = 2;

/// What the cashiers were told: the event id of every sale answered "saved", by its number.
class Book {
public:
    void saved(const std::string& number, const std::string& event) {
        const std::lock_guard lock(mutex_);
        const auto [found, added] = events_.emplace(number, event);
        if (!added && found->second != event) contradictions_.push_back(number);
        done_ = static_cast<int>(events_.size());
    }
    [[nodiscard]] int done() const { return done_; }
    [[nodiscard]] const std::map<std::string, std::string>& events() const { return events_; }
    [[nodiscard]] const std::vector<std::string>& contradictions() const { return contradictions_; }

private:
    std::mutex mutex_;
    std::map<std::string, std::string> events_;
    std::vector<std::string> contradictions_;
    std::atomic<int> done_{0};
};

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

/// A POS program that asks again, with the same number, until it has an answer.
void ring_up(std::string socket, std::size_t lane, std::atomic<int>& next, std::atomic<bool>& give_up,
             Book& book) {
    ApiClient client(http::Target::unix_socket(std::move(socket)), {});
    for (int i = next++; i < sales_wanted && !give_up; i = next++) {
        const std::string number = "L" + std::to_string(lane) + "-" + std::to_string(i);
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

/// Event ids the server has of these tills, with how often.
std::map<std::string, int> events_at(const Fleet& fleet) {
    std::map<std::string, int> events;
    ApiClient server(*target_of(fleet.server().url), fleet.server().token);
    for (std::size_t till = 1; till <= tills; ++till) {
        for (std::int64_t after = 0;;) {
            const auto page = server.get("/api/v1/purchases?till=" + std::to_string(till) +
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

std::vector<int> moments(std::mt19937_64& random) {
    std::vector<int> at;
    for (int i = 0; i < kills_wanted; ++i)
        at.push_back(static_cast<int>(random() % (sales_wanted - 100)) + 20);
    std::sort(at.begin(), at.end());
    return at;
}

} // namespace

TEST_CASE("every sale answered saved is at the server exactly once, whatever is killed whenever") {
    const auto seed = std::random_device{}();
    std::mt19937_64 random(seed);
    CAPTURE(seed);
    test::TempDir folder;
    Fleet fleet({.programs = MUDI_PROGRAMS,
                 .folder = folder.path(),
                 .tills = {{1, "KOL01", "1"}, {2, "KOL01", "2"}},
                 .currency = "INR",
                 .durability = "full",
                 .database = {},
                 .card_ranges = {}});
    REQUIRE(fleet.start());
    Book book;
    std::atomic<int> next{0};
    std::atomic<bool> give_up{false};
    int kills = 0;
    {
        std::vector<std::jthread> lanes;
        for (std::size_t lane = 0; lane < 4; ++lane) {
            // Two cashiers' programs a till: requests meet in the agent.
            lanes.emplace_back([&, lane, socket = fleet.till(lane % tills).socket] {
                ring_up(socket, lane, next, give_up, book);
            });
        }
        for (const int moment : moments(random)) {
            while (book.done() < moment && !give_up) std::this_thread::yield();
            const auto victim = random() % (tills + 1);
            if (victim == tills) {
                fleet.kill_server();
                if (!fleet.start_server()) give_up = true;
            } else {
                fleet.kill_till(victim);
                if (!fleet.start_till(victim)) give_up = true;
            }
            ++kills;
            if (give_up) break;
        }
    }
    REQUIRE_FALSE(give_up);
    CHECK(kills == kills_wanted);
    CHECK(book.contradictions().empty());
    REQUIRE(book.events().size() == sales_wanted);
    REQUIRE(wait_until_drained(fleet, std::chrono::seconds{60}, true).drained);

    const auto stored = events_at(fleet);
    std::set<std::string> told;
    for (const auto& [number, event] : book.events()) told.insert(event);
    CHECK(told.size() == sales_wanted);
    std::size_t missing = 0, doubled = 0, unknown = 0;
    for (const std::string& event : told) missing += stored.contains(event) ? 0u : 1u;
    for (const auto& [event, times] : stored) {
        doubled += times > 1 ? 1u : 0u;
        unknown += told.contains(event) ? 0u : 1u;
    }
    CHECK(missing == 0);
    CHECK(doubled == 0);
    CHECK(unknown == 0);
}
