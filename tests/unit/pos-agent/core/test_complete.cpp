#include "../till_fixture.hpp"

using namespace mudi;
using namespace mudi::till;
using namespace mudi::till::fixture;

TEST_CASE("a sale in one document gives a receipt with points") {
    Till till;
    till.know_customers();
    auto document = sale("0001", {tea(4)});
    document.customer = Presented{PresentedKind::card, kamala_card};
    const auto receipt = till.desk->complete(document, morning);
    REQUIRE(receipt);
    CHECK(receipt->key == key_of("0001"));
    CHECK(receipt->total == rupees(400));
    CHECK(receipt->points_earned == Points{4});
    CHECK(receipt->points_balance == Points{124});
    CHECK(receipt->customer->name == "কমলা দাস");
    CHECK_FALSE(receipt->repeated);
    CHECK(receipt->seq == EventSeq{1});
    CHECK(till.desk->last_captured() == EventSeq{1});
    CHECK(till.points_of(kamala_card) == Points{124});
}

TEST_CASE("the same document again gives the same receipt, also after a restart and later in the day") {
    test::TempDir folder;
    Till till(store_options(folder.file("till.db")));
    till.know_customers();
    auto document = sale("0001", {tea(4), tea(1)});
    document.customer = Presented{PresentedKind::phone, "+91 98300 12345"};
    const auto first = till.desk->complete(document, morning);
    REQUIRE(first);
    till.reopen();
    document.customer = Presented{PresentedKind::phone, "09830012345"};
    const auto again = till.desk->complete(document, morning + std::chrono::hours{3});
    REQUIRE(again);
    CHECK(again->repeated);
    CHECK(again->event == first->event);
    CHECK(again->seq == first->seq);
    CHECK(again->points_earned == first->points_earned);
    CHECK(again->points_balance == first->points_balance);
    CHECK(again->customer->name == first->customer->name);
    CHECK(till.store->replica().counts().captured == 1);
}

TEST_CASE("the same number with another content is a conflict") {
    Till till;
    REQUIRE(till.desk->complete(sale("0001", {tea(2)}), morning));
    CHECK(error_of(till.desk->complete(sale("0001", {tea(3)}), morning)) == "sale.conflict");
    auto other_time = sale("0001", {tea(2)});
    other_time.begin = morning - std::chrono::minutes{5};
    CHECK(error_of(till.desk->complete(other_time, morning)) == "sale.conflict");
    auto exercise = sale("0001", {tea(2)});
    exercise.training = true;
    CHECK(error_of(till.desk->complete(exercise, morning)) == "sale.conflict");
    auto by_card = sale("0001", {tea(2)});
    by_card.customer = Presented{PresentedKind::card, kamala_card};
    CHECK(error_of(till.desk->complete(by_card, morning)) == "sale.conflict");
    CHECK(till.store->replica().counts().captured == 1);
}

TEST_CASE("the same number on another day is another sale") {
    Till till;
    REQUIRE(till.desk->complete(sale("0001", {tea(2)}), morning));
    const auto next = till.desk->complete(sale("0001", {tea(2)}), morning + std::chrono::hours{24});
    REQUIRE(next);
    CHECK_FALSE(next->repeated);
    CHECK(next->key.day == BusinessDay{20261122});
}

TEST_CASE("a document without a day that comes again after midnight is the same sale") {
    Till till;
    const Time before = at("2026-11-21T18:29:55Z"); // five seconds to midnight in the shop
    REQUIRE(till.desk->complete(sale("0001", {tea(2)}), before));
    const auto again = till.desk->complete(sale("0001", {tea(2)}), before + std::chrono::seconds{10});
    REQUIRE(again);
    CHECK(again->repeated);
    CHECK(again->key.day == BusinessDay{20261121});
    const auto other = till.desk->complete(sale("0001", {tea(5)}), before + std::chrono::seconds{10});
    REQUIRE(other);
    CHECK_FALSE(other->repeated);
    const auto much_later = till.desk->complete(sale("0002", {tea(2)}), before + std::chrono::hours{2});
    REQUIRE(much_later);
    CHECK(much_later->key.day == BusinessDay{20261122});
}

TEST_CASE("an event id from the host is kept, and belongs to one sale only") {
    Till till;
    auto document = sale("0001", {tea(2)});
    document.event = EventId{{7, 8}};
    const auto receipt = till.desk->complete(document, morning);
    REQUIRE(receipt);
    CHECK(receipt->event == EventId{{7, 8}});
    CHECK(till.desk->complete(document, morning)->repeated);
    auto other = sale("0002", {tea(2)});
    other.event = document.event;
    CHECK(error_of(till.desk->complete(other, morning)) == "sale.conflict");
    const auto drawn = till.desk->complete(sale("0003", {tea(1)}), morning);
    other.event = drawn->event;
    CHECK(error_of(till.desk->complete(other, morning)) == "sale.conflict");
    CHECK(till.store->replica().counts().captured == 2);
}

