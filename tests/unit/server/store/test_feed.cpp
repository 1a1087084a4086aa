#include "unit/server/support/shop.hpp"

#include <set>

using namespace mudi;
using namespace mudi::test;

namespace {

template <class Work>
std::vector<server::FeedMoved> writing(Shop& shop, server::FeedWriter& feed, Work work) {
    auto transaction = must(db::WriteTransaction::begin(*shop.writer));
    work();
    auto moved = must(feed.finish());
    must(transaction.commit());
    return moved;
}

crm::Product tea(std::int64_t price) {
    return {"tea", "Tea", "drinks", "EA", Money{price, inr}, BasisPoints{500}};
}

} // namespace

TEST_CASE("feed versions are counted without holes over all buckets") {
    Shop shop{each_engine()};
    server::FeedWriter feed{*shop.writer};
    const StoreId a{"A"};
    const StoreId b{"B"};
    writing(shop, feed, [&] {
        CHECK(must(feed.open_bucket(a)));
        CHECK(must(feed.open_bucket(b)));
        CHECK_FALSE(must(feed.open_bucket(a)));
    });
    std::set<std::int64_t> seen;
    std::int64_t last = 0;
    for (int round = 0; round < 5; ++round) {
        const auto moved = writing(shop, feed, [&] {
            for (int key = 1; key <= 3; ++key) {
                const std::string body = "slice " + std::to_string(round) + std::to_string(key);
                CHECK(must(feed.put_profile(ProfileId{key}, body, std::vector{a})) == 1);
            }
        });
        REQUIRE(moved == std::vector<server::FeedMoved>{{a, last + 3}});
        for (const auto& row : shop.feed("A", last)) seen.insert(row.version);
        last += 3;
    }
    CHECK(seen.size() == 15);
    CHECK(*seen.rbegin() == 15);
    CHECK(shop.feed("A").size() == 3); // only the newest of each
    CHECK(must(server::FeedReader{*shop.writer}.newest(b)) == 0);
    CHECK(shop.status().feed_rows == 3);
    const auto moved =
        writing(shop, feed, [&] { must(feed.put_profile(ProfileId{9}, "of b", std::vector{b})); });
    CHECK(moved == std::vector<server::FeedMoved>{{b, 16}});
    // Another object, as another part of the program has it.
    server::FeedWriter other{*shop.writer};
    CHECK(writing(shop, other, [&] { must(other.put_profile(ProfileId{9}, "of a", std::vector{a})); }) ==
          std::vector<server::FeedMoved>{{a, 17}, {b, 18}});
}

TEST_CASE("an unchanged slice is not written again, one that leaves a bucket becomes a tombstone") {
    Shop shop{each_engine()};
    server::FeedWriter feed{*shop.writer};
    const std::vector<StoreId> both{StoreId{"A"}, StoreId{"B"}};
    writing(shop, feed, [&] {
        for (const auto& store : both) must(feed.open_bucket(store));
        CHECK(must(feed.put_profile(ProfileId{7}, "x", both)) == 2);
        CHECK(must(feed.put_profile(ProfileId{7}, "x", both)) == 0);
    });
    CHECK(writing(shop, feed, [&] { CHECK(must(feed.put_profile(ProfileId{7}, "x", both)) == 0); }).empty());
    const auto moved = writing(
        shop, feed, [&] { CHECK(must(feed.put_profile(ProfileId{7}, "x", std::vector{both[0]})) == 1); });
    CHECK(moved == std::vector<server::FeedMoved>{{StoreId{"B"}, 3}});
    const auto rows = shop.feed("B");
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].deleted);
    CHECK(rows[0].body.empty());
    CHECK(rows[0].key == "7");
    writing(shop, feed, [&] { CHECK(must(feed.put_profile(ProfileId{7}, "y", both)) == 2); });
    CHECK_FALSE(shop.feed("B")[0].deleted);
}

