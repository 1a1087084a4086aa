#include <utility>

#include <mudi/base/clock.hpp>

#include "bench/bench.hpp"
#include "bench/server_shop.hpp"

namespace mudi::bench {
namespace {

constexpr std::size_t events_per_push = 500;
constexpr double purchases_a_second_min = 80'000;

struct Rate {
    double seconds{};
    std::size_t count{};

    [[nodiscard]] double per_second() const { return static_cast<double>(count) / seconds; }
};

std::vector<std::vector<sync::PushedBatch>> make_groups(Grocery& grocery, std::size_t groups) {
    std::vector<Outbox> boxes;
    for (std::int64_t till = 1; till <= tills; ++till) boxes.emplace_back(till);
    std::vector<std::vector<sync::PushedBatch>> made(groups);
    for (auto& group : made) {
        for (std::int64_t till = 1; till <= tills; ++till) {
            Outbox& box = boxes[static_cast<std::size_t>(till - 1)];
            for (std::size_t i = 0; i < events_per_push; ++i) box.capture(grocery.sale(till));
            group.push_back(box.next_batch(events_per_push));
        }
    }
    return made;
}

/// The same bodies in one bare table, 500 rows a commit.
Status insert_bare(db::Connection& connection, db::Bulk<std::int64_t, Bytes>& bulk,
                   const sync::PushedBatch& batch, std::int64_t& seq) {
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(connection));
    for (const sync::Event& event : batch.events) MUDI_CHECK(bulk.add(++seq, Bytes{event.body}));
    MUDI_CHECK(bulk.flush());
    return transaction.commit();
}

Status accept_groups(ServerShop& shop, db::Connection& bare,
                     const std::vector<std::vector<sync::PushedBatch>>& groups, Time now, Sheet& sheet) {
    db::Bulk<std::int64_t, Bytes> bulk{bare, "bare", "seq, body"};
    std::int64_t seq = 0;
    Rate anchor, single, grouped;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        const auto& group = groups[i];
        Watch watch;
        for (const sync::PushedBatch& batch : group) MUDI_CHECK(insert_bare(bare, bulk, batch, seq));
        anchor.seconds += watch.seconds();
        anchor.count += group.size() * events_per_push;
        // By turns: every push committed alone, and all that wait committed together.
        Rate& rate = i % 2 == 0 ? single : grouped;
        watch.restart();
        if (i % 2 == 0) {
            for (const sync::PushedBatch& batch : group) MUDI_CHECK(shop.append({&batch, 1}, now));
        } else {
            MUDI_CHECK(shop.append(group, now));
        }
        rate.seconds += watch.seconds();
        rate.count += group.size() * events_per_push;
    }
    const auto add = [&](std::string what, const Rate& rate) {
        sheet.add({.group = "accept",
                   .what = std::move(what),
                   .value = rate.per_second(),
                   .unit = "purchases/s",
                   .anchor = anchor.per_second(),
                   .anchor_what = "the bodies in a bare table, 500 a commit",
                   .aim = Aim::at_least,
                   .target = purchases_a_second_min});
    };
    add("inbox, 500 a commit", single);
    add("inbox, 4 tills' 500 a commit", grouped);
    return {};
}

} // namespace

Status measure_accept(const Options& options, Sheet& sheet) {
    const SystemClock clock;
    Grocery grocery{3, clock.wall() - std::chrono::days{90}};
    const auto groups = make_groups(grocery, options.quick ? 2 : 16);
    const Time now = clock.wall();
    MUDI_TRY(auto shop, ServerShop::open(options.folder / "accept.db", now));
    MUDI_TRY(auto bare, open_bare(options.folder / "accept-bare.db",
                                  "CREATE TABLE bare (seq INTEGER NOT NULL, body BLOB NOT NULL) STRICT"));
    return accept_groups(*shop, *bare, groups, now, sheet);
}

} // namespace mudi::bench
