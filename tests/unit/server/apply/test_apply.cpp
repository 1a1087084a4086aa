#include "unit/server/support/shop.hpp"

using namespace mudi;
using namespace mudi::test;

namespace {

sync::Event poison(const char* id) {
    sync::Event event;
    event.id = EventId{hash128(id)};
    event.kind = 1;
    event.body = "\xff\xff this is no sale";
    return event;
}

std::vector<crm::RetailTransaction> five() {
    std::vector<crm::RetailTransaction> sales;
    for (int i = 0; i < 5; ++i) {
        sales.push_back(sale(key_of("n" + std::to_string(i)), {{"tea", 2, 5000}, {"rice", 1, 10'000}},
                             card("C00" + std::to_string(i % 2))));
    }
    return sales;
}

} // namespace

TEST_CASE("a sale becomes purchase, lines, tender, ledger and an owner") {
    Shop shop{each_engine()};
    shop.push(1, std::vector{sale(key_of("a"), {{"tea", 2, 5000}, {"rice", 1, 10'000}}, card("C0001"))});
    const auto report = must(shop.apply->apply_some(10, noon));
    CHECK(report.applied == 1);
    CHECK_FALSE(report.more);
    const auto profile = shop.profile("C0001");
    CHECK(profile.points.value == 2);
    CHECK(profile.visits == 1);
    CHECK(profile.spent.minor == 20'000);
    REQUIRE(profile.records.size() == 1);
    CHECK(profile.records[0].record.source == "till:1");
    CHECK(profile.records[0].record.cards == std::vector<std::string>{"C0001"});
    REQUIRE(profile.purchases.size() == 1);
    CHECK(profile.purchases[0].key == key_of("a"));
    CHECK(profile.purchases[0].lines == 2);
    const auto summary = must(server::PurchaseReader{*shop.writer}.summary());
    CHECK(summary.all == server::PurchaseFigures{1, 2, 0, 0, 0, 0, 20'000, 0, 0});
    CHECK(summary.customers == 1);
    const auto status = shop.status();
    CHECK(status.purchases == 1);
    CHECK(status.lines == 2);
    CHECK(status.profiles == 1);
    CHECK(status.applied == 1);
    CHECK(status.waiting == 0);
    CHECK(status.lag.count() == 0);
}

TEST_CASE("waiting events show their age until they are applied") {
    Shop shop{each_engine()};
    shop.push(1, five());
    const auto waiting = must(server::StatusReader{*shop.writer}.counts(noon + std::chrono::seconds{3}));
    CHECK(waiting.waiting == 5);
    CHECK(waiting.lag == std::chrono::seconds{3});
    CHECK(must(shop.apply->apply_some(2, noon)).more);
    CHECK(shop.status().waiting == 3);
    shop.apply_all();
    CHECK(must(server::StatusReader{*shop.writer}.counts(noon + std::chrono::seconds{3})).lag.count() == 0);
}

TEST_CASE("any prefix of a history that comes again under another life changes nothing") {
    Shop shop{each_engine()};
    const auto sales = five();
    shop.push(1, sales);
    shop.apply_all();
    const std::string before = rows<std::int64_t, std::int64_t, std::int64_t>(
        *shop.writer, "SELECT account, posting, points FROM ledger_entry ORDER BY account, posting");
    const auto summary = must(server::PurchaseReader{*shop.writer}.summary()).all;
    for (std::size_t length = 1; length <= sales.size(); ++length) {
        for (int twice = 0; twice < 2; ++twice) {
            shop.lives.erase(1);
            shop.till(1).incarnation = Incarnation{1000 + length * 2 + static_cast<std::size_t>(twice)};
            must(shop.inbox->register_till(shop.lives[1].hello(), noon));
            shop.push(1, std::vector(sales.begin(), sales.begin() + static_cast<std::ptrdiff_t>(length)));
            const auto report = shop.apply_all(3);
            CHECK(report.applied == 0);
            CHECK(report.duplicates == length);
        }
    }
    CHECK(rows<std::int64_t, std::int64_t, std::int64_t>(
              *shop.writer, "SELECT account, posting, points FROM ledger_entry ORDER BY account, posting") ==
          before);
    CHECK(must(server::PurchaseReader{*shop.writer}.summary()).all == summary);
    CHECK(shop.profile("C000").visits == 3);
}

TEST_CASE("the same event twice in one chunk counts once") {
    Shop shop{each_engine()};
    const auto one = five()[0];
    shop.push(1, std::vector{one});
    shop.push(2, std::vector{one});
    const auto report = shop.apply_all();
    CHECK(report.applied == 1);
    CHECK(report.duplicates == 1);
    CHECK(shop.profile("C000").visits == 1);
}

TEST_CASE("a poison event goes to quarantine and its neighbours are applied") {
    Shop shop{each_engine()};
    const auto sales = five();
    auto wrong = sales[2];
    wrong.total.minor += 1;
    shop.push(1, {event_of(sales[0]), poison("p1"), event_of(sales[1]), event_of(wrong), event_of(sales[3])});
    const auto report = shop.apply_all();
    CHECK(report.applied == 3);
    CHECK(report.quarantined == 2);
    server::QuarantineReader reader{*shop.writer};
    const auto events = must(reader.list(10));
    REQUIRE(events.size() == 2);
    CHECK(events[0].reason == "event.corrupt");
    CHECK(events[0].event.seq.value == 2);
    CHECK(events[0].till.value == 1);
    CHECK(events[0].attempts == 1);
    CHECK(events[1].reason == "sale.total_mismatch");
    CHECK(must(reader.show(events[0].id)).event.body == poison("p1").body);
    CHECK(reader.show(4711).error().name == "quarantine.unknown");
    const auto status = shop.status();
    CHECK(status.quarantined == 2);
    CHECK(status.applied == 3);
    CHECK(status.waiting == 0);
    CHECK_FALSE(must(shop.apply->retry(events[0].id, noon)));
    CHECK(must(reader.show(events[0].id)).attempts == 2);
    CHECK(shop.apply->retry(4711, noon).error().name == "quarantine.unknown");
}

TEST_CASE("what only the database can refuse stays behind alone") {
    Shop shop{each_engine()};
    const auto sales = five();
    shop.push(1, sales);
    // A stray row where the third sale's second line belongs.
    run(*shop.writer, "INSERT INTO purchase_line (purchase, line, type, item, description, category, unit, "
                      "quantity, amount, "
                      "tax_rate, tax, goods) VALUES (3, 2, 1, 'x', '', '', 'EA', 1, 1, 0, 0, 1)");
    const auto report = shop.apply_all();
    CHECK(report.applied == 4);
    CHECK(report.quarantined == 1);
    CHECK(must(server::QuarantineReader{*shop.writer}.list(10)).at(0).reason == "db.constraint");
    CHECK(shop.purchases().size() == 4);
    CHECK(count(*shop.writer, "purchase_line") == 9); // nothing of the third but the stray row
    run(*shop.writer, "DELETE FROM purchase_line WHERE purchase = 3");
    CHECK(must(shop.apply->retry_all(noon)).applied == 1);
    CHECK(shop.status().quarantined == 0);
    CHECK(shop.status().applied == 5);
    CHECK(shop.profile("C000").visits == 3);
}

TEST_CASE("an event of a kind or schema to come is parked and applied after the upgrade") {
    Shop shop{each_engine()};
    auto unknown = event_of(five()[0]);
    unknown.kind = 900;
    auto newer = event_of(five()[1]);
    newer.schema = sync::event_schema + 1;
    shop.push(1, {unknown, newer, event_of(five()[2])});
    CHECK(shop.apply_all().quarantined == 2);
    const auto parked = must(server::QuarantineReader{*shop.writer}.list(10));
    CHECK(parked[0].reason == "event.unknown_kind");
    CHECK(parked[1].reason == "event.newer_schema");
    CHECK(must(shop.apply->retry_all(noon)).left == 2);
    // The newer program: what it would read is what we read here.
    run(*shop.writer, "UPDATE inbox SET kind = 1, body_schema = 1");
    const auto report = must(shop.apply->retry_all(noon));
    CHECK(report.retried == 2);
    CHECK(report.applied == 2);
    CHECK(report.left == 0);
    CHECK(shop.purchases().size() == 3);
    CHECK(must(shop.apply->retry_all(noon)).retried == 0);
}

TEST_CASE("after an upgrade what was not understood is tried again by itself, once") {
    Shop shop{each_engine()};
    auto unknown = event_of(five()[0]);
    unknown.kind = 900;
    auto newer = event_of(five()[1]);
    newer.schema = sync::event_schema + 1;
    shop.push(1, {unknown, poison("p1"), newer});
    CHECK(shop.apply_all().quarantined == 3);
    const auto attempts = [&] {
        return rows<std::int64_t>(*shop.writer, "SELECT attempts FROM quarantine ORDER BY id");
    };
    CHECK(must(shop.apply->retry_after_upgrade("0.2.0", noon)).left == 2);
    CHECK(attempts() == "2|\n1|\n2|\n"); // the damaged one is not worth a try
    CHECK(must(shop.apply->retry_after_upgrade("0.2.0", noon)).retried == 0);
    shop.open();
    CHECK(must(shop.apply->retry_after_upgrade("0.2.0", noon)).retried == 0);
    run(*shop.writer, "UPDATE inbox SET kind = 1, body_schema = 1");
    const auto report = must(shop.apply->retry_after_upgrade("0.3.0", noon));
    CHECK(report.retried == 2);
    CHECK(report.applied == 2);
    CHECK(shop.purchases().size() == 2);
    CHECK(shop.status().quarantined == 1);
    CHECK(must(shop.apply->retry_after_upgrade("0.2.0", noon)).retried == 0); // nothing is left of them
}

TEST_CASE("a right that was returned is understood") {
    Shop shop{each_engine()};
    sync::Event event;
    event.id = EventId{hash128("returned")};
    event.kind = static_cast<std::uint32_t>(sync::EventKind::right_returned);
    event.body =
        sync::encode(sync::RightReturned{ProfileId{1}, RightsHolder{5}, HoldId{hash128("hold")}, Points{20}});
    shop.push(1, {event, event_of(five()[0])});
    const auto report = shop.apply_all();
    CHECK(report.applied == 2);
    CHECK(report.quarantined == 0);
    CHECK(shop.purchases().size() == 1);
}

TEST_CASE("one business key with two contents is recorded twice and flagged on both") {
    Shop shop{each_engine()};
    auto first = sale(key_of("a"), {{"tea", 1, 10'000}}, card("C0001"));
    auto other = sale(key_of("a"), {{"tea", 2, 10'000}}, card("C0001"));
    other.id = EventId{hash128("other")};
    auto repeated = first;
    repeated.id = EventId{hash128("again")};
    repeated.ledger.clear();
    shop.push(1, std::vector{first, repeated});
    shop.push(2, std::vector{other});
    const auto report = shop.apply_all(GENERATE(std::size_t{1}, std::size_t{256}));
    CHECK(report.applied == 2);
    CHECK(report.duplicates == 1);
    const auto rows = shop.purchases();
    REQUIRE(rows.size() == 2);
    for (const auto& row : rows) CHECK(server::has(row.flags, server::PurchaseFlag::conflict));
    CHECK(shop.profile("C0001").points.value == 3);
}

TEST_CASE("an exercise is kept apart") {
    Shop shop{each_engine()};
    auto exercise = sale(key_of("a"), {{"tea", 1, 10'000}}, card("C0001"));
    exercise.training = true;
    exercise.ledger.clear();
    auto real = sale(key_of("a"), {{"tea", 5, 10'000}}, card("C0002"));
    real.id = EventId{hash128("real")};
    shop.push(1, std::vector{exercise, real});
    CHECK(shop.apply_all().applied == 2);
    CHECK_FALSE(server::has(shop.purchases()[1].flags, server::PurchaseFlag::conflict));
    CHECK(count(*shop.writer, "item_habit") == 1);
    CHECK(count(*shop.writer, "ledger_entry") == 2);
    server::CustomerReader reader{*shop.writer, shop.keys.identifier_key, shop.rules.identifiers};
    CHECK(must(reader.find("C0001")).empty());
    const auto summary = must(server::PurchaseReader{*shop.writer}.summary()).all;
    CHECK(summary.transactions == 1);
    CHECK(summary.training == 1);
    CHECK(summary.value_minor == 50'000);
}

TEST_CASE("an adjustment is recorded, earns nothing and is no habit") {
    Shop shop{each_engine()};
    auto adjustment = sale(key_of("a"), {{"tea", 100, 10'000}});
    adjustment.kind = crm::TransactionKind::adjustment;
    adjustment.member = card("C0001");
    shop.push(1, std::vector{adjustment});
    CHECK(shop.apply_all().applied == 1);
    CHECK(shop.profile("C0001").points.value == 0);
    CHECK(count(*shop.writer, "item_habit") == 0);
    CHECK(must(server::PurchaseReader{*shop.writer}.summary()).all.adjustments == 1);
}

TEST_CASE("a till's wrong clock is corrected and flagged, never believed into the future") {
    Shop shop{each_engine()};
    shop.till(1, "KOL01", noon + std::chrono::hours{24 * 365 * 10}); // ten years ahead
    shop.till(2, "KOL01", noon + std::chrono::seconds{2});           // the network, not the clock
    shop.push(1, std::vector{
                     sale(key_of("a"), {{"tea", 1, 100}}, {}, noon + std::chrono::hours{24 * 365 * 10 - 1})});
    shop.push(2, std::vector{sale(key_of("b"), {{"tea", 1, 100}}, {}, noon - std::chrono::minutes{3})});
    shop.push(2, std::vector{sale(key_of("c"), {{"tea", 1, 100}}, {}, noon + std::chrono::minutes{3})});
    shop.apply_all();
    const auto rows = shop.purchases();
    CHECK(rows[0].at == noon - std::chrono::hours{1});
    CHECK(server::has(rows[0].flags, server::PurchaseFlag::clock_skew));
    CHECK(rows[1].at == noon - std::chrono::minutes{3});
    CHECK_FALSE(server::has(rows[1].flags, server::PurchaseFlag::clock_skew));
    CHECK(rows[2].at == noon);
}

TEST_CASE("the list for reconciliation goes on where it ended") {
    Shop shop{each_engine()};
    shop.push(1, five());
    shop.push(2, std::vector{sale(key_of("z", "KOL01", "2"), {{"tea", 1, 100}})});
    shop.apply_all();
    server::PurchaseReader reader{*shop.writer};
    const auto page = must(reader.list({}, 0, 4));
    REQUIRE(page.size() == 4);
    const auto rest = must(reader.list({}, page.back().arrival, 4));
    REQUIRE(rest.size() == 2);
    CHECK(rest[1].till.value == 2);
    CHECK(rest[1].event == EventId{hash128("saleKOL012z")});
    CHECK(must(reader.list(TillId{2}, 0, 10)).size() == 1);
    const auto summary = must(reader.summary());
    REQUIRE(summary.by_till.size() == 2);
    CHECK(summary.by_till[0].figures.transactions == 5);
    CHECK(summary.by_till[1].till.value == 2);
}
