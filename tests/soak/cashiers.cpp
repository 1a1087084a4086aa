#include "soak/cashiers.hpp"

#include <chrono>

#include <nlohmann/json.hpp>

#include "cli/server_client.hpp"

namespace mudi::soak {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr auto between_sales = 15ms;
constexpr auto between_attempts = 25ms;
constexpr Duration answer_within{10'000};

/// Begin and end are the host's: the same sale asked for again, even of a till that has forgotten it, is the
/// same sale.
std::string document_of(const std::string& number, int serial) {
    const std::int64_t amount = 1000 + serial % 900;
    const std::int64_t at_us = 1'795'240'800'000'000 + std::int64_t{serial} * 1'000'000;
    return json{{"number", number},
                {"business_day", "2026-11-21"},
                {"currency", "INR"},
                {"begin_us", at_us},
                {"end_us", at_us},
                {"customer", {{"kind", "card"}, {"value", "MUDI" + std::to_string(10'000 + serial % 100)}}},
                {"lines",
                 {{{"item", "8901030865275"},
                   {"description", "চা ২৫০ গ্রাম"},
                   {"quantity", 1000},
                   {"amount", amount}}}},
                {"tenders", {{{"kind", "cash"}, {"amount", amount}}}},
                {"total", amount}}
        .dump();
}

} // namespace

Cashiers::Cashiers(const cli::Fleet& fleet, Oracle& oracle, std::size_t lanes_per_till) : oracle_(oracle) {
    for (std::size_t till = 0; till < fleet.size(); ++till) {
        gates_.push_back(std::make_unique<std::shared_mutex>());
        for (std::size_t lane = 0; lane < lanes_per_till; ++lane) {
            const std::string prefix = "T" + std::to_string(till) + "L" + std::to_string(lane) + "-";
            lanes_.emplace_back([this, till, socket = fleet.till(till).socket,
                                 prefix](const std::stop_token& stop) { sell(stop, till, socket, prefix); });
        }
    }
}

Cashiers::~Cashiers() { stop(); }

void Cashiers::stop() {
    for (std::jthread& lane : lanes_) lane.request_stop();
    lanes_.clear();
}

std::unique_lock<std::shared_mutex> Cashiers::hold(std::size_t till) {
    return std::unique_lock{*gates_.at(till)};
}

std::string Cashiers::refused() const {
    const std::lock_guard lock(mutex_);
    return refused_;
}

void Cashiers::sell(const std::stop_token& stop, std::size_t till, const std::string& socket,
                    const std::string& prefix) {
    cli::ApiClient client(http::Target::unix_socket(socket), {});
    for (int serial = 0; !stop.stop_requested(); ++serial) {
        const std::string number = prefix + std::to_string(serial);
        const std::string document = document_of(number, serial);
        oracle_.asked(number);
        while (!ring_up(client, till, number, document)) {
            if (!refused().empty()) return;
            std::this_thread::sleep_for(between_attempts);
        }
        std::this_thread::sleep_for(between_sales);
    }
}

bool Cashiers::ring_up(cli::ApiClient& client, std::size_t till, const std::string& number,
                       const std::string& document) {
    const std::shared_lock gate{*gates_[till]};
    const auto receipt =
        client.send("POST", "/v1/complete", document, true, "application/json", answer_within);
    if (receipt && receipt->value("saved", false)) {
        oracle_.saved(till, number);
        return true;
    }
    if (!receipt && (receipt.error().code == Code::invalid || receipt.error().code == Code::conflict)) {
        const std::lock_guard lock(mutex_);
        if (refused_.empty()) refused_ = number + ": " + receipt.error().name + ": " + receipt.error().what;
    }
    return false;
}

} // namespace mudi::soak
