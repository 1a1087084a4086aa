#include <algorithm>
#include <utility>

#include <mudi/base/clock.hpp>

#include "bench/machine.hpp"
#include "bench/till_desk.hpp"

namespace mudi::bench {
namespace {

constexpr std::int64_t customers = 2000;
/// Sales and bare commits take turns in blocks of so many, so that both see the same disk and the same
/// neighbours.
constexpr std::size_t block = 50;
constexpr double syncs_per_sale_max = 1.05;
constexpr double p99_ratio_max = 2;

till::SaleDocument document_of(Grocery& grocery, std::size_t number) {
    till::SaleDocument document;
    document.name.number = "B" + std::to_string(number);
    document.host = "odoo17";
    document.operator_id = "op11";
    auto lines = grocery.basket();
    Money total{0, inr};
    for (const crm::LineItem& line : lines) total.minor += line.amount.minor;
    document.lines = std::move(lines);
    document.tenders = {{crm::TenderKind::upi, total, "417293845611"}};
    document.total = total;
    if (grocery.random().below(10) < 7) {
        const auto who = static_cast<std::int64_t>(grocery.random().below(customers)) + 1;
        document.customer = till::Presented{till::PresentedKind::card, card_number(who)};
    }
    return document;
}

} // namespace

Status measure_capture(const Options& options, Sheet& sheet) {
    const auto folder = options.folder / "capture";
    const SystemClock clock;
    Grocery grocery{1, clock.wall()};
    MUDI_TRY(auto till, TillDesk::open(folder));
    MUDI_CHECK(till->fill(grocery, customers, clock.wall()));
    MUDI_TRY(auto probe, DiskProbe::open(folder));

    const std::size_t sales = options.quick ? 200 : 2000;
    Samples completes;
    std::int64_t syncs = 0;
    while (completes.size() < sales) {
        MUDI_CHECK(probe.run(block));
        std::vector<till::SaleDocument> documents;
        for (std::size_t i = 0; i < block; ++i)
            documents.push_back(document_of(grocery, completes.size() + i));
        const std::int64_t before = syncs_made();
        for (const till::SaleDocument& document : documents) {
            const Watch watch;
            MUDI_TRY(const auto receipt, till->desk().complete(document, clock.wall()));
            completes.add(watch.us());
            if (receipt.repeated) return fail(Code::conflict, "bench.sale", "a sale was known already");
        }
        syncs += syncs_made() - before;
    }
    if (syncs == 0)
        return fail(Code::io, "bench.syncs",
                    "SQLite's calls of fdatasync were not seen: nothing was counted");

    Figure figure{
        .group = "capture", .what = "complete(), 8 lines, durable", .anchor_what = "4 KiB + fdatasync"};
    figure.aim = Aim::ratio_at_most;
    figure.target = p99_ratio_max;
    completes.report(sheet, figure, probe.samples());
    sheet.add({.group = "capture",
               .what = "fdatasync per sale, counted",
               .value = static_cast<double>(syncs) / static_cast<double>(completes.size()),
               .unit = "",
               .anchor = 1.0,
               .anchor_what = "one bare commit",
               .aim = Aim::at_most,
               .target = syncs_per_sale_max,
               .budget = true});
    return {};
}

} // namespace mudi::bench
