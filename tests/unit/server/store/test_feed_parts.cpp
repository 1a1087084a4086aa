#include "unit/server/support/shop.hpp"

#include <algorithm>

using namespace mudi;
using namespace mudi::test;

namespace {

const StoreId a{"A"};
const StoreId b{"B"};

/// Writes slices into the buckets, as the server's jobs do.
struct Feed {
    explicit Feed(Shop& of) : shop(of), writer(*of.writer), reader(*of.writer) {
        write([&] {
            must(writer.open_bucket(a));
            must(writer.open_bucket(b));
        });
    }
    template <class Work>
    std::vector<server::FeedMoved> write(Work work) {
        auto transaction = must(db::WriteTransaction::begin(*shop.writer));
        work();
        auto moved = must(writer.finish());
        must(transaction.commit());
        return moved;
    }
    void slice(std::int64_t profile, const std::string& body, std::vector<StoreId> stores = {a}) {
        write([&] { must(writer.put_profile(ProfileId{profile}, body, stores)); });
    }
    void slices(std::int64_t count, std::size_t bytes) {
        write([&] {
            for (std::int64_t i = 1; i <= count; ++i) {
                must(writer.put_profile(ProfileId{i}, std::string(bytes, 'x'), std::vector{a}));
            }
        });
    }

    Shop& shop;
    server::FeedWriter writer;
    server::FeedReader reader;
};

/// What a till has of a bucket: it takes changes, and parts as a whole.
struct Copy {
    using Key = std::pair<std::uint32_t, std::string>;

    void take(const std::vector<sync::FeedRow>& changes) {
        for (const auto& row : changes) {
            if (row.deleted) rows.erase({row.kind, row.key});
            if (!row.deleted) rows[{row.kind, row.key}] = row.body;
        }
    }
    sync::Manifest manifest(std::size_t parts) const {
        sync::Manifest out{std::vector<std::uint64_t>(parts, 0)};
        for (const auto& [key, body] : rows)
            out.digests[part(key, parts)] += sync::row_digest(key.first, key.second, body);
        return out;
    }
    static std::size_t part(const Key& key, std::size_t parts) {
        return sync::part_of(key.first, key.second) * parts / sync::parts_max;
    }
    /// Takes the parts that differ; how many rows came.
    std::size_t mend(server::FeedReader& reader, const server::ManifestPage& page) {
        const std::size_t parts = page.manifest.digests.size();
        const sync::Manifest mine = manifest(parts);
        std::size_t came = 0;
        for (std::size_t i = 0; i < parts; ++i) {
            if (mine.digests[i] == page.manifest.digests[i]) continue;
            std::erase_if(rows, [&](const auto& row) { return part(row.first, parts) == i; });
            const auto theirs =
                must(reader.part(a, static_cast<std::uint32_t>(parts), static_cast<std::uint32_t>(i)));
            came += theirs.size();
            take(theirs);
        }
        return came;
    }

    std::map<Key, std::string> rows;
};

std::map<Copy::Key, std::string> all_of(server::FeedReader& reader) {
    Copy copy;
    copy.take(must(reader.read(a, 0, 100'000'000)).rows);
    return copy.rows;
}

} // namespace

TEST_CASE("a manifest sums up the rows of each part, and the parts are the whole bucket") {
    Shop shop{each_engine()};
    must(shop.import->products(std::vector{crm::Product{"চা", "Tea", "", "EA", Money{1, inr}, {}}}, noon));
    Feed feed{shop};
    feed.slices(300, 1000);
    feed.slice(5, "", {b}); // leaves a
    feed.slice(7, "changed");
    const auto page = must(feed.reader.manifest(a));
    const std::size_t parts = page.manifest.digests.size();
    CHECK(parts == 8); // 300 KB in parts of 64 KiB at most
    CHECK(page.version == must(feed.reader.newest(a)));
    Copy copy;
    copy.take(must(feed.reader.read(a, 0, 100'000'000)).rows);
    CHECK(copy.rows.size() == 300);
    CHECK(page.manifest == copy.manifest(parts));
    Copy by_parts;
    for (std::uint32_t part = 0; part < parts; ++part) {
        const auto rows = must(feed.reader.part(a, static_cast<std::uint32_t>(parts), part));
        CHECK(std::is_sorted(rows.begin(), rows.end(), [](const auto& x, const auto& y) {
            return std::tie(x.kind, x.key) < std::tie(y.kind, y.key);
        }));
        for (const auto& row : rows) {
            CHECK_FALSE(row.deleted);
            CHECK(Copy::part({row.kind, row.key}, parts) == part);
        }
        by_parts.take(rows);
    }
    CHECK(by_parts.rows == copy.rows);
    CHECK(by_parts.rows.contains({2, "চা"}));
}

