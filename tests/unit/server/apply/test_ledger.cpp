#include "unit/server/support/shop.hpp"

#include <algorithm>

using namespace mudi;
using namespace mudi::test;
using server::PurchaseFlag;

namespace {

std::int64_t sum_of_ledger(Shop& shop) {
    db::Query<db::Columns<std::int64_t>, db::Params<>> sum{
        *shop.writer, "SELECT CAST(COALESCE(SUM(points), 0) AS INTEGER) FROM ledger_entry"};
    return std::get<0>(*must(sum.first()));
}

} // namespace

TEST_CASE("sale, returns and voids leave the same balance in whatever order they arrive") {
    const auto engine = each_engine();
    const auto bought =
        sale(key_of("s"), {{"tea", 3, 9900}, {"rice", 1, 25'050}}, card("C0001")); // 547.50: 5 points
    const auto one = return_of(bought, 1, 1, "r1");                                // 448.50 left: 4 points
    const auto rice = return_of(bought, 2, 1, "r2");                               // 198.00 left: 1 point
    const auto undo = void_of(rice, "v1");                                         // back to 4 points
    struct Case {
        std::vector<crm::RetailTransaction> events;
        std::int64_t points;
        std::int64_t tea_times;
    };
    const auto c = GENERATE_COPY(values<Case>({{{bought, one}, 4, 1},
                                               {{bought, one, rice}, 1, 1},
                                               {{bought, one, rice, undo}, 4, 1},
                                               {{bought, void_of(bought, "v2")}, 0, 0},
                                               {{bought, one, void_of(bought, "v2")}, 0, 0}}));
    std::vector<std::size_t> order(c.events.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::string expected;
    do {
        Shop shop{engine};
        for (const std::size_t i : order) shop.push(1, std::vector{c.events[i]});
        CHECK(shop.apply_all(order.front() % 2 == 0 ? 1 : 256).applied == c.events.size());
        CHECK(sum_of_ledger(shop) == 0);
        CHECK(shop.profile("C0001").points.value == c.points);
        const std::string facts =
            rows<std::string, std::int64_t>(*shop.writer,
                                            "SELECT number, flags FROM purchase ORDER BY number") +
            rows<std::string, std::int64_t, std::int64_t>(
                *shop.writer, "SELECT item, times, spent FROM item_habit ORDER BY item") +
            rows<std::string, std::int64_t, std::int64_t>(*shop.writer,
                                                          "SELECT store, visits, spent FROM record_visit");
        if (expected.empty()) expected = facts;
        CHECK(facts == expected);
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("the server books the difference when a till gave the wrong points") {
    Shop shop{each_engine()};
    auto wrong = sale(key_of("a"), {{"tea", 1, 50'000}}, card("C0001"));
    wrong.ledger = {{crm::LedgerKind::accumulate_points, Points{7}, std::nullopt}};
    auto none = sale(key_of("b"), {{"tea", 1, 50'000}}, card("C0001"));
    none.ledger.clear();
    auto right = sale(key_of("c"), {{"tea", 1, 50'000}}, card("C0001"));
    shop.push(1, std::vector{wrong, none, right});
    shop.apply_all();
    CHECK(shop.profile("C0001").points.value == 15);
    CHECK(server::has(shop.flags("a"), PurchaseFlag::points_adjusted));
    CHECK(server::has(shop.flags("b"), PurchaseFlag::points_adjusted));
    CHECK_FALSE(server::has(shop.flags("c"), PurchaseFlag::points_adjusted));
    CHECK(rows<std::int64_t>(
              *shop.writer,
              "SELECT points FROM ledger_entry WHERE kind = 5 AND account > 0 ORDER BY posting") ==
          "-2|\n5|\n");
    CHECK(sum_of_ledger(shop) == 0);
}

TEST_CASE("points that were redeemed come back with a void") {
    Shop shop{each_engine()};
    auto earned = sale(key_of("a"), {{"tea", 1, 500'000}}, card("C0001")); // 50 points
    auto paid = sale(key_of("b"), {{"tea", 1, 100'000}}, card("C0001"));
    paid.tenders = {{crm::TenderKind::loyalty_points, Money{1000, inr}, ""},
                    {crm::TenderKind::cash, Money{99'000, inr}, ""}};
    const HoldId hold{hash128("hold")};
    paid.ledger = {{crm::LedgerKind::accumulate_points, Points{9}, std::nullopt},
                   {crm::LedgerKind::create_reward, Points{-40}, hold},
                   {crm::LedgerKind::redeem_reward, Points{0}, hold}};
    shop.push(1, std::vector{earned, paid});
    shop.apply_all();
    CHECK(shop.profile("C0001").points.value == 19);
    shop.push(1, std::vector{void_of(paid, "v")});
    shop.apply_all();
    CHECK(shop.profile("C0001").points.value == 50);
    CHECK(server::has(shop.flags("b"), PurchaseFlag::voided));
    CHECK(shop.profile("C0001").visits == 1);
    CHECK(must(server::PurchaseReader{*shop.writer}.summary()).all.void_minor == 100'000);
}

TEST_CASE("returning more than was sold is recorded and flagged, never dropped") {
    Shop shop{each_engine()};
    const auto bought = sale(key_of("s"), {{"tea", 3, 10'000}}, card("C0001"));
    shop.push(1, std::vector{bought, return_of(bought, 1, 2, "r1"), return_of(bought, 1, 2, "r2")});
    shop.apply_all();
    CHECK_FALSE(server::has(shop.flags("r1"), PurchaseFlag::discrepancy));
    CHECK(server::has(shop.flags("r2"), PurchaseFlag::discrepancy));
    CHECK(shop.profile("C0001").points.value == 0);
    const auto summary = must(server::PurchaseReader{*shop.writer}.summary()).all;
    CHECK(summary.returns == 2);
    CHECK(summary.return_minor == 40'000);
    // The first one is undone: now the second fits.
    shop.push(1, std::vector{void_of(return_of(bought, 1, 2, "r1"), "v")});
    shop.apply_all();
    CHECK_FALSE(server::has(shop.flags("r2"), PurchaseFlag::discrepancy));
    CHECK(shop.profile("C0001").points.value == 1);
}

TEST_CASE("a return of another item than was sold is a discrepancy") {
    Shop shop{each_engine()};
    const auto bought = sale(key_of("s"), {{"tea", 1, 10'000}});
    auto back = return_of(bought, 1, 1, "r");
    back.lines[0].item_id = "gold";
    shop.push(1, std::vector{bought, back});
    shop.apply_all();
    CHECK(server::has(shop.flags("r"), PurchaseFlag::discrepancy));
}

TEST_CASE("a return waits for its original and finds its owner") {
    Shop shop{each_engine()};
    const auto bought = sale(key_of("s"), {{"tea", 2, 10'000}}, card("C0001"));
    auto back = return_of(bought, 1, 1, "r");
    back.member.reset();
    shop.push(1, std::vector{back});
    shop.apply_all();
    CHECK(server::has(shop.flags("r"), PurchaseFlag::original_unknown));
    shop.open(); // the wait survives a restart
    shop.push(2, std::vector{bought});
    shop.apply_all();
    CHECK_FALSE(server::has(shop.flags("r"), PurchaseFlag::original_unknown));
    const auto profile = shop.profile("C0001");
    CHECK(profile.points.value == 1);
    CHECK(profile.spent.minor == 10'000);
    CHECK(profile.purchases.size() == 2);
}

TEST_CASE("a whole return that names no lines is measured by the items") {
    Shop shop{each_engine()};
    const auto bought = sale(key_of("s"), {{"tea", 1, 10'000}, {"rice", 1, 20'000}}, card("C0001"));
    auto back = return_of(bought, 2, 1, "r");
    back.lines[0].link.reset();
    back.link = bought.key;
    shop.push(1, std::vector{bought, back});
    shop.apply_all();
    CHECK(shop.flags("r") == 0);
    CHECK(shop.profile("C0001").points.value == 1);
}
