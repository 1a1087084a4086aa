#include <mudi/base/db/statement.hpp>

#include "../till_fixture.hpp"

using namespace mudi;
using namespace mudi::till;
using namespace mudi::till::fixture;

namespace {

bool knows(Till& till, const std::string& typed) {
    const auto found = till.desk->search(typed, morning);
    REQUIRE(found);
    return !found->empty();
}

} // namespace

TEST_CASE("slices come, change and go, with all ways to find them") {
    test::TempDir folder;
    Till till(store_options(folder.file("till.db")));
    till.know_customers();
    CHECK(knows(till, kamala_card));
    auto changed = kamala();
    changed.name = "Kamala Sen";
    changed.identifiers = {hash_of(card_of(kamala_card))};
    changed.offers.clear();
    const auto outcome = till.feed({row_of(changed, 9)});
    CHECK(outcome.changed == std::vector{ProfileId{17}});
    CHECK(knows(till, "sen"));
    CHECK(knows(till, "kamala"));
    CHECK_FALSE(knows(till, "das"));
    CHECK(knows(till, kamala_card));
    CHECK_FALSE(knows(till, kamala_phone));
    CHECK(till.store->replica().counts().offers_held == 0);
    till.feed({gone(ProfileId{17}, 10), gone(ProfileId{99}, 11)});
    CHECK_FALSE(knows(till, kamala_card));
    CHECK_FALSE(knows(till, "kamala"));
    CHECK(till.store->replica().counts().profiles == 1);
    till.reopen();
    CHECK(till.store->replica().state().cursor == sync::FeedCursor{5, 11});
    CHECK(knows(till, rahim_card));
}

TEST_CASE("merged profiles pass on their identifiers, in whichever order the rows come") {
    auto merged = rahim();
    merged.identifiers.push_back(hash_of(card_of(kamala_card)));
    const auto now_rahims = [](Till& till) {
        const auto found = till.desk->search(kamala_card, morning);
        return found->size() == 1 && found->front().profile == ProfileId{18};
    };
    SECTION("the new one first") {
        Till till;
        till.know_customers();
        till.feed({row_of(merged, 4), gone(ProfileId{17}, 5)});
        CHECK(now_rahims(till));
    }
    SECTION("the old one first") {
        Till till;
        till.know_customers();
        till.feed({gone(ProfileId{17}, 4), row_of(merged, 5)});
        CHECK(now_rahims(till));
    }
}

namespace {

const crm::Product tea_product{"8901030865275", "Tea", "tea", "EA", rupees(100), BasisPoints{500}};

sync::FeedRow unknown_row(const std::string& key, std::int64_t version) {
    return {version, 99, key, false, "of another time: " + key, 0};
}

Bucket whole_bucket() {
    return {{row_of(settings(), 1), row_of(kamala(), 2), row_of(rahim(), 3), row_of(tea_product, 4),
             unknown_row("coupon-1", 5)}};
}

} // namespace

TEST_CASE("a new till gets everything part by part, and then nothing differs, in any division") {
    test::TempDir folder;
    Till till(store_options(folder.file("till.db")));
    const Bucket bucket = whole_bucket();
    CHECK(till.level_with(bucket) > 0);
    for (int round = 0; round < 2; ++round) {
        CHECK(knows(till, kamala_card));
        CHECK(knows(till, "rahim"));
        CHECK(*till.store->storage().find_product(tea_product.item_id) == tea_product);
        for (const std::size_t parts : {std::size_t{1}, std::size_t{2}, std::size_t{64}, std::size_t{1024}})
            CHECK(till.store->replica().compare(bucket.manifest(parts))->empty());
        const auto counts = till.store->replica().counts();
        CHECK(counts.profiles == 2);
        CHECK(counts.offers_held == 1);
        CHECK(counts.products == 1);
        CHECK(counts.raw_rows == 1);
        CHECK(till.store->replica().state().cursor == sync::FeedCursor{5, 1000});
        till.reopen();
    }
}

TEST_CASE("mending brings what changed and forgets what is gone, and only where it differs") {
    Till till;
    till.level_with(whole_bucket());
    Bucket now = whole_bucket();
    now.rows.erase(now.rows.begin() + 2, now.rows.end()); // rahim, tea and the unknown one are gone
    now.rows[1] = row_of(kamala(7), 9);
    const std::size_t differing = till.level_with(now, 1024);
    CHECK(differing <= 4);
    CHECK(till.points_of(kamala_card) == Points{7});
    CHECK_FALSE(knows(till, rahim_card));
    CHECK_FALSE(knows(till, "rahim"));
    CHECK_FALSE(*till.store->storage().find_product(tea_product.item_id));
    const auto counts = till.store->replica().counts();
    CHECK(counts.profiles == 1);
    CHECK(counts.products == 0);
    CHECK(counts.raw_rows == 0);
    CHECK(till.store->replica().compare(now.manifest(1024))->empty());
}

TEST_CASE("a mending that was cut off goes on with what still differs") {
    test::TempDir folder;
    Till till(store_options(folder.file("till.db")));
    till.feed({row_of(settings(), 1)});
    const auto before = till.store->replica().state().cursor;
    const Bucket bucket = whole_bucket();
    const auto differing = *till.store->replica().compare(bucket.manifest(1024));
    REQUIRE(differing.size() >= 2);
    REQUIRE(till.store->replica().apply_part(bucket.part(1024, differing[0])));
    till.reopen();
    CHECK(till.store->replica().state().cursor == before);
    CHECK(till.store->replica().compare(bucket.manifest(1024))->size() == differing.size() - 1);
}

