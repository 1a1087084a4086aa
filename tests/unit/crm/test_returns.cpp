#include <catch2/catch.hpp>

#include <mudi/crm/transaction_rules.hpp>

#include "builders.hpp"

using namespace mudi;
using namespace mudi::crm;
using namespace mudi::crm::build;

namespace {

RetailTransaction three_bags() {
    LineItem bags = line(1, rupees(120));
    bags.quantity = {3000};
    bags.unit_price = rupees(40);
    return sale({bags, line(2, rupees(30), "4006381333931")});
}

std::string error_of(const Status& status) { return status ? "" : status.error().name; }

} // namespace

TEST_CASE("what was sold can come back, at once or bit by bit") {
    const RetailTransaction original = three_bags();
    const LineItem one = return_of(original.key, original.lines[0], {1000}, rupees(40));
    const std::vector<LineItem> all{one, one, one,
                                    return_of(original.key, original.lines[1], {1000}, rupees(30))};
    CHECK(error_of(check_return(original, {}, all)) == "");
    const std::vector<ReturnedQuantity> before{{1, {1000}, rupees(40)}, {1, {1000}, rupees(40)}};
    CHECK(error_of(check_return(original, before, std::vector{one})) == "");
}

TEST_CASE("no more goods come back than were sold") {
    const RetailTransaction original = three_bags();
    const LineItem one = return_of(original.key, original.lines[0], {1000}, paise(1));
    const std::vector<ReturnedQuantity> before{{1, {2001}, paise(1)}};
    CHECK(error_of(check_return(original, before, std::vector{one})) == "return.quantity");
    CHECK(error_of(check_return(original, {}, std::vector{one, one, one, one})) == "return.quantity");
    const std::vector<ReturnedQuantity> other_line{{2, {3000}, rupees(30)}};
    CHECK(error_of(check_return(original, other_line, std::vector{one})) == "");
}

TEST_CASE("no more money goes back than was paid") {
    const RetailTransaction original = three_bags();
    const LineItem one = return_of(original.key, original.lines[0], {1000}, paise(4001));
    const std::vector<ReturnedQuantity> before{{1, {2000}, rupees(80)}};
    CHECK(error_of(check_return(original, before, std::vector{one})) == "return.amount");
}

TEST_CASE("a return names a line of this sale and its item") {
    const RetailTransaction original = three_bags();
    LineItem back = return_of(original.key, original.lines[0], {1000}, rupees(40));
    const auto with = [&](auto change) {
        LineItem changed = back;
        change(changed);
        return error_of(check_return(original, {}, std::vector{changed}));
    };
    CHECK(with([](LineItem& l) { l.link->line = 7; }) == "return.line");
    CHECK(with([](LineItem& l) { l.link.reset(); }) == "return.line");
    CHECK(with([](LineItem& l) { l.link->original.number = "1"; }) == "return.line");
    CHECK(with([](LineItem& l) { l.type = LineType::sale; }) == "return.line");
    CHECK(with([](LineItem& l) { l.item_id = "other"; }) == "return.item");
    CHECK(with([](LineItem& l) { l.amount.currency = Currency{840}; }) == "money.currency_mismatch");
    RetailTransaction exchange = original;
    exchange.lines[0].type = LineType::return_;
    CHECK(error_of(check_return(exchange, {}, std::vector{back})) == "return.line");
}
