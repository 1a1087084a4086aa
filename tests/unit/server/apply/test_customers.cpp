#include "unit/server/support/shop.hpp"

using namespace mudi;
using namespace mudi::test;

namespace {

crm::SourceRecord with_phone(const std::string& key, const std::string& name, const std::string& phone) {
    crm::SourceRecord record = person(key, name);
    record.phone = phone;
    record.phone_verified = true;
    return record;
}

} // namespace

TEST_CASE("one person written in two scripts becomes one profile, and both stores' tills learn it") {
    Shop shop{each_engine()};
    shop.till(1, "KOL01");
    shop.till(2, "PUN01");
    auto bengali = with_phone("1", "কমলা দাস", "+919830012345");
    bengali.home_store = StoreId{"KOL01"};
    auto latin = with_phone("2", "Kamala Das", "098300 12345");
    latin.home_store = StoreId{"PUN01"};
    const auto stranger = with_phone("3", "Rahul Patil", "9830012345"); // the family's phone, another name
    must(shop.import->customers(std::vector{bengali}, noon));
    shop.refresh_all();
    CHECK(shop.slices("KOL01").size() == 1);
    CHECK(shop.slices("PUN01").empty());
    must(shop.import->customers(std::vector{stranger, latin}, noon));
    shop.refresh_all();
    const auto found =
        must(server::CustomerReader{*shop.writer, shop.keys.identifier_key, shop.rules.identifiers}.find(
            "9830012345"));
    CHECK(found.size() == 2);
    const auto kamala =
        must(server::CustomerReader{*shop.writer, shop.keys.identifier_key, shop.rules.identifiers}.profile(
            ProfileId{3}));
    CHECK(kamala.id.value == 1);
    CHECK(kamala.records.size() == 2);
    REQUIRE(kamala.links.size() == 1);
    CHECK(kamala.links[0].a.value == 1);
    CHECK(kamala.links[0].b.value == 3);
    CHECK(kamala.links[0].reason == crm::MergeReason::same_phone_and_name);
    CHECK(kamala.golden.name == "Kamala Das");
    CHECK(shop.slices("KOL01").contains(1));
    CHECK(shop.slices("PUN01").contains(1));
    CHECK(shop.slices("PUN01").at(1).name == "Kamala Das");
    const auto status = shop.status();
    CHECK(status.source_records == 3);
    CHECK(status.profiles == 2);
    CHECK(status.merges == 1);
}

