#include <catch2/catch.hpp>

#include <algorithm>

#include <rapidcheck.h>

#include <mudi/crm/loyalty.hpp>

#include "builders.hpp"

using namespace mudi;
using namespace mudi::crm;
using namespace mudi::crm::build;

namespace {

const LoyaltyRules rules; // 1 point per 100 rupees, 0.25 rupees a point, from 20 points on

std::int64_t earned(const RetailTransaction& transaction) {
    return points_earned(transaction, rules).value().value;
}

} // namespace

TEST_CASE("points are rounded down once, on the sum") {
    CHECK(earned(sale({line(1, paise(9'999))})) == 0);
    CHECK(earned(sale({line(1, paise(5'000)), line(2, paise(5'000))})) == 1);
    CHECK(earned(sale({line(1, paise(19'999))})) == 1);
}

TEST_CASE("only goods kept and paid with money earn") {
    LineItem postage = line(2, rupees(500));
    postage.goods = false;
    CHECK(earned(sale({line(1, rupees(300)), postage})) == 3);

    RetailTransaction paid_in_points = sale({line(1, rupees(300))});
    paid_in_points.tenders = {{TenderKind::loyalty_points, rupees(150), ""},
                              {TenderKind::cash, rupees(150), ""}};
    CHECK(earned(paid_in_points) == 1);

    LineItem back = return_of(key("9"), line(2, rupees(200)), {1000}, rupees(200));
    CHECK(earned(sale({line(1, rupees(300)), back})) == 1);
    back.amount = rupees(900);
    CHECK(earned(sale({line(1, rupees(300)), back})) == 0);

    RetailTransaction taxed = sale({line(1, rupees(90))});
    taxed.tax_included = false;
    taxed.lines[0].tax = rupees(10);
    CHECK(earned(taxed) == 1);
}

TEST_CASE("training, voids and adjustments earn nothing") {
    RetailTransaction transaction = sale({line(1, rupees(300))});
    REQUIRE(earned(transaction) == 3);
    transaction.training = true;
    CHECK(earned(transaction) == 0);
    transaction.training = false;
    transaction.kind = TransactionKind::adjustment;
    CHECK(earned(transaction) == 0);
    transaction.kind = TransactionKind::post_void;
    CHECK(earned(transaction) == 0);
    LoyaltyRules off = rules;
    off.per_point.minor = 0;
    CHECK(points_earned(sale({line(1, rupees(300))}), off).value().value == 0);
}

TEST_CASE("another currency and a flood of points are refused") {
    LoyaltyRules dollars = rules;
    dollars.per_point.currency = Currency{840};
    CHECK(points_earned(sale({line(1, rupees(1))}), dollars).error().name == "money.currency_mismatch");
    CHECK(points_reversed(sale({line(1, rupees(1))}), {}, {0}, dollars).error().name ==
          "money.currency_mismatch");
    LoyaltyRules generous = rules;
    generous.per_point.minor = 1;
    CHECK(points_earned(sale({line(1, paise(money_minor_max))}), generous).error().name == "money.overflow");
    CHECK(points_earned(sale({line(1, paise(points_max))}), generous)->value == points_max);
}

TEST_CASE("however goods come back, what stays booked is what the kept goods earn") {
    CHECK(rc::check([] {
        const auto amounts = *rc::gen::nonEmpty(
            rc::gen::container<std::vector<std::int64_t>>(rc::gen::inRange<std::int64_t>(1, 60'000)));
        std::vector<LineItem> lines;
        for (const std::int64_t minor : amounts) {
            lines.push_back(line(static_cast<std::int32_t>(lines.size()) + 1, paise(minor)));
            lines.back().goods = *rc::gen::weightedElement<bool>({{4, true}, {1, false}});
        }
        RetailTransaction original = sale(lines);
        const auto in_points = *rc::gen::inRange<std::int64_t>(0, original.total.minor + 1);
        original.tenders = {{TenderKind::loyalty_points, paise(in_points), ""}};
        const std::int64_t booked = earned(original);

        std::vector<LineItem> returned;
        std::int64_t reversed = 0;
        const int steps = *rc::gen::inRange(1, 12);
        for (int step = 0; step < steps; ++step) {
            const auto index = *rc::gen::inRange<std::size_t>(0, lines.size());
            std::int64_t& left = lines[index].amount.minor; // `lines` becomes what is kept
            const auto minor = *rc::gen::inRange<std::int64_t>(0, left + 1);
            left -= minor;
            returned.push_back(return_of(original.key, original.lines[index], {1}, paise(minor)));
            const std::int64_t now = points_reversed(original, returned, {reversed}, rules).value().value;
            RC_ASSERT(now >= 0);
            reversed += now;
            RetailTransaction kept = sale(lines);
            kept.tenders = original.tenders;
            RC_ASSERT(booked - reversed == earned(kept));
        }
    }));
}

TEST_CASE("points that were reversed too freely are not reversed again") {
    const RetailTransaction original = sale({line(1, rupees(300))});
    const std::vector<LineItem> back{return_of(original.key, original.lines[0], {1000}, rupees(100))};
    CHECK(points_reversed(original, back, {0}, rules)->value == 1);
    CHECK(points_reversed(original, back, {3}, rules)->value == 0);
    std::vector<LineItem> foreign{return_of(key("77"), original.lines[0], {1000}, rupees(100))};
    CHECK(points_reversed(original, foreign, {0}, rules)->value == 0);
}

TEST_CASE("points pay from the minimum up to the balance") {
    CHECK(points_value({20}, {20}, rules) == paise(500));
    CHECK(points_value({19}, {100}, rules).error().name == "redeem.minimum");
    CHECK(points_value({-5}, {100}, rules).error().name == "redeem.minimum");
    CHECK(points_value({21}, {20}, rules).error().name == "redeem.balance");
    LoyaltyRules rich = rules;
    rich.point_value.minor = money_minor_max;
    CHECK(points_value({20}, {20}, rich).error().name == "money.overflow");
    LoyaltyRules closed = rules;
    closed.point_value.minor = 0;
    CHECK(points_value({20}, {20}, closed).error().name == "redeem.closed");
    LoyaltyRules any = rules;
    any.redeem_min = {0};
    CHECK(points_value({0}, {20}, any).error().name == "redeem.minimum");
}
