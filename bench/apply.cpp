#include <deque>
#include <optional>
#include <utility>

#include <mudi/base/clock.hpp>
#include <mudi/server/feed.hpp>
#include <mudi/server/offer_refresh.hpp>

#include "bench/bench.hpp"
#include "bench/server_shop.hpp"

namespace mudi::bench {
namespace {

constexpr std::size_t events_per_push = 500;
constexpr double purchases_a_second_min = 12'000;

/// The columns of a sale's header and lines and nothing else: no index, no constraint beyond the types.
constexpr std::string_view bare_tables = R"(
CREATE TABLE header (
    id INTEGER NOT NULL, event BLOB NOT NULL, till INTEGER NOT NULL, store TEXT NOT NULL,
    workstation TEXT NOT NULL, day INTEGER NOT NULL, number TEXT NOT NULL,
    begin_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL,
    operator_id TEXT NOT NULL, host TEXT NOT NULL, member TEXT NOT NULL, total INTEGER NOT NULL,
    tax_total INTEGER NOT NULL
) STRICT;
CREATE TABLE line (
    purchase INTEGER NOT NULL, line INTEGER NOT NULL, item TEXT NOT NULL, description TEXT NOT NULL,
    category TEXT NOT NULL, unit TEXT NOT NULL, quantity INTEGER NOT NULL, unit_price INTEGER,
    amount INTEGER NOT NULL, tax_rate INTEGER NOT NULL, tax INTEGER NOT NULL
) STRICT;
CREATE TABLE slice (profile INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
)";

class BareBooks {
public:
    explicit BareBooks(db::Connection& connection)
        : connection_(connection), headers_(connection, "header",
                                            "id, event, till, store, workstation, day, number, begin_ms, "
                                            "end_ms, operator_id, host, member, "
                                            "total, tax_total"),
          lines_(connection, "line",
                 "purchase, line, item, description, category, unit, quantity, unit_price, amount, tax_rate, "
                 "tax") {}

    /// `count` of the waiting sales in one commit.
    Status take(std::deque<crm::RetailTransaction>& waiting, std::size_t count) {
        MUDI_TRY(auto transaction, db::WriteTransaction::begin(connection_));
        for (; count > 0 && !waiting.empty(); --count) {
            MUDI_CHECK(add(waiting.front()));
            waiting.pop_front();
        }
        MUDI_CHECK(headers_.flush());
        MUDI_CHECK(lines_.flush());
        return transaction.commit();
    }

private:
    Status add(const crm::RetailTransaction& sale) {
        ++id_;
        MUDI_CHECK(headers_.add(id_, sale.id, TillId{1}, sale.key.store, sale.key.workstation, sale.key.day,
                                sale.key.number, sale.begin, sale.end, sale.operator_id, sale.host,
                                sale.member ? sale.member->identifier.value : std::string{}, sale.total.minor,
                                sale.tax_total.minor));
        for (const crm::LineItem& line : sale.lines) {
            MUDI_CHECK(lines_.add(id_, line.number, line.item_id, line.description, line.category, line.unit,
                                  line.quantity, line.unit_price->minor, line.amount.minor,
                                  std::int64_t{line.tax_rate.value}, line.tax.minor));
        }
        return {};
    }

