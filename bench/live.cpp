#include <atomic>
#include <thread>
#include <utility>

#include <nlohmann/json.hpp>

#include <mudi/base/clock.hpp>

#include "bench/grocery.hpp"
#include "bench/machine.hpp"
#include "cli/fleet.hpp"
#include "cli/server_client.hpp"

namespace mudi::bench {
namespace {

using nlohmann::json;
using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds between_sales{20};
constexpr std::chrono::microseconds between_looks{500};
constexpr std::chrono::seconds patience{20};
constexpr std::size_t blocks = 6;
constexpr double live_us_max = 50'000;
constexpr double live_us_max_fifo = 10'000;

std::string document_of(const crm::RetailTransaction& sale) {
    json document{
        {"number", sale.key.number}, {"host", sale.host}, {"currency", "INR"}, {"total", sale.total.minor}};
    if (sale.member) document["customer"] = {{"kind", "card"}, {"value", sale.member->identifier.value}};
    for (const crm::LineItem& line : sale.lines) {
        document["lines"].push_back({{"item", line.item_id},
                                     {"description", line.description},
                                     {"category", line.category},
                                     {"unit", line.unit},
                                     {"quantity", line.quantity.thousandths},
                                     {"unit_price", line.unit_price->minor},
                                     {"amount", line.amount.minor},
                                     {"tax_rate", line.tax_rate.value},
                                     {"tax", line.tax.minor}});
    }
    document["tax_total"] = sale.tax_total.minor;
    document["tenders"] = {{{"kind", "upi"}, {"amount", sale.total.minor}}};
    return document.dump();
}

/// Asks the till all the time how far the server has it.
class AckWatch {
public:
    explicit AckWatch(const std::string& socket)
        : client_(http::Target::unix_socket(socket), {}),
          thread_([this](const std::stop_token& stop) { look(stop); }) {}

    [[nodiscard]] std::int64_t acked() const { return acked_; }
    /// When each event was first seen acknowledged, by its seq less 1. Ends the watch.
    std::vector<SteadyClock::time_point> finish() {
        thread_.request_stop();
        thread_.join();
        return std::move(seen_);
    }

private:
    void look(const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            const auto status = client_.get("/v1/status");
            const auto now = SteadyClock::now();
            const std::int64_t acked = status ? status->value("acked", std::int64_t{0}) : 0;
            while (static_cast<std::int64_t>(seen_.size()) < acked) seen_.push_back(now);
            acked_ = static_cast<std::int64_t>(seen_.size());
            std::this_thread::sleep_for(between_looks);
        }
    }

    cli::ApiClient client_;
    std::vector<SteadyClock::time_point> seen_;
    std::atomic<std::int64_t> acked_{0};
    std::jthread thread_;
};

struct Sold {
    Samples complete; ///< from the request to the receipt
    std::vector<SteadyClock::time_point> receipts;
};

Status sell(cli::ApiClient& client, Grocery& grocery, std::size_t count, Sold& sold) {
    auto due = SteadyClock::now();
    for (std::size_t i = 0; i < count; ++i, due += between_sales) {
        const std::string document = document_of(grocery.sale(1));
        std::this_thread::sleep_until(due);
        const Watch watch;
        MUDI_CHECK(client.send("POST", "/v1/complete", document, true));
        sold.complete.add(watch.us());
        sold.receipts.push_back(SteadyClock::now());
    }
    return {};
}

Status wait_linked(cli::ApiClient& client) {
    const auto until = SteadyClock::now() + patience;
    while (SteadyClock::now() < until) {
        MUDI_TRY(const auto status, client.get("/v1/status"));
        if (status.value("linked", false)) return {};
        std::this_thread::sleep_for(between_sales);
    }
    return fail(Code::unavailable, "bench.link", "the till did not reach the server");
}

Status wait_acked(const AckWatch& watch, std::size_t count) {
    const auto until = SteadyClock::now() + patience;
    while (watch.acked() < static_cast<std::int64_t>(count)) {
        if (SteadyClock::now() > until)
            return fail(Code::unavailable, "bench.ack", "the server did not take every sale");
        std::this_thread::sleep_for(between_sales);
    }
    return {};
}

} // namespace

Status measure_live(const Options& options, Sheet& sheet) {
    cli::FleetOptions fleet_options;
    fleet_options.programs = options.programs;
    fleet_options.folder = options.folder / "live";
    fleet_options.tills = {{1, store_of(1).value, workstation_of(1).value}};
    cli::Fleet fleet(fleet_options);
    MUDI_CHECK(fleet.start());
    cli::ApiClient client(http::Target::unix_socket(fleet.till(0).socket), {});
    MUDI_CHECK(wait_linked(client));

    Grocery grocery{8, SystemClock{}.wall()};
    MUDI_TRY(auto probe, DiskProbe::open(options.folder));
    AckWatch acks(fleet.till(0).socket);
    Sold sold;
    const std::size_t block = options.quick ? 10 : 100;
    for (std::size_t i = 0; i < blocks; ++i) {
        MUDI_CHECK(probe.run(100));
        MUDI_CHECK(sell(client, grocery, block, sold));
        MUDI_CHECK(wait_acked(acks, sold.receipts.size()));
    }
    const auto seen = acks.finish();
    fleet.stop();

    Samples latency;
    for (std::size_t i = 0; i < sold.receipts.size(); ++i) {
        const std::chrono::duration<double, std::micro> late = seen[i] - sold.receipts[i];
        latency.add(std::max(late.count(), 0.0)); // the ack may overtake the receipt
    }
    Figure figure{
        .group = "live", .what = "receipt until the server has it", .anchor_what = "4 KiB + fdatasync"};
    figure.aim = Aim::at_most;
    figure.target = options.fifo ? live_us_max_fifo : live_us_max;
    latency.report(sheet, figure, probe.samples());
    Figure complete{
        .group = "live", .what = "complete over the Unix socket", .anchor_what = "4 KiB + fdatasync"};
    sold.complete.report(sheet, complete, probe.samples());
    return {};
}

} // namespace mudi::bench
