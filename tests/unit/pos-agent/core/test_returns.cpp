#include <algorithm>

#include "../till_fixture.hpp"

using namespace mudi;
using namespace mudi::till;
using namespace mudi::till::fixture;

namespace {

/// Kamala bought 9 packets of tea for 900 rupees: 9 points.
struct Sold : Till {
    Sold() {
        know_customers();
        auto document = sale("0001", {tea(9)});
        document.customer = Presented{PresentedKind::card, kamala_card};
        REQUIRE(desk->complete(document, morning));
    }
};

} // namespace

TEST_CASE("a return takes the points of what comes back, as the difference of two receipts") {
    Sold till;
    const auto receipt = till.desk->complete(taken_back("R1", {back(tea(4), "0001")}), morning);
    REQUIRE(receipt);
    CHECK(receipt->total == rupees(-400));
    CHECK(receipt->points_earned == Points{-4});
    CHECK(receipt->customer->profile == ProfileId{17}); // the original's
    CHECK(receipt->points_balance == Points{125});
    CHECK(till.points_of(kamala_card) == Points{125});
}

TEST_CASE("returns in any order and number never give back more than was sold, nor take more points than "
          "were earned") {
    std::vector<std::int64_t> parts{1, 2, 3, 3};
    std::ranges::sort(parts);
    do {
        Sold till;
        std::int64_t points = 0;
        int number = 0;
        for (const std::int64_t pieces : parts) {
            const auto receipt = till.desk->complete(
                taken_back("R" + std::to_string(++number), {back(tea(pieces), "0001")}), morning);
            REQUIRE(receipt);
            points += receipt->points_earned.value;
        }
        CHECK(points == -9);
        CHECK(till.points_of(kamala_card) == Points{120});
        CHECK(error_of(till.desk->complete(taken_back("R9", {back(tea(1), "0001")}), morning)) ==
              "return.quantity");
    } while (std::ranges::next_permutation(parts).found);
}

TEST_CASE("a return of what was not sold so is refused") {
    Sold till;
    const auto refuse = [&](const crm::LineItem& line) {
        return error_of(till.desk->complete(taken_back("R1", {line}), morning));
    };
    CHECK(refuse(back(tea(10), "0001")) == "return.quantity");
    CHECK(refuse(back(tea(1), "0001", 2)) == "return.line");
    auto other = back(tea(1), "0001");
    other.item_id = "8901030000001";
    CHECK(refuse(other) == "return.item");
    auto dear = back(tea(1), "0001");
    dear.unit_price.reset();
    dear.amount = rupees(901);
    CHECK(refuse(dear) == "return.amount");
    auto exercise = taken_back("R1", {back(tea(1), "0001")});
    exercise.training = true;
    CHECK(error_of(till.desk->complete(exercise, morning)) == "return.training");
    CHECK(till.store->replica().counts().captured == 1);
}

TEST_CASE("two lines of one return for the same sold line count together") {
    Sold till;
    CHECK(error_of(till.desk->complete(taken_back("R1", {back(tea(5), "0001"), back(tea(5), "0001")}),
                                       morning)) == "return.quantity");
    REQUIRE(till.desk->complete(taken_back("R1", {back(tea(5), "0001"), back(tea(4), "0001")}), morning));
    CHECK(till.points_of(kamala_card) == Points{120});
}

TEST_CASE("a repeated return takes nothing twice") {
    Sold till;
    const auto document = taken_back("R1", {back(tea(9), "0001")});
    REQUIRE(till.desk->complete(document, morning));
    const auto again = till.desk->complete(document, morning);
    REQUIRE(again);
    CHECK(again->repeated);
    CHECK(again->points_earned == Points{-9});
    CHECK(till.points_of(kamala_card) == Points{120});
}

TEST_CASE("a return without original, or of another till's sale, is taken on trust") {
    Sold till;
    auto loose = tea(1);
    loose.type = crm::LineType::return_;
    CHECK(till.desk->complete(taken_back("R1", {loose}), morning));
    auto foreign = back(tea(1), "7777");
    foreign.link->original.workstation = WorkstationId{"9"};
    CHECK(till.desk->complete(taken_back("R2", {foreign}), morning));
    const auto receipt = till.desk->complete(taken_back("R3", {back(tea(1), "6666")}), morning);
    REQUIRE(receipt);
    CHECK(receipt->points_earned == Points{0});
    const auto stored = *till.store->storage().find_transaction({BusinessDay{20261121}, "R2"});
    CHECK(stored->transaction.lines.front().link->original.workstation == WorkstationId{"9"});
}

TEST_CASE("a link that names neither store nor workstation means this till") {
    Sold till;
    auto line = back(tea(10), "0001");
    line.link->original.store.value.clear();
    line.link->original.workstation.value.clear();
    CHECK(error_of(till.desk->complete(taken_back("R1", {line}), morning)) == "return.quantity");
}

TEST_CASE("points go back from the account that got them, whoever brings the goods") {
    Sold till;
    auto document = taken_back("R1", {back(tea(9), "0001")});
    document.customer = Presented{PresentedKind::card, rahim_card};
    REQUIRE(till.desk->complete(document, morning));
    CHECK(till.points_of(kamala_card) == Points{120});
    CHECK(till.points_of(rahim_card) == Points{1000});
    CHECK(till.desk->complete(document, morning)->repeated);
}

TEST_CASE("an exchange reverses what came back and earns for what is new") {
    Sold till;
    auto fresh = tea(5);
    auto document = sale("0002", {fresh, back(tea(2), "0001")});
    document.customer = Presented{PresentedKind::phone, kamala_phone};
    const auto receipt = till.desk->complete(document, morning);
    REQUIRE(receipt);
    CHECK(receipt->total == rupees(300));
    CHECK(receipt->points_earned == Points{3});
    REQUIRE(till.desk->complete(taken_back("R1", {back(tea(7), "0001")}), morning));
    CHECK(till.points_of(kamala_card) == Points{125});
    CHECK(error_of(till.desk->complete(taken_back("R2", {back(tea(1), "0001")}), morning)) ==
          "return.quantity");
}

TEST_CASE("in an exchange another customer's goods only lessen what the new ones earn") {
    Sold till;
    auto document = sale("0002", {tea(5), back(tea(2), "0001")});
    document.customer = Presented{PresentedKind::card, rahim_card};
    const auto receipt = till.desk->complete(document, morning);
    REQUIRE(receipt);
    CHECK(receipt->points_earned == Points{3});
    CHECK(till.points_of(kamala_card) == Points{129});
}