    db::Connection& connection_;
    db::Bulk<std::int64_t, EventId, TillId, StoreId, WorkstationId, BusinessDay, std::string, Time, Time,
             std::string, std::string, std::string, std::int64_t, std::int64_t>
        headers_;
    db::Bulk<std::int64_t, std::int32_t, std::string, std::string, std::string, std::string, Quantity,
             std::optional<std::int64_t>, std::int64_t, std::int64_t, std::int64_t>
        lines_;
    std::int64_t id_{};
};

/// Puts `count` sales into the inbox and gives them back as they were.
Result<std::deque<crm::RetailTransaction>> fill_inbox(ServerShop& shop, std::size_t count, Time now) {
    Grocery grocery{4, now - std::chrono::days{90}};
    std::vector<Outbox> boxes;
    for (std::int64_t till = 1; till <= tills; ++till) boxes.emplace_back(till);
    std::deque<crm::RetailTransaction> sales;
    while (sales.size() < count) {
        for (std::size_t i = 0; i < events_per_push * boxes.size(); ++i) {
            const std::size_t box = i % boxes.size();
            sales.push_back(grocery.sale(static_cast<std::int64_t>(box) + 1));
            boxes[box].capture(sales.back());
        }
        std::vector<sync::PushedBatch> group;
        for (Outbox& box : boxes) group.push_back(box.next_batch(events_per_push));
        MUDI_CHECK(shop.append(group, now));
    }
    return sales;
}

Status apply_all(ServerShop& shop, BareBooks& bare, std::deque<crm::RetailTransaction> sales, Time now,
                 Sheet& sheet) {
    server::Apply apply{shop.writer(), shop.rules()};
    const auto count = static_cast<double>(sales.size());
    double seconds = 0, bare_seconds = 0;
    for (bool more = true; more;) {
        Watch watch;
        MUDI_TRY(const auto report, apply.apply_some(server::Apply::chunk, now));
        seconds += watch.seconds();
        more = report.more;
        if (report.quarantined + report.duplicates > 0)
            return fail(Code::invalid, "bench.apply", "the server did not take every sale");
        watch.restart();
        MUDI_CHECK(bare.take(sales, report.taken));
        bare_seconds += watch.seconds();
    }
    sheet.add({.group = "apply",
               .what = "header, 8 lines, ledger, habits",
               .value = count / seconds,
               .unit = "purchases/s",
               .anchor = count / bare_seconds,
               .anchor_what = "header and lines in bare tables",
               .aim = Aim::at_least,
               .target = purchases_a_second_min});
    return {};
}

Status refresh_all(ServerShop& shop, db::Connection& bare, Time now, Sheet& sheet) {
    server::OfferRefresh refresh{shop.writer(), shop.keys().identifier_key, crm::OfferPolicy{}};
    double profiles = 0, rows = 0, offers = 0;
    Watch watch;
    for (bool more = true; more;) {
        MUDI_TRY(const auto report, refresh.refresh_some(server::OfferRefresh::chunk, now));
        profiles += static_cast<double>(report.profiles);
        rows += static_cast<double>(report.rows);
        offers += static_cast<double>(report.offers_made);
        more = report.more;
    }
    const double seconds = watch.seconds();
    if (offers == 0) return fail(Code::invalid, "bench.offers", "no offer was made");

    server::FeedReader reader{shop.writer()};
    std::vector<sync::FeedRow> slices;
    for (const std::int64_t till : {1, 3}) {
        MUDI_TRY(auto page, reader.read(store_of(till), 0, 1'000'000'000));
        slices.insert(slices.end(), page.rows.begin(), page.rows.end());
    }
    db::Bulk<std::int64_t, Bytes> bulk{bare, "slice", "profile, body"};
    watch.restart();
    for (std::size_t i = 0; i < slices.size();) {
        MUDI_TRY(auto transaction, db::WriteTransaction::begin(bare));
        for (std::size_t n = 0; n < server::OfferRefresh::chunk && i < slices.size(); ++n, ++i)
            MUDI_CHECK(bulk.add(slices[i].version, Bytes{slices[i].body}));
        MUDI_CHECK(bulk.flush());
        MUDI_CHECK(transaction.commit());
    }
    const double bare_seconds = watch.seconds();
    sheet.add({.group = "apply",
               .what = "offers chosen, slices written",
               .value = profiles / seconds,
               .unit = "profiles/s",
               .anchor = static_cast<double>(slices.size()) / bare_seconds,
               .anchor_what = "the slices in a bare table"});
    sheet.add({.group = "apply", .what = "offers a profile", .value = offers / profiles, .unit = ""});
    sheet.add({.group = "apply", .what = "feed rows a profile", .value = rows / profiles, .unit = ""});
    return {};
}

} // namespace

Status measure_apply(const Options& options, Sheet& sheet) {
    const Time now = SystemClock{}.wall();
    MUDI_TRY(auto shop, ServerShop::open(options.folder / "apply.db", now));
    MUDI_TRY(auto sales, fill_inbox(*shop, options.quick ? 2000 : 20'000, now));
    MUDI_TRY(auto connection, open_bare(options.folder / "apply-bare.db", bare_tables));
    BareBooks bare{*connection};
    MUDI_CHECK(apply_all(*shop, bare, std::move(sales), now, sheet));
    return refresh_all(*shop, *connection, now, sheet);
}

} // namespace mudi::bench
