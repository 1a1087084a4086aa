#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include <nlohmann/json.hpp>

#include "cli/replay/runner.hpp"
#include "cli/server_client.hpp"
#include "cli/terminal.hpp"

namespace mudi::cli {
namespace {

using nlohmann::json;

json key_of(const ReplaySale& sale, const Fleet& fleet) {
    const TillSpec& till = fleet.till(sale.till).spec;
    return {{"number", sale.number},
            {"business_day", format_business_day(business_day_at(sale.time, std::chrono::minutes{0}))},
            {"store", till.store},
            {"workstation", till.workstation}};
}

json line_document(const ReplayFile& file, const ReplaySale& sale, const ReplayLine& line,
                   const Fleet& fleet) {
    json document{{"item", line.item},
                  {"description", line.description},
                  {"quantity", line.quantity},
                  {"amount", line.amount}};
    if (sale.kind == ReplayKind::return_) document["type"] = "return";
    if (line.unit_price) document["unit_price"] = *line.unit_price;
    if (!line.goods) document["goods"] = false;
    for (const ReplayDiscount& discount : line.discounts)
        document["discounts"].push_back({{"promotion", discount.promotion}, {"amount", discount.minor}});
    if (line.original_sale) {
        document["original"] = key_of(file.sales[*line.original_sale], fleet);
        document["original"]["line"] = line.original_line;
    }
    return document;
}

class Tally {
public:
    void saved(bool repeated) {
        ++sent_;
        if (repeated) ++repeated_;
    }
    void refused(const ReplaySale& sale, const Error& error) {
        const std::lock_guard lock(mutex_);
        if (refusals_++ == 0) first_ = sale.number + ": " + error.name + ": " + error.what;
    }
    [[nodiscard]] std::int64_t sent() const { return sent_; }
    [[nodiscard]] SendReport report(double seconds) const {
        return {seconds, sent_, repeated_, first_, refusals_};
    }

private:
    std::atomic<std::int64_t> sent_{0};
    std::atomic<std::int64_t> repeated_{0};
    std::mutex mutex_;
    std::string first_;
    std::int64_t refusals_{0};
};

void ring_up(const ReplayFile& file, std::size_t till, const Fleet& fleet, Tally& tally) {
    ApiClient client(http::Target::unix_socket(fleet.till(till).socket), {});
    for (const ReplaySale& sale : file.sales) {
        if (sale.till != till) continue;
        const auto receipt = client.send("POST", "/v1/complete", sale_document(file, sale, fleet), true);
        if (receipt)
            tally.saved(receipt->value("repeated", false));
        else
            tally.refused(sale, receipt.error());
    }
}

} // namespace

std::string sale_document(const ReplayFile& file, const ReplaySale& sale, const Fleet& fleet) {
    json document = key_of(sale, fleet);
    const std::int64_t us = to_ms(sale.time) * 1000;
    document["begin_us"] = us;
    document["end_us"] = us;
    document["currency"] = currency_code(file.currency);
    document["host"] = "replay";
    document["kind"] = sale.kind == ReplayKind::return_      ? "return"
                       : sale.kind == ReplayKind::adjustment ? "adjustment"
                                                             : "sale";
    if (!sale.customer.empty()) document["customer"] = {{"kind", "card"}, {"value", sale.customer}};
    for (const ReplayLine& line : sale.lines)
        document["lines"].push_back(line_document(file, sale, line, fleet));
    const std::int64_t total = sale.total();
    document["total"] = total;
    if (sale.kind != ReplayKind::adjustment) {
        if (sale.voucher > 0) document["tenders"].push_back({{"kind", "voucher"}, {"amount", sale.voucher}});
        if (total != sale.voucher || sale.voucher == 0)
            document["tenders"].push_back({{"kind", "cash"}, {"amount", total - sale.voucher}});
        // Nothing to pay, nothing tendered.
        if (total == 0 && sale.voucher == 0) document.erase("tenders");
    }
    return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

SendReport send_sales(const ReplayFile& file, const Fleet& fleet, bool quiet) {
    Tally tally;
    const auto begin = std::chrono::steady_clock::now();
    std::atomic<std::size_t> running{fleet.size()};
    {
        std::vector<std::jthread> lanes;
        for (std::size_t till = 0; till < fleet.size(); ++till)
            lanes.emplace_back([&, till] {
                ring_up(file, till, fleet, tally);
                --running;
            });
        Progress progress("ring up", static_cast<std::int64_t>(file.sales.size()), quiet);
        while (running > 0) {
            progress.at(tally.sent());
            std::this_thread::sleep_for(std::chrono::milliseconds{20});
        }
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    return tally.report(seconds.count());
}

} // namespace mudi::cli
