#include <optional>
#include <utility>

#include <mudi/base/clock.hpp>

#include "bench/bench.hpp"
#include "bench/server_shop.hpp"

namespace mudi::bench {
namespace {

constexpr std::size_t events_per_push = 500;
constexpr double purchases_a_second_min = 80'000;
constexpr double anchor_share_min = 0.6;

struct Rate {
    double seconds{};
    std::size_t count{};

    void add(const Watch& watch, std::size_t purchases) {
        seconds += watch.seconds();
        count += purchases;
    }
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

/// The same bodies in one bare table, one commit.
Status insert_bare(db::Connection& connection, db::Bulk<std::int64_t, Bytes>& bulk,
                   std::span<const sync::PushedBatch> batches, std::int64_t& seq) {
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(connection));
    for (const sync::PushedBatch& batch : batches)
        for (const sync::Event& event : batch.events) MUDI_CHECK(bulk.add(++seq, Bytes{event.body}));
    MUDI_CHECK(bulk.flush());
    return transaction.commit();
}

/// A server and a bare table that take the same pushes by turns, so many a commit.
class Pair {
public:
    static Result<Pair> open(const std::filesystem::path& file, std::size_t at_once, Time now) {
        Pair pair;
        pair.at_once_ = at_once;
        MUDI_TRY(pair.shop_, ServerShop::open(file, now));
        MUDI_TRY(pair.bare_,
                 open_bare(file.string() + "-bare",
                           "CREATE TABLE bare (seq INTEGER NOT NULL, body BLOB NOT NULL) STRICT"));
        pair.bulk_.emplace(*pair.bare_, "bare", "seq, body");
        return pair;
    }
    Status take(std::span<const sync::PushedBatch> group, Time now) {
        Watch watch;
        for (std::size_t at = 0; at < group.size(); at += at_once_)
            MUDI_CHECK(insert_bare(*bare_, *bulk_, group.subspan(at, at_once_), seq_));
        bare_rate_.add(watch, group.size() * events_per_push);
        watch.restart();
        for (std::size_t at = 0; at < group.size(); at += at_once_)
            MUDI_CHECK(shop_->append(group.subspan(at, at_once_), now));
        rate_.add(watch, group.size() * events_per_push);
        return {};
    }
    Status report(std::string what, Sheet& sheet) {
        Watch watch;
        MUDI_CHECK(bare_->execute(checkpoint_words));
        bare_rate_.add(watch, 0);
        watch.restart();
        MUDI_CHECK(shop_->checkpoint());
        rate_.add(watch, 0);
        sheet.add({.group = "accept",
                   .what = std::move(what),
                   .value = rate_.per_second(),
                   .unit = "purchases/s",
                   .anchor = bare_rate_.per_second(),
                   .anchor_what = "the bodies in a bare table, as many a commit",
                   .aim = Aim::at_least_or_share,
                   .target = purchases_a_second_min,
                   .share = anchor_share_min});
        return {};
    }

private:
    std::size_t at_once_{1};
    std::unique_ptr<ServerShop> shop_;
    std::unique_ptr<db::Connection> bare_;
    std::optional<db::Bulk<std::int64_t, Bytes>> bulk_;
    std::int64_t seq_{};
    Rate rate_, bare_rate_;
};

} // namespace

Status measure_accept(const Options& options, Sheet& sheet) {
    const SystemClock clock;
    Grocery grocery{3, clock.wall() - std::chrono::days{90}};
    const auto groups = make_groups(grocery, options.quick ? 2 : 24);
    const Time now = clock.wall();
    MUDI_TRY(auto single, Pair::open(options.folder / "accept.db", 1, now));
    MUDI_TRY(auto grouped, Pair::open(options.folder / "accept-grouped.db", tills, now));
    for (const auto& group : groups) {
        MUDI_CHECK(single.take(group, now));
        MUDI_CHECK(grouped.take(group, now));
    }
    MUDI_CHECK(single.report("inbox, 500 a commit", sheet));
    return grouped.report("inbox, 4 tills' 500 a commit", sheet);
}

} // namespace mudi::bench
