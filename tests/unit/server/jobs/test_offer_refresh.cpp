#include <algorithm>

#include "unit/server/support/shop.hpp"

using namespace mudi;
using namespace mudi::test;

namespace {

/// Buys tea every ten days, `times` times, the last time `ago` before noon.
void buys_tea(Shop& shop, const std::string& number, int times, Duration ago) {
    for (int i = 0; i < times; ++i) {
        shop.push(1, std::vector{sale(key_of(number + "-" + std::to_string(i)), {{"tea", 1, 20'000}},
                                      card(number), noon - ago - day * (10 * (times - 1 - i)))});
    }
    shop.apply_all();
}

} // namespace

TEST_CASE("a sale leads to a slice with offers in the feed of its store") {
    Shop shop{each_engine()};
    shop.till(1, "KOL01");
    shop.till(2, "PUN01");
    shop.push(1, std::vector{sale(key_of("a"), {{"tea", 1, 50'000}}, card("C0001"))});
    shop.apply_all();
    const auto moved = shop.refresh_all();
    CHECK(moved == std::vector<server::FeedMoved>{{StoreId{"KOL01"}, 1}});
    const auto slices = shop.slices("KOL01");
    REQUIRE(slices.size() == 1);
    const auto& slice = slices.at(1);
    CHECK(slice.balance.value == 5);
    CHECK(slice.identifiers ==
          std::vector{crm::identifier_hash(shop.keys.identifier_key, {crm::IdentifierKind::card, "C0001"})});
    REQUIRE(slice.offers.size() == 1);
    CHECK(slice.offers[0].kind == crm::OfferKind::welcome);
    CHECK(shop.profile("C0001").offers == slice.offers);
    CHECK(shop.slices("PUN01").empty());
    CHECK(shop.status().offers_out == 1);
    CHECK(shop.status().offers_pushed == 1);
    CHECK(shop.refresh_all().empty()); // nothing is dirty any more
}

TEST_CASE("refreshing again makes the same offers and writes nothing") {
    Shop shop{each_engine()};
    shop.till(1, "KOL01");
    buys_tea(shop, "C0001", 5, day * 15);
    shop.refresh_all();
    const auto before = shop.slices("KOL01").at(1);
    REQUIRE_FALSE(before.offers.empty());
    CHECK(before.offers[0].kind == crm::OfferKind::usual_item);
    CHECK(before.offers[0].item_id == "tea");
    CHECK(before.offers[0].reason.item == "thing tea");
    run(*shop.writer, "INSERT INTO dirty_record (record, since_ms) VALUES (1, 0)");
    const auto report = must(shop.refresh->refresh_some(10, noon + std::chrono::hours{1}));
    CHECK(report.profiles == 1);
    CHECK(report.rows == 0);
    CHECK(report.offers_made == 0);
    CHECK(report.moved.empty());
    CHECK(shop.slices("KOL01").at(1) == before);
}

TEST_CASE("an offer appears without a purchase on the day the usual item is overdue") {
    Shop shop{each_engine()};
    shop.till(1, "KOL01");
    buys_tea(shop, "C0001", 4, day * 1);
    shop.refresh_all();
    const auto usual = [&] {
        const auto slices = shop.slices("KOL01");
        return std::ranges::any_of(slices.at(1).offers, [](const crm::Offer& offer) {
            return offer.kind == crm::OfferKind::usual_item;
        });
    };
    CHECK_FALSE(usual());
    CHECK(must(shop.refresh->nightly_due(noon, 100)) == 0);
    int first = 0;
    for (int later = 1; later <= 20 && first == 0; ++later) {
        const Time now = noon + day * later;
        must(shop.refresh->nightly_due(now, 100));
        shop.refresh_all(now);
        if (usual()) first = later;
    }
    // Bought every 10 days and 1 day ago: neither before it is due nor more than some days after.
    CHECK(first >= 9);
    CHECK(first <= 13);
}

TEST_CASE("offers that have run out leave the slice") {
    Shop shop{each_engine()};
    shop.till(1, "KOL01");
    shop.push(1, std::vector{sale(key_of("a"), {{"soap", 1, 50'000}}, card("C0001"))});
    shop.apply_all();
    shop.refresh_all();
    const auto until = shop.slices("KOL01").at(1).offers.at(0).valid_to;
    CHECK(must(shop.refresh->nightly_due(until - std::chrono::milliseconds{1}, 100)) == 0);
    CHECK(must(shop.refresh->nightly_due(until, 100)) == 1);
    shop.refresh_all(until);
    const auto slices = shop.slices("KOL01");
    for (const auto& offer : slices.at(1).offers) CHECK(offer.valid_to > until);
}

TEST_CASE("who was never seen anywhere is known everywhere, until a store sees them") {
    Shop shop{each_engine()};
    shop.till(1, "KOL01");
    shop.till(2, "PUN01");
    auto asha = person("1", "Asha");
    asha.cards = {"C0001"};
    must(shop.import->customers(std::vector{asha}, noon));
    shop.refresh_all();
    CHECK(shop.slices("KOL01").size() == 1);
    CHECK(shop.slices("PUN01").size() == 1);
    shop.push(2, std::vector{sale(key_of("a", "PUN01"), {{"tea", 1, 50'000}}, card("C0001"))});
    shop.apply_all();
    shop.refresh_all();
    CHECK(shop.slices("KOL01").empty());
    CHECK(shop.slices("PUN01").size() == 1);
    CHECK(shop.feed("KOL01").size() == 1); // its tombstone
}

TEST_CASE("a store that opens later gets those who belong to it") {
    Shop shop{each_engine()};
    auto home = person("1", "Asha");
    home.home_store = StoreId{"PUN01"};
    auto elsewhere = person("2", "Rahul");
    elsewhere.home_store = StoreId{"KOL01"};
    must(shop.import->customers(std::vector{home, elsewhere, person("3", "Meera")}, noon));
    shop.refresh_all();
    shop.till(1, "PUN01");
    shop.refresh_all();
    const auto slices = shop.slices("PUN01");
    CHECK(slices.size() == 2);
    CHECK(slices.contains(1));
    CHECK(slices.contains(3));
}

TEST_CASE("a merge keeps the offers that both had out") {
    Shop shop{each_engine()};
    shop.till(1, "KOL01");
    buys_tea(shop, "C0001", 5, day * 15);
    shop.refresh_all();
    const auto offers = shop.profile("C0001").offers;
    REQUIRE(offers.size() >= 1);
    auto first = person("0", "Asha");
    first.cards = {"C0002"};
    must(shop.import->customers(std::vector{first}, noon));
    shop.refresh_all();
    auto both = person("1", "Asha");
    both.cards = {"C0001", "C0002"};
    must(shop.import->customers(std::vector{both}, noon));
    shop.refresh_all();
    const auto merged = shop.profile("C0002");
    CHECK(merged.id == shop.profile("C0001").id);
    for (const auto& offer : offers) {
        CHECK(std::any_of(merged.offers.begin(), merged.offers.end(),
                          [&](const auto& kept) { return kept.id == offer.id; }));
    }
    CHECK(shop.status().offers_out == static_cast<std::int64_t>(merged.offers.size()));
    CHECK(count(*shop.writer, "swallowed_profile") == 0);
}

TEST_CASE("the catalogue's words go before those of the receipts") {
    Shop shop{each_engine()};
    shop.till(1, "KOL01");
    must(shop.import->products(
        std::vector{crm::Product{"tea", "Darjeeling tea 250 g", "tea", "EA", Money{20'000, inr}, {}}}, noon));
    buys_tea(shop, "C0001", 5, day * 15);
    shop.refresh_all();
    CHECK(shop.slices("KOL01").at(1).offers.at(0).reason.item == "Darjeeling tea 250 g");
}