TEST_CASE("a store that opens late gets settings and products like the others") {
    Shop shop{each_engine()};
    crm::StoreSettings settings;
    settings.identifier_key = shop.keys.identifier_key;
    CHECK(must(server::publish_settings(*shop.writer, settings)).empty());
    shop.till(1, "A");
    must(shop.import->products(std::vector{tea(5200)}, noon));
    CHECK(must(server::publish_settings(*shop.writer, settings)).empty());
    shop.till(2, "B");
    for (const char* store : {"A", "B"}) {
        const auto rows = shop.feed(store);
        REQUIRE(rows.size() == 2);
        CHECK(must(sync::decode_settings(rows[0].body)) == settings);
        CHECK(must(sync::decode_product(rows[1].body)) == tea(5200));
    }
    settings.loyalty.redeem_min = Points{50};
    CHECK(must(server::publish_settings(*shop.writer, settings)).size() == 2);
    const auto report = must(shop.import->products(std::vector{tea(5200), tea(5300), crm::Product{}}, noon));
    CHECK(must(report.rows[0]) == server::Imported::unchanged);
    CHECK(must(report.rows[1]) == server::Imported::stored);
    CHECK(report.rows[2].error().name == "product.item");
    CHECK(report.moved == std::vector<server::FeedMoved>{{StoreId{"A"}, 7}, {StoreId{"B"}, 8}});
}

TEST_CASE("a page of the feed ends at its size but has at least one row") {
    Shop shop{each_engine()};
    server::FeedWriter feed{*shop.writer};
    writing(shop, feed, [&] {
        must(feed.open_bucket(StoreId{"A"}));
        for (int key = 1; key <= 4; ++key) {
            must(feed.put_profile(ProfileId{key}, std::string(100, 'x'), std::vector{StoreId{"A"}}));
        }
    });
    server::FeedReader reader{*shop.writer};
    CHECK(must(reader.read(StoreId{"A"}, 0, 10)).rows.size() == 1);
    const auto page = must(reader.read(StoreId{"A"}, 1, 250));
    CHECK(page.rows.size() == 2);
    CHECK(page.rows[0].version == 2);
    CHECK(page.newest == 4);
    CHECK(must(reader.read(StoreId{"A"}, 4, 250)).rows.empty());
    CHECK(must(reader.read(StoreId{"nowhere"}, 0, 250)).newest == 0);
}

TEST_CASE("a transaction that is rolled back leaves no hole in the versions") {
    Shop shop{each_engine()};
    server::FeedWriter feed{*shop.writer};
    writing(shop, feed, [&] { must(feed.open_bucket(StoreId{"A"})); });
    {
        const auto transaction = must(db::WriteTransaction::begin(*shop.writer));
        must(feed.put_profile(ProfileId{1}, "lost", std::vector{StoreId{"A"}}));
        must(feed.finish());
    }
    feed.forget();
    const auto moved =
        writing(shop, feed, [&] { must(feed.put_profile(ProfileId{2}, "kept", std::vector{StoreId{"A"}})); });
    CHECK(moved == std::vector<server::FeedMoved>{{StoreId{"A"}, 1}});
    CHECK(shop.feed("A").size() == 1);
}

TEST_CASE("a feed row that lies in no bucket is damage, and said to be") {
    Shop shop{each_engine()};
    server::FeedWriter feed{*shop.writer};
    const StoreId a{"A"};
    writing(shop, feed, [&] {
        must(feed.open_bucket(a));
        must(feed.put_profile(ProfileId{1}, "slice", std::vector{a}));
    });
    must(shop.writer->execute("UPDATE feed SET store = 'elsewhere'"));
    server::FeedWriter other{*shop.writer};
    auto transaction = must(db::WriteTransaction::begin(*shop.writer));
    const auto written = other.put_profile(ProfileId{1}, "slice", {});
    REQUIRE_FALSE(written);
    CHECK(written.error().name == "db.corrupt");
}