TEST_CASE("what does not add up is refused and leaves nothing behind") {
    Till till;
    till.know_customers();
    auto check = [&](SaleDocument document, const char* name) {
        INFO(name);
        CHECK(error_of(till.desk->complete(document, morning)) == name);
    };
    auto document = sale("0001", {tea(2)});
    document.total = rupees(1);
    check(document, "sale.total_mismatch");
    document = sale("0001", {tea(2)});
    document.tenders = {{crm::TenderKind::cash, rupees(1), {}}};
    check(document, "sale.tender_mismatch");
    document = sale("0001", {tea(2)});
    document.currency = Currency{840};
    check(document, "sale.currency");
    document = sale("0001", {tea(2)});
    document.lines->front().amount.currency = Currency{840};
    check(document, "sale.currency");
    document = sale("0001", {tea(2)});
    document.lines->front().quantity = Quantity{0};
    check(document, "line.quantity");
    document = sale("0001", {tea(2)});
    document.kind = crm::TransactionKind::post_void;
    check(document, "sale.kind");
    document = sale("", {tea(2)});
    check(document, "sale.number");
    document = sale("0001", {});
    check(document, "sale.empty");
    document = sale("0001", {tea(2)});
    document.customer = Presented{PresentedKind::card, "4111111111111111"};
    check(document, "card.bank_card");
    document = sale("0001", {tea(2)});
    document.customer = Presented{PresentedKind::phone, "12"};
    check(document, "phone.syntax");
    document = sale("0001", {tea(2)});
    document.tenders->front().reference = "4111 1111 1111 1111";
    check(document, "tender.reference");
    document = sale("0001", {tea(2)});
    document.offers = {tea_offer().id};
    check(document, "offer.unknown");
    document = sale("0001", {tea(2)});
    document.tenders->front().kind = crm::TenderKind::loyalty_points;
    check(document, "hold.missing");
    document.hold = HoldId{{1, 2}};
    check(document, "hold.unknown");
    document = sale("0001", {tea(2)});
    document.begin = morning;
    document.end = morning - std::chrono::hours{1};
    check(document, "sale.times");
    CHECK(till.store->replica().counts().captured == 0);
    CHECK(error_of(till.desk->receipt(named("0001"), morning)) == "txn.unknown");
}

TEST_CASE("personal offers are redeemed by whom they are made out to, while they are valid") {
    Till till;
    till.know_customers();
    auto document = sale("0001", {tea(2)});
    document.offers = {tea_offer().id};
    document.customer = Presented{PresentedKind::card, rahim_card};
    CHECK(error_of(till.desk->complete(document, morning)) == "offer.unknown");
    document.customer = Presented{PresentedKind::card, kamala_card};
    CHECK(error_of(till.desk->complete(document, morning + std::chrono::hours{25})) == "offer.expired");
    REQUIRE(till.desk->complete(document, morning));
    const auto stored = *till.store->storage().find_transaction({BusinessDay{20261121}, "0001"});
    CHECK(stored->transaction.redeemed_offers == std::vector{tea_offer().id});
}

TEST_CASE("an offer named only by a line's discount counts as redeemed") {
    Till till;
    till.know_customers();
    auto line = tea(2);
    line.discounts = {{"tea week", tea_offer().id, rupees(20)}};
    line.amount = rupees(180);
    auto document = sale("0001", {line});
    document.customer = Presented{PresentedKind::card, kamala_card};
    REQUIRE(till.desk->complete(document, morning));
    const auto stored = *till.store->storage().find_transaction({BusinessDay{20261121}, "0001"});
    CHECK(stored->transaction.redeemed_offers == std::vector{tea_offer().id});
}

TEST_CASE("an exercise is kept apart: no points, no offers") {
    Till till;
    till.know_customers();
    auto document = sale("0001", {tea(4)});
    document.customer = Presented{PresentedKind::card, kamala_card};
    document.offers = {tea_offer().id};
    document.training = true;
    const auto receipt = till.desk->complete(document, morning);
    REQUIRE(receipt);
    CHECK(receipt->training);
    CHECK(receipt->points_earned == Points{0});
    CHECK(till.points_of(kamala_card) == Points{120});
    const auto stored = *till.store->storage().find_transaction({BusinessDay{20261121}, "0001"});
    CHECK(stored->transaction.training);
    CHECK(stored->transaction.ledger.empty());
    CHECK(stored->transaction.redeemed_offers.empty());
    CHECK(till.desk->complete(document, morning)->repeated);
}

TEST_CASE("an adjustment is recorded and earns nothing") {
    Till till;
    till.know_customers();
    auto line = tea(2);
    line.quantity = Quantity{-2000};
    line.unit_price.reset();
    line.amount = rupees(-200);
    auto document = sale("A1", {line});
    document.kind = crm::TransactionKind::adjustment;
    document.tenders = std::vector<crm::Tender>{};
    const auto receipt = till.desk->complete(document, morning);
    REQUIRE(receipt);
    CHECK(receipt->kind == crm::TransactionKind::adjustment);
    CHECK(receipt->points_earned == Points{0});
}

TEST_CASE("an unknown card is kept with the sale, and earns for whoever holds it") {
    Till till;
    till.feed({row_of(settings(), 1)});
    auto document = sale("0001", {tea(4)});
    document.customer = Presented{PresentedKind::card, kamala_card};
    const auto receipt = till.desk->complete(document, morning);
    REQUIRE(receipt);
    CHECK(receipt->points_earned == Points{4});
    CHECK_FALSE(receipt->customer);
    CHECK_FALSE(receipt->points_balance);
    const auto stored = *till.store->storage().find_transaction({BusinessDay{20261121}, "0001"});
    CHECK(stored->transaction.member->identifier == card_of(kamala_card));
    CHECK_FALSE(stored->transaction.member->profile);
}

TEST_CASE("a till that never heard of the server sells all the same") {
    Till till;
    auto document = sale("0001", {tea(4)});
    document.customer = Presented{PresentedKind::card, kamala_card};
    REQUIRE(till.desk->complete(document, morning));
    CHECK(till.desk->stale(morning));
}