TEST_CASE("only the part of what differs has to be fetched") {
    Shop shop{each_engine()};
    Feed feed{shop};
    feed.slices(400, 1000);
    Copy copy{all_of(feed.reader)};
    CHECK(copy.mend(feed.reader, must(feed.reader.manifest(a))) == 0);
    feed.slice(17, "changed");
    feed.slice(18, "", {});
    copy.rows[{1, "4711"}] = "of a lost future";
    const auto page = must(feed.reader.manifest(a));
    const std::size_t came = copy.mend(feed.reader, page);
    CHECK(copy.rows == all_of(feed.reader));
    CHECK(came < 399); // at most three of eight parts
    CHECK(came > 0);
}

TEST_CASE("a bucket is divided by its size, into a power of two that the largest does not exceed") {
    Shop shop{db::Engine::sqlite};
    Feed feed{shop};
    CHECK(must(feed.reader.manifest(a)).manifest.digests == std::vector<std::uint64_t>{0});
    CHECK(must(feed.reader.manifest(StoreId{"nowhere"})).manifest.digests.size() == 1);
    feed.slices(60, 1024);
    CHECK(must(feed.reader.manifest(a)).manifest.digests.size() == 1);
    feed.slices(70, 1025);
    CHECK(must(feed.reader.manifest(a)).manifest.digests.size() == 2);
    feed.slices(280, 250'000);
    CHECK(must(feed.reader.manifest(a)).manifest.digests.size() == sync::parts_max);
    for (const auto& [parts, part] : {std::pair{3U, 0U}, {0U, 0U}, {2048U, 0U}, {4U, 4U}})
        CHECK(feed.reader.part(a, parts, part).error().name == "feed.part");
}

TEST_CASE("a manifest is made anew when the bucket was written, and only then costs a scan") {
    Shop shop{each_engine()};
    Feed feed{shop};
    feed.slices(3, 10);
    const auto before = must(feed.reader.manifest(a));
    // Behind the version's back: what is remembered cannot know.
    run(*shop.writer, "UPDATE feed SET digest = digest + 1 WHERE kind = 1 AND key = '1'");
    CHECK(must(feed.reader.manifest(a)).manifest == before.manifest);
    feed.slice(2, "other", {b}); // b moves; a gets a tombstone
    const auto after = must(feed.reader.manifest(a));
    CHECK(after.version > before.version);
    CHECK(after.manifest != before.manifest);
}

TEST_CASE("till at 100, server put back to 70 and gone on to 130: the cursor is not carried on") {
    Shop shop{each_engine()};
    Feed feed{shop};
    for (std::int64_t v = 1; v <= 70; ++v) feed.slice(v, "first " + std::to_string(v));
    // The backup, taken at 70, and what the till saw until 100.
    const auto backup = rows<std::int64_t, std::string, std::int64_t>(
        *shop.writer, "SELECT version, key, kind FROM feed ORDER BY version");
    const std::string columns = "kind, key, store, version, deleted, body, part, digest, applied";
    run(*shop.writer, "CREATE TABLE kept_feed AS SELECT " + columns + " FROM feed");
    run(*shop.writer, "CREATE TABLE kept_bucket AS SELECT store, newest FROM bucket");
    for (std::int64_t v = 71; v <= 100; ++v) feed.slice(v % 40, "lost " + std::to_string(v));
    Copy till{all_of(feed.reader)};
    const sync::FeedCursor cursor{shop.lineage.back().generation, must(feed.reader.newest(a))};
    REQUIRE(cursor.version == 100);
    REQUIRE(sync::carried_on(shop.lineage, cursor) == 100);
    const auto at_70 = sync::FeedCursor{cursor.generation, 70};

    // The database of 70 is back, and somebody simply starts the server.
    run(*shop.writer, "DELETE FROM feed");
    run(*shop.writer, "INSERT INTO feed (" + columns + ") SELECT " + columns + " FROM kept_feed");
    run(*shop.writer, "DELETE FROM bucket");
    run(*shop.writer, "INSERT INTO bucket (store, newest) SELECT store, newest FROM kept_bucket");
    run(*shop.writer, "UPDATE counter SET value = 70 WHERE name = 'feed.version'");
    REQUIRE(rows<std::int64_t, std::string, std::int64_t>(
                *shop.writer, "SELECT version, key, kind FROM feed ORDER BY version") == backup);
    shop.start(4711);
    for (std::int64_t v = 71; v <= 130; ++v) feed.slice(200 + v, "second " + std::to_string(v));
    REQUIRE(must(feed.reader.newest(a)) == 130);

    // By number alone the till would be told of 101 to 130 only.
    CHECK_FALSE(sync::carried_on(shop.lineage, cursor).has_value());
    CHECK(sync::carried_on(shop.lineage, at_70) == 70);
    const auto page = must(feed.reader.manifest(a));
    till.mend(feed.reader, page);
    CHECK(till.rows == all_of(feed.reader));
    CHECK(page.version == 130);
    const sync::FeedCursor now{shop.lineage.back().generation, page.version};
    CHECK(sync::carried_on(shop.lineage, now) == 130);
}

TEST_CASE("a slice says how far it goes, and is written again for a purchase that changes nothing") {
    Shop shop{each_engine()};
    Feed feed{shop};
    const std::vector<StoreId> in_a{a};
    const auto put = [&](std::int64_t up_to, std::int64_t last) {
        std::size_t written = 0;
        feed.write([&] {
            written = must(feed.writer.put_profile(ProfileId{7}, "same", in_a, {up_to, last}));
        });
        return written;
    };
    CHECK(put(10, 8) == 1);
    CHECK(shop.feed("A")[0].applied == 10);
    CHECK(put(20, 8) == 0); // nothing of this profile came
    CHECK(shop.feed("A")[0].applied == 10);
    CHECK(put(30, 25) == 1);
    CHECK(shop.feed("A")[0].applied == 30);
    CHECK(shop.feed("A")[0].version == 2);
    CHECK(must(feed.reader.part(a, 1, 0)).at(0).applied == 30);
    CHECK(put(40, 30) == 0);
}

TEST_CASE("applying a sale tells its till through the slice, whatever the slice says") {
    Shop shop{each_engine()};
    shop.push(1, std::vector{sale(key_of("a"), {{"tea", 1, 20'000}}, card("C0001"))});
    shop.apply_all();
    shop.refresh_all();
    CHECK(shop.feed("KOL01").at(0).applied == 1);
    // Nothing for the points, nothing for a habit; but the till waits to hear of it.
    shop.push(2, std::vector{sale(key_of("x", "KOL01", "2"), {{"tea", 1, 100}})});
    shop.push(1, std::vector{sale(key_of("b"), {{"bag", 1, 100}}, card("C0001"), noon)});
    shop.apply_all();
    shop.refresh_all();
    CHECK(shop.feed("KOL01").at(0).applied == 3);
}

TEST_CASE("tombstones are forgotten after 35 days, and a cursor before them is told so") {
    Shop shop{each_engine()};
    Feed feed{shop};
    const auto forget = [&](Time now, std::size_t most = 100) {
        std::size_t gone = 0;
        feed.write([&] { gone = must(feed.writer.forget_tombstones(now, most)); });
        return gone;
    };
    feed.slices(4, 10);     // versions 1 to 4
    feed.slice(1, "", {b}); // a: tombstone; b: a row
    feed.slice(2, "", {});
    CHECK(forget(noon) == 0);
    feed.slice(3, "", {}); // after the first mark
    const auto before = must(feed.reader.manifest(a)).manifest;
    const Time later = noon + server::FeedWriter::tombstone_age;
    CHECK(forget(later - std::chrono::milliseconds{1}) == 0);
    CHECK(must(feed.reader.read(a, 0, 1000)).horizon == 0);
    CHECK(forget(later, 1) == 1);
    CHECK(forget(later, 10) == 1);
    CHECK(forget(later, 10) == 0);
    const auto page = must(feed.reader.read(a, 0, 1000));
    CHECK(page.rows.size() == 2); // 4, and the tombstone of 3
    CHECK(page.horizon == 7);
    CHECK(page.newest == 8);
    CHECK(must(feed.reader.read(b, 0, 1000)).horizon == 0);
    CHECK(must(feed.reader.manifest(a)).manifest == before);
    CHECK(shop.status().feed_rows == 3);
    // Buried between the first mark and the second, which was made shortly before `later`.
    CHECK(forget(later + server::FeedWriter::tombstone_age - std::chrono::milliseconds{2}) == 0);
    CHECK(forget(later + server::FeedWriter::tombstone_age) == 1);
    feed.slice(1, "back");
    CHECK(shop.feed("A").back().body == "back");
    CHECK(shop.status().feed_rows == 3);
}
