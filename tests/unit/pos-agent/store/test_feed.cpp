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

TEST_CASE("a replaced feed serves to the end of the replacement, then what it lacks is gone") {
    test::TempDir folder;
    Till till(store_options(folder.file("till.db")));
    till.know_customers();
    crm::Product product{"8901030865275", "Tea", "tea", "EA", rupees(100), BasisPoints{500}};
    till.feed({row_of(product, 4)});
    till.feed({row_of(kamala(7), 1)}, true, false);
    CHECK(knows(till, rahim_card));
    CHECK(till.points_of(kamala_card) == Points{7});
    till.reopen(); // in the middle
    CHECK(knows(till, rahim_card));
    till.feed({row_of(settings(), 2)}, false, true);
    CHECK_FALSE(knows(till, rahim_card));
    CHECK_FALSE(knows(till, "rahim"));
    CHECK(knows(till, kamala_card));
    const auto counts = till.store->replica().counts();
    CHECK(counts.profiles == 1);
    CHECK(counts.offers_held == 1);
    CHECK(counts.products == 0);
    CHECK_FALSE(*till.store->storage().find_product(product.item_id));
    till.feed({gone(ProfileId{17}, 3)});
    CHECK(till.store->replica().counts().profiles == 0);
}

TEST_CASE("a row that cannot be read is skipped and counted, the others stand") {
    Till till;
    till.feed({row_of(settings(), 1)});
    auto row = row_of(rahim(), 2);
    row.body = "\xff\xff\xff";
    auto strange = row_of(rahim(), 3);
    strange.kind = 99;
    auto misnamed = row_of(rahim(), 4);
    misnamed.key = "19";
    auto nameless = row_of(rahim(), 5);
    nameless.key = "x";
    const auto outcome = till.feed({row, strange, misnamed, nameless, row_of(kamala(), 6)});
    CHECK(outcome.skipped == 4);
    CHECK(knows(till, kamala_card));
    CHECK_FALSE(knows(till, rahim_card));
    CHECK(till.store->replica().state().cursor.version == 6);
}

TEST_CASE("products and settings are replaced in place") {
    test::TempDir folder;
    Till till(store_options(folder.file("till.db")));
    crm::Product product{"8901030865275", "Tea", "tea", "EA", rupees(100), BasisPoints{500}};
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
