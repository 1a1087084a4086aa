#include <catch2/catch.hpp>

#include <mudi/base/money.hpp>

using namespace mudi;

TEST_CASE("sums refuse mixed currencies and overflow") {
    CHECK(add({100, inr}, {250, inr})->minor == 350);
    CHECK(add({100, inr}, {250, Currency{840}}).error().name == "money.currency_mismatch");
    CHECK(add({money_minor_max, inr}, {1, inr}).error().name == "money.overflow");
    CHECK(subtract({-money_minor_max, inr}, {1, inr}).error().name == "money.overflow");
}

TEST_CASE("division rounds down or half to even, for negative numbers too") {
    CHECK(floor_div(7, 2) == 3);
    CHECK(floor_div(-7, 2) == -4);
    CHECK(round_half_even(5, 2) == 2);
    CHECK(round_half_even(7, 2) == 4);
    CHECK(round_half_even(-5, 2) == -2);
    CHECK(round_half_even(-7, 2) == -4);
    CHECK(round_half_even(8, 3) == 3);
}

TEST_CASE("a weighed line is price times quantity, rounded once") {
    CHECK(extend({4999, inr}, {350})->minor == 1750); // 17.4965 -> 17.50
    CHECK(extend({5, inr}, {500})->minor == 2);       // 2.5 -> 2, half to even
    CHECK(extend({money_minor_max, inr}, {quantity_thousandths_max}).error().name == "money.overflow");
}

TEST_CASE("money is read and written exactly") {
    CHECK(parse_money("1234.5", inr)->minor == 123450);
    CHECK(parse_money("-0.05", inr)->minor == -5);
    CHECK(parse_money("15.300", inr)->minor == 1530);
    CHECK(format_money({-5, inr}) == "-0.05");
    CHECK(format_money({123450, inr}) == "1234.50");
    CHECK(format_money({7, Currency{392}}) == "7");
    for (const auto* bad : {"", "-", "1.", ".5", "1e5", "+1", "1.234", "1,5", "99999999999999999999", " 1"}) {
        CAPTURE(bad);
        CHECK(parse_money(bad, inr).error().name.starts_with("money."));
    }
}

TEST_CASE("quantities carry three decimals and no more") {
    CHECK(parse_quantity("0.350")->thousandths == 350);
    CHECK(parse_quantity("2")->thousandths == 2000);
    CHECK(parse_quantity("0.0005").error().name == "quantity.syntax");
    CHECK(format_quantity({-350}) == "-0.350");
}

TEST_CASE("currencies go by their ISO code") {
    CHECK(currency_from_code("INR") == inr);
    CHECK(currency_code(inr) == "INR");
    CHECK_FALSE(currency_from_code("XYZ"));
    CHECK(minor_digits(*currency_from_code("KWD")) == 3);
}