TEST_CASE("the part of the settings comes first") {
    Till till;
    const Bucket bucket = whole_bucket();
    const auto part = static_cast<std::uint32_t>(Bucket::part_of(bucket.rows[0], 1024));
    CHECK(till.store->replica().compare(bucket.manifest(1024))->front() == part);
}

TEST_CASE("a till keeps the settings that it has when the bucket has none, and knows that they differ") {
    Till till;
    till.level_with(whole_bucket());
    Bucket without = whole_bucket();
    without.rows.erase(without.rows.begin());
    till.level_with(without);
    CHECK(knows(till, kamala_card));
    CHECK(till.store->replica().compare(without.manifest(64))->empty());
    CHECK(till.level_with(whole_bucket()) == 1);
}

TEST_CASE("a division that cannot be is refused") {
    Till till;
    auto& replica = till.store->replica();
    for (const std::size_t parts : {std::size_t{0}, std::size_t{3}, std::size_t{2048}}) {
        CHECK(error_of(replica.compare({std::vector<std::uint64_t>(parts)})) == "feed.part");
        CHECK(error_of(replica.apply_part({static_cast<std::uint32_t>(parts), 0, {}})) == "feed.part");
    }
    CHECK(error_of(replica.apply_part({4, 4, {}})) == "feed.part");
}

TEST_CASE("a row that cannot be read is kept as it came, the others stand") {
    Till till;
    till.feed({row_of(settings(), 1)});
    auto row = row_of(rahim(), 2);
    row.body = "\xff\xff\xff";
    auto strange = row_of(rahim(), 3);
    strange.kind = 99;
    strange.key = std::string("\0\xff", 2);
    auto misnamed = row_of(rahim(), 4);
    misnamed.key = "19";
    auto nameless = row_of(rahim(), 5);
    nameless.key = "x";
    auto spelled = row_of(kamala(), 5);
    spelled.key = "017";
    const auto outcome = till.feed({row, strange, misnamed, nameless, spelled, row_of(kamala(), 6)});
    CHECK(outcome.skipped == 5);
    CHECK(till.store->replica().counts().raw_rows == 5);
    CHECK(knows(till, kamala_card));
    CHECK_FALSE(knows(till, rahim_card));
    CHECK(till.store->replica().state().cursor.version == 6);
    const Bucket same{
        {row_of(settings(), 1), row, strange, misnamed, nameless, spelled, row_of(kamala(), 6)}};
    CHECK(till.store->replica().compare(same.manifest(256))->empty());
    auto bare = strange;
    bare.deleted = true;
    till.feed({bare});
    CHECK(till.store->replica().counts().raw_rows == 4);
}

TEST_CASE("what was known goes on serving while the server's newer row cannot be read") {
    Till till;
    till.level_with(whole_bucket());
    Bucket newer = whole_bucket();
    for (sync::FeedRow& row : newer.rows) row.body = "\xff\xff\xff";
    till.feed(newer.rows);
    CHECK(knows(till, kamala_card));
    CHECK(*till.store->storage().find_product(tea_product.item_id));
    CHECK(till.store->replica().compare(newer.manifest(256))->empty());
    till.level_with(whole_bucket());
    CHECK(till.store->replica().counts().raw_rows == 1);
    CHECK(till.store->replica().compare(whole_bucket().manifest(256))->empty());
}

TEST_CASE("rows kept raw are taken up by the program that can read them") {
    test::TempDir folder;
    auto options = store_options(folder.file("till.db"));
    options.program_version = "0.1.0";
    {
        Till till(options);
        till.feed({row_of(settings(), 1)});
        auto unread = row_of(kamala(), 2);
        unread.body = "\xff\xff\xff";
        till.feed({unread, unknown_row("coupon-1", 3)});
    }
    {
        // What an earlier program could not read, in the place where it would have kept it.
        const auto row = row_of(kamala(), 2);
        SeededRandom random(3);
        auto connection = *db::Connection::open({db::Engine::sqlite, options.path, db::Durability::off});
        db::Command<std::uint64_t, Bytes> set(*connection, "UPDATE feed_other SET digest = :digest, body = "
                                                           ":body WHERE kind = 1");
        REQUIRE(set(sync::row_digest(row.kind, row.key, row.body),
                    seal(options.data_key, random.nonce(), row.body)));
    }
    CHECK_FALSE(knows(*std::make_unique<Till>(options), kamala_card));
    options.program_version = "0.2.0";
    Till till(options);
    CHECK(knows(till, kamala_card));
    CHECK(till.store->replica().counts().raw_rows == 1);
    CHECK(till.store->replica().counts().profiles == 1);
    const Bucket same{{row_of(settings(), 1), row_of(kamala(), 2), unknown_row("coupon-1", 3)}};
    CHECK(till.store->replica().compare(same.manifest(256))->empty());
}

TEST_CASE("products and settings are replaced in place") {
    test::TempDir folder;
    Till till(store_options(folder.file("till.db")));
    crm::Product product = tea_product;
    till.feed({row_of(product, 1)});
    product.price = rupees(110);
    till.feed({row_of(product, 2)});
    CHECK((*till.store->storage().find_product(product.item_id))->price == rupees(110));
    CHECK(till.store->replica().counts().products == 1);
    auto store_settings = settings();
    store_settings.loyalty.redeem_min = Points{50};
    CHECK(till.feed({row_of(store_settings, 3)}).settings_changed);
    CHECK(till.desk->loyalty().redeem_min == Points{50});
    till.reopen();
    CHECK(till.desk->loyalty().redeem_min == Points{50});
}
