#include <utility>

#include <mudi/base/clock.hpp>
#include <mudi/server/feed.hpp>
#include <mudi/server/offer_refresh.hpp>

#include "bench/bench.hpp"
#include "bench/copy_books.hpp"
#include "bench/server_shop.hpp"

namespace mudi::bench {
namespace {

constexpr std::size_t events_per_push = 500;
constexpr double purchases_a_second_min = 12'000;

constexpr std::string_view bare_tables =
    "CREATE TABLE slice (profile INTEGER NOT NULL, body BLOB NOT NULL) STRICT";
constexpr double anchor_share_min = 0.6;

Status fill_inbox(ServerShop& shop, std::size_t count, Time now) {
    Grocery grocery{4, now - std::chrono::days{90}};
    std::vector<Outbox> boxes;
    for (std::int64_t till = 1; till <= tills; ++till) boxes.emplace_back(till);
    for (std::size_t made = 0; made < count;) {
        for (std::size_t i = 0; i < events_per_push * boxes.size(); ++i, ++made) {
            const std::size_t box = i % boxes.size();
            boxes[box].capture(grocery.sale(static_cast<std::int64_t>(box) + 1));
        }
        std::vector<sync::PushedBatch> group;
        for (Outbox& box : boxes) group.push_back(box.next_batch(events_per_push));
        MUDI_CHECK(shop.append(group, now));
    }
    return {};
}

/// Chunk by chunk, by turns.
Status apply_all(ServerShop& shop, CopyBooks& bare, Time now, Sheet& sheet) {
    server::Apply apply{shop.writer(), shop.rules()};
    std::int64_t applied = 0;
    double seconds = 0, bare_seconds = 0;
    for (bool more = true; more;) {
        Watch watch;
        MUDI_TRY(const auto report, apply.apply_some(server::Apply::chunk, now));
        seconds += watch.seconds();
        more = report.more;
        if (report.quarantined + report.duplicates > 0)
            return fail(Code::invalid, "bench.apply", "the server did not take every sale");
        applied += static_cast<std::int64_t>(report.taken); // arrival numbers are dense and begin at 1
        MUDI_CHECK(bare.gather(applied));
        watch.restart();
        MUDI_CHECK(bare.write());
        bare_seconds += watch.seconds();
    }
    Watch watch;
    MUDI_CHECK(shop.checkpoint());
    seconds += watch.seconds();
    watch.restart();
    MUDI_CHECK(bare.checkpoint());
    bare_seconds += watch.seconds();
    const auto count = static_cast<double>(applied);
    sheet.add({.group = "apply",
               .what = "header, 8 lines, ledger, habits",
               .value = count / seconds,
               .unit = "purchases/s",
               .anchor = count / bare_seconds,
               .anchor_what = "the same rows into the same tables and indexes",
               .aim = Aim::at_least_or_share,
               .target = purchases_a_second_min,
               .share = anchor_share_min});
    sheet.add({.group = "apply",
               .what = "rows a purchase, indexes not counted",
               .value = static_cast<double>(bare.rows()) / count,
               .unit = ""});
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
    MUDI_CHECK(fill_inbox(*shop, options.quick ? 2000 : 20'000, now));
    {
        MUDI_TRY(auto bare, CopyBooks::open(options.folder / "apply.db", options.folder / "apply-copy.db"));
        MUDI_CHECK(apply_all(*shop, *bare, now, sheet));
    }
    MUDI_TRY(auto connection, open_bare(options.folder / "apply-bare.db", bare_tables));
    return refresh_all(*shop, *connection, now, sheet);
}

} // namespace mudi::bench
