#include "unit/server/support/shop.hpp"

using namespace mudi;
using namespace mudi::test;
using server::Imported;

TEST_CASE("customers are stored once, corrected by a new record, and refused row by row") {
    Shop shop{each_engine()};
    auto good = person("1", "Asha");
    good.phone = " 098300 12345 ";
    good.cards = {"C 0001", "", "c-0001"};
    auto bad_phone = person("2", "Rahul");
    bad_phone.phone = "12";
    auto bad_card = person("3", "Rahul");
    bad_card.cards = {"4111 1111 1111 1111"};
    auto no_key = person("", "Rahul");
    auto broken = person("5", "\xff");
    auto report = must(shop.import->customers(std::vector{good, bad_phone, bad_card, no_key, broken}, noon));
    REQUIRE(report.rows.size() == 5);
    CHECK(must(report.rows[0]) == Imported::stored);
    CHECK(report.rows[1].error().name == "phone.syntax");
    CHECK(report.rows[2].error().name == "card.bank_card");
    CHECK(report.rows[3].error().name == "customer.source_key");
    CHECK(report.rows[4].error().name == "customer.text");
    CHECK(count(*shop.writer, "source_record") == 1);
    CHECK(shop.profile("9830012345").golden.phone == "+919830012345");
    CHECK(shop.profile("9830012345").golden.cards.size() == 1);
    CHECK(must(must(shop.import->customers(std::vector{good}, noon)).rows[0]) == Imported::unchanged);
    good.name = "Asha Rao";
    CHECK(must(must(shop.import->customers(std::vector{good}, noon)).rows[0]) == Imported::stored);
    const auto profile = shop.profile("9830012345");
    CHECK(profile.golden.name == "Asha Rao");
    CHECK(profile.records.size() == 2);
    CHECK(shop.status().profiles == 1);
    CHECK(shop.status().merges == 0);
}

TEST_CASE("imported purchases go through the inbox and are the same event the next time") {
    Shop shop{each_engine()};
    auto t = sale(key_of("a"), {{"tea", 1, 20'000}}, card("C0001"));
    t.ledger.clear();
    auto wrong = sale(key_of("b"), {{"tea", 1, 20'000}});
    wrong.total.minor = 1;
    auto by_phone = sale(key_of("c"), {{"tea", 1, 20'000}});
    by_phone.member = crm::Member{{crm::IdentifierKind::phone, "(098300) 12345"}, std::nullopt};
    auto report = must(shop.import->purchases(std::vector{t, wrong, by_phone}, noon));
    CHECK(must(report.rows[0]) == Imported::stored);
    CHECK(report.rows[1].error().name == "sale.total_mismatch");
    CHECK(must(report.rows[2]) == Imported::stored);
    CHECK(shop.apply_all().applied == 2);
    CHECK(shop.profile("C0001").points.value == 2);
    CHECK(shop.flags("a") == 0);
    CHECK(shop.profile("9830012345").visits == 1);
    report = must(shop.import->purchases(std::vector{t, by_phone}, noon));
    CHECK(must(report.rows[0]) == Imported::unchanged);
    CHECK(must(report.rows[1]) == Imported::unchanged);
    t.lines[0].description = "another tea";
    CHECK(must(shop.import->purchases(std::vector{t}, noon)).rows[0].error().name == "sale.conflict");
    CHECK(shop.status().waiting == 0);
    CHECK(must(server::PurchaseReader{*shop.writer}.summary()).by_till.at(0).till.value == 0);
}

TEST_CASE("an import twice before it is applied still counts once") {
    Shop shop{each_engine()};
    const auto t = sale(key_of("a"), {{"tea", 1, 20'000}}, card("C0001"));
    const auto first = must(shop.import->purchases(std::vector{t, t}, noon));
    CHECK(must(first.rows[0]) == Imported::stored);
    CHECK(must(first.rows[1]) == Imported::unchanged);
    CHECK(must(must(shop.import->purchases(std::vector{t}, noon)).rows[0]) == Imported::unchanged);
    shop.open();
    CHECK(must(must(shop.import->purchases(std::vector{t}, noon)).rows[0]) == Imported::unchanged);
    auto other = t;
    other.lines[0].description = "another tea";
    CHECK(must(shop.import->purchases(std::vector{other}, noon)).rows[0].error().name == "sale.conflict");
    CHECK(count(*shop.writer, "inbox") == 1);
    const auto report = shop.apply_all();
    CHECK(report.applied == 1);
    CHECK(report.duplicates == 0);
    CHECK(must(must(shop.import->purchases(std::vector{t}, noon)).rows[0]) == Imported::unchanged);
}

TEST_CASE("an import that could not be stored is new when it comes again") {
    Shop shop{each_engine()};
    const auto t = sale(key_of("a"), {{"tea", 1, 20'000}}, card("C0001"));
    must(shop.import->purchases(std::vector{sale(key_of("z"), {{"tea", 1, 20'000}})}, noon));
    run(*shop.writer, "INSERT INTO inbox (id, life, seq, chain, event, hlc, kind, body_schema, received_ms, "
                      "ahead_ms, body) SELECT 1000, life, 2, chain, chain, 0, 1, 1, 0, 0, body FROM inbox");
    shop.open();
    CHECK(shop.import->purchases(std::vector{t}, noon).error().name == "db.constraint");
    run(*shop.writer, "DELETE FROM inbox WHERE id = 1000");
    CHECK(must(must(shop.import->purchases(std::vector{t}, noon)).rows[0]) == Imported::stored);
    CHECK(shop.apply_all().applied == 2);
}

TEST_CASE("more rows than one import takes are refused as a whole") {
    Shop shop{each_engine()};
    const std::vector<crm::SourceRecord> many(server::Import::rows_max + 1, person("1", "Asha"));
    CHECK(shop.import->customers(many, noon).error().name == "import.too_many");
    CHECK(count(*shop.writer, "source_record") == 0);
}