TEST_CASE("a card joins two profiles: the bigger number becomes a tombstone where it was known") {
    Shop shop{each_engine()};
    shop.till(1, "A");
    shop.till(2, "B");
    auto first = person("1", "Asha");
    first.cards = {"C0001"};
    first.home_store = StoreId{"A"};
    auto second = person("2", "Asha Rao");
    second.cards = {"C0002"};
    second.home_store = StoreId{"B"};
    must(shop.import->customers(std::vector{first, second}, noon));
    shop.push(1, std::vector{sale(key_of("a", "A"), {{"tea", 1, 20'000}}, card("C0001"))});
    shop.push(2, std::vector{sale(key_of("b", "B"), {{"tea", 1, 30'000}}, card("C0002"))});
    shop.apply_all();
    shop.refresh_all();
    CHECK(shop.slices("A").contains(1));
    CHECK(shop.slices("B").contains(2));
    auto both = person("3", "Asha R");
    both.cards = {"C0001", "C0002"};
    must(shop.import->customers(std::vector{both}, noon));
    shop.refresh_all();
    CHECK(shop.status().merges == 2);
    CHECK(shop.status().profiles == 1);
    for (const char* store : {"A", "B"}) {
        const auto slices = shop.slices(store);
        REQUIRE(slices.size() == 1);
        CHECK(slices.at(1).balance.value == 5);
        CHECK(slices.at(1).identifiers.size() == 2);
    }
    bool tombstone = false;
    for (const auto& row : shop.feed("B")) tombstone = tombstone || (row.key == "2" && row.deleted);
    CHECK(tombstone);
    // Each record keeps its own account, so that a split could give it back.
    CHECK(rows<std::int64_t, std::int64_t>(
              *shop.writer, "SELECT account, points FROM ledger_entry WHERE account > 0 ORDER BY account") ==
          "1|2|\n2|3|\n");
}

TEST_CASE("an unknown card that bought is found again when its customer is imported") {
    Shop shop{each_engine()};
    shop.push(1, std::vector{sale(key_of("a"), {{"tea", 1, 20'000}}, card("C0042"))});
    shop.apply_all();
    CHECK(shop.profile("C0042").golden.name.empty());
    auto customer = person("9", "সুমন ঘোষ");
    customer.cards = {"C0042"};
    must(shop.import->customers(std::vector{customer}, noon));
    shop.push(1, std::vector{sale(key_of("b"), {{"tea", 1, 20'000}}, card("C0042"))});
    shop.apply_all();
    const auto profile = shop.profile("C0042");
    CHECK(profile.id.value == 1);
    CHECK(profile.golden.name == "সুমন ঘোষ");
    CHECK(profile.points.value == 4);
    CHECK(profile.visits == 2);
    CHECK(profile.links.at(0).reason == crm::MergeReason::same_card);
}

TEST_CASE("a customer that joined at the till is known, and the same event again is not a correction") {
    Shop shop{each_engine()};
    auto joined = person("k1", "Meera");
    joined.source = "till:1";
    joined.phone = "+919830011111";
    joined.cards = {"C0007"};
    auto moved = joined;
    moved.phone = "+919830022222";
    shop.push(1, {event_of(joined, "e1")});
    shop.push(1, {event_of(moved, "e2")});
    shop.push(2, {event_of(joined, "e1")}); // an old life sends its first event again
    const auto report = shop.apply_all(GENERATE(std::size_t{1}, std::size_t{256}));
    CHECK(report.applied == 2);
    CHECK(report.duplicates == 1);
    const auto profile = shop.profile("C0007");
    CHECK(profile.golden.phone == "+919830022222");
    REQUIRE(profile.records.size() == 2);
    CHECK(profile.records[0].superseded);
    CHECK_FALSE(profile.records[1].superseded);
    server::CustomerReader reader{*shop.writer, shop.keys.identifier_key, shop.rules.identifiers};
    CHECK(must(reader.find("9830011111")).empty());
    CHECK(must(reader.find("9830022222")).size() == 1);
    CHECK(must(reader.find("2")).front().value == 1);
    CHECK(must(reader.find("no such thing")).empty());
    CHECK(shop.status().merges == 0);
}

TEST_CASE("a phone that is no number is kept as written and finds nobody") {
    Shop shop{each_engine()};
    auto joined = person("k1", "Meera");
    joined.phone = "+12";
    joined.cards = {"C0007"};
    shop.push(1, {event_of(joined, "e1")});
    CHECK(shop.apply_all().applied == 1);
    CHECK(shop.profile("C0007").golden.phone.empty());
    CHECK(rows<std::string>(*shop.writer, "SELECT phone_raw FROM source_record") == "+12|\n");
}

TEST_CASE("of several people with one phone the sale goes to the one the till greeted") {
    Shop shop{each_engine()};
    must(shop.import->customers(
        std::vector{with_phone("1", "Asha Rao", "9830012345"), with_phone("2", "Rahul Patil", "9830012345")},
        noon));
    auto t = sale(key_of("a"), {{"tea", 1, 20'000}});
    t.member = crm::Member{{crm::IdentifierKind::phone, "+919830012345"}, ProfileId{2}};
    auto unsaid = sale(key_of("b"), {{"tea", 1, 20'000}});
    unsaid.member = crm::Member{{crm::IdentifierKind::phone, "+919830012345"}, std::nullopt};
    shop.push(1, std::vector{t, unsaid});
    shop.apply_all();
    server::CustomerReader reader{*shop.writer, shop.keys.identifier_key, shop.rules.identifiers};
    CHECK(must(reader.profile(ProfileId{2})).visits == 1);
    CHECK(must(reader.profile(ProfileId{1})).visits == 1);
    CHECK(reader.profile(ProfileId{3}).error().name == "customer.unknown");
}

TEST_CASE("a bank card in a record is refused and stays out of the tables") {
    Shop shop{each_engine()};
    auto record = person("1", "Asha");
    record.cards = {"4111111111111111"};
    shop.push(1, {event_of(record, "e1")});
    CHECK(shop.apply_all().quarantined == 1);
    CHECK(must(server::QuarantineReader{*shop.writer}.list(1)).at(0).reason == "card.bank_card");
    CHECK(count(*shop.writer, "source_record") == 0);
}
