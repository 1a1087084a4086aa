#include "../till_fixture.hpp"

using namespace mudi;
using namespace mudi::till;
using namespace mudi::till::fixture;

namespace {

Desk::Begin opening(const std::string& number) { return {named(number), "asha", "pos", {}}; }

} // namespace

TEST_CASE("a sale grows call by call and is completed with what is left out of its document") {
    Till till;
    till.know_customers();
    Desk& desk = *till.desk;
    REQUIRE(desk.begin(opening("0001"), morning));
    const auto customer = desk.identify(named("0001"), {PresentedKind::card, kamala_card}, morning);
    REQUIRE(customer);
    CHECK(customer->points == Points{120});
    CHECK(customer->offers.size() == 1);
    const auto basket = desk.set_basket(named("0001"), {tea(4)}, rupees(400), morning);
    REQUIRE(basket);
    CHECK(basket->points_preview == Points{4});
    REQUIRE(basket->offers.size() == 1);
    CHECK(basket->offers[0].applicable);
    const auto paid = desk.add_tender(named("0001"), {crm::TenderKind::cash, rupees(500), {}}, morning);
    CHECK(paid->due == rupees(-100));
    REQUIRE(desk.add_tender(named("0001"), {crm::TenderKind::cash, rupees(-100), {}}, morning));
    SaleDocument document;
    document.name = named("0001");
    const auto receipt = desk.complete(document, morning + std::chrono::minutes{1});
    REQUIRE(receipt);
    CHECK(receipt->total == rupees(400));
    CHECK(receipt->points_balance == Points{124});
    CHECK(desk.open_transactions() == 0);
    CHECK(desk.complete(document, morning + std::chrono::minutes{2})->repeated);
    const auto stored = *till.store->storage().find_transaction({BusinessDay{20261121}, "0001"});
    CHECK(stored->transaction.operator_id == "asha");
    CHECK(stored->transaction.begin == morning);
    CHECK(stored->transaction.end == morning + std::chrono::minutes{1});
    CHECK(error_of(desk.begin(opening("0001"), morning)) == "txn.completed");
    CHECK(error_of(desk.find(named("0001"), morning)) == "txn.completed");
}

TEST_CASE("one document and an open transaction make the same sale") {
    Till till;
    till.know_customers();
    REQUIRE(till.desk->begin({named("0001"), {}, {}, {}}, morning));
    REQUIRE(till.desk->identify(named("0001"), {PresentedKind::card, kamala_card}, morning));
    REQUIRE(till.desk->set_basket(named("0001"), {tea(4)}, {}, morning));
    REQUIRE(till.desk->add_tender(named("0001"), {crm::TenderKind::cash, rupees(400), {}}, morning));
    SaleDocument rest;
    rest.name = named("0001");
    REQUIRE(till.desk->complete(rest, morning));
    auto whole = sale("0001", {tea(4)});
    whole.customer = Presented{PresentedKind::card, kamala_card};
    const auto again = till.desk->complete(whole, morning);
    REQUIRE(again);
    CHECK(again->repeated);
}

TEST_CASE("the same number resumes, and a flag cannot change under way") {
    Till till;
    REQUIRE(till.desk->begin(opening("0001"), morning));
    REQUIRE(till.desk->set_basket(named("0001"), {tea()}, {}, morning));
    const auto resumed = till.desk->begin(opening("0001"), morning);
    REQUIRE(resumed);
    CHECK((*resumed)->lines.size() == 1);
    Desk::Begin exercise = opening("0001");
    exercise.training = true;
    CHECK(error_of(till.desk->begin(exercise, morning)) == "txn.training");
    auto document = sale("0001", {tea()});
    document.training = true;
    CHECK(error_of(till.desk->complete(document, morning)) == "txn.training");
}

TEST_CASE("calls on what is not open say so") {
    Till till;
    const auto nothing = named("9");
    CHECK(error_of(till.desk->find(nothing, morning)) == "txn.unknown");
    CHECK(error_of(till.desk->set_basket(nothing, {}, {}, morning)) == "txn.unknown");
    CHECK(error_of(till.desk->suspend(nothing, morning)) == "txn.unknown");
    CHECK(error_of(till.desk->cancel(nothing, morning)) == "txn.unknown");
    CHECK(error_of(till.desk->begin(opening(""), morning)) == "sale.number");
    CHECK(error_of(till.desk->begin(opening(std::string(65, '1')), morning)) == "sale.number");
    CHECK(error_of(till.desk->begin({named("1"), std::string("\xff"), {}, {}}, morning)) == "sale.text");
}

TEST_CASE("a basket no sale can have is refused and the old one stays") {
    Till till;
    REQUIRE(till.desk->begin(opening("0001"), morning));
    REQUIRE(till.desk->set_basket(named("0001"), {tea(1)}, {}, morning));
    auto wrong = tea();
    wrong.quantity = Quantity{-1000};
    CHECK(error_of(till.desk->set_basket(named("0001"), {wrong}, {}, morning)) == "line.quantity");
    wrong = tea();
    wrong.amount = {1, Currency{840}};
    CHECK(error_of(till.desk->set_basket(named("0001"), {wrong}, {}, morning)) == "sale.currency");
    wrong = tea();
    wrong.amount = {money_minor_max, inr};
    wrong.unit_price.reset();
    CHECK(error_of(till.desk->set_basket(named("0001"), {wrong, wrong}, {}, morning)) == "money.overflow");
    CHECK(error_of(till.desk->set_basket(named("0001"), {tea()}, Money{1, Currency{840}}, morning)) ==
          "sale.currency");
    CHECK((*till.desk->find(named("0001"), morning))->lines == std::vector{[] {
              auto line = tea(1);
              line.number = 1;
              line.unit = "EA";
              return line;
          }()});
    REQUIRE(till.desk->set_basket(named("0001"), {}, {}, morning));
}

TEST_CASE("tenders are checked as they come") {
    Till till;
    REQUIRE(till.desk->begin(opening("0001"), morning));
    const auto give = [&](crm::Tender tender) {
        return error_of(till.desk->add_tender(named("0001"), std::move(tender), morning));
    };
    CHECK(give({crm::TenderKind::cash, {0, inr}, {}}) == "tender.amount");
    CHECK(give({crm::TenderKind::cash, {5, Currency{840}}, {}}) == "sale.currency");
    CHECK(give({crm::TenderKind::card, {5, inr}, "4111111111111111"}) == "tender.reference");
    CHECK(give({crm::TenderKind::card, {5, inr}, "\xff"}) == "sale.text");
    CHECK(give({static_cast<crm::TenderKind>(77), {5, inr}, {}}) == "tender.kind");
    for (std::size_t i = 0; i < crm::tenders_max; ++i)
        CHECK(give({crm::TenderKind::cash, {5, inr}, {}}) == "none");
    CHECK(give({crm::TenderKind::cash, {5, inr}, {}}) == "sale.too_many_tenders");
}

TEST_CASE("an offer is applied, follows the basket and is taken back") {
    Till till;
    till.know_customers();
    Desk& desk = *till.desk;
    const auto name = named("0001");
    const OfferId offer = tea_offer().id;
    REQUIRE(desk.begin(opening("0001"), morning));
    CHECK(error_of(desk.apply_offer(name, offer, morning)) == "offer.unknown");
    REQUIRE(desk.identify(name, {PresentedKind::card, kamala_card}, morning));
    CHECK(error_of(desk.apply_offer(name, offer, morning)) == "offer.not_applicable");
    REQUIRE(desk.set_basket(name, {tea(2)}, {}, morning));
    CHECK(error_of(desk.apply_offer(name, OfferId{{9, 9}}, morning)) == "offer.unknown");
    CHECK(error_of(desk.apply_offer(name, offer, morning + std::chrono::hours{25})) == "offer.expired");
    const auto effects = desk.apply_offer(name, offer, morning);
    REQUIRE(effects);
    REQUIRE(effects->size() == 1);
    CHECK(effects->front().amount == rupees(20));
    const auto once_more = desk.apply_offer(name, offer, morning);
    REQUIRE(once_more->size() == 1);
    CHECK(once_more->front().amount == rupees(20));
    REQUIRE(desk.set_basket(name, {tea(4)}, {}, morning));
    CHECK((*desk.find(name, morning))->applied.front().effects.front().amount == rupees(40));
    auto sugar = tea(2);
    sugar.item_id = "8901030000001";
    REQUIRE(desk.set_basket(name, {sugar}, {}, morning));
    CHECK((*desk.find(name, morning))->applied.empty());
    CHECK(error_of(desk.take_back_offer(name, offer, morning)) == "offer.unknown");
    REQUIRE(desk.set_basket(name, {tea(2)}, {}, morning));
    REQUIRE(desk.apply_offer(name, offer, morning));
    REQUIRE(desk.take_back_offer(name, offer, morning));
    REQUIRE(desk.apply_offer(name, offer, morning));
    REQUIRE(desk.forget_customer(name, morning));
    CHECK((*desk.find(name, morning))->applied.empty());
    CHECK(desk.offers(name, morning)->empty());
}

TEST_CASE("an applied offer stays good when the feed takes it away before the sale ends") {
    Till till;
    till.know_customers();
    const auto name = named("0001");
    REQUIRE(till.desk->begin(opening("0001"), morning));
    REQUIRE(till.desk->identify(name, {PresentedKind::card, kamala_card}, morning));
    REQUIRE(till.desk->set_basket(name, {tea(2)}, {}, morning));
    REQUIRE(till.desk->apply_offer(name, tea_offer().id, morning));
    auto without = kamala();
    without.offers.clear();
    till.feed({row_of(without, 4)});
    REQUIRE(till.desk->add_tender(name, {crm::TenderKind::cash, rupees(200), {}}, morning));
    SaleDocument document;
    document.name = name;
    CHECK(error_of(till.desk->complete(document, morning)) == "none");
}

TEST_CASE("an offer for a category finds its lines through the catalogue") {
    Till till;
    auto slice = kamala();
    slice.offers[0].item_id.clear();
    slice.offers[0].category = "tea";
    crm::Product product{"8901030865275", "Tea 250 g", "tea", "EA", rupees(100), BasisPoints{500}};
    till.feed({row_of(settings(), 1), row_of(slice, 2), row_of(product, 3)});
    auto line = tea(2);
    line.category.clear();
    REQUIRE(till.desk->begin(opening("0001"), morning));
    REQUIRE(till.desk->identify(named("0001"), {PresentedKind::card, kamala_card}, morning));
    const auto basket = till.desk->set_basket(named("0001"), {line}, {}, morning);
    REQUIRE(basket);
    CHECK(basket->offers.front().applicable);
    CHECK((*till.desk->find(named("0001"), morning))->lines.front().category.empty());
}

TEST_CASE("a suspended transaction survives a restart whole") {
    test::TempDir folder;
    Till till(store_options(folder.file("till.db")));
    till.know_customers();
    const auto name = named("0001");
    REQUIRE(till.desk->begin(opening("0001"), morning));
    REQUIRE(till.desk->identify(name, {PresentedKind::card, kamala_card}, morning));
    REQUIRE(till.desk->set_basket(name, {tea(2)}, {}, morning));
    REQUIRE(till.desk->apply_offer(name, tea_offer().id, morning));
    const auto hold = till.desk->redeem(name, Points{40}, morning);
    REQUIRE(hold);
    REQUIRE(till.desk->suspend(name, morning));
    const OpenTransaction before = **till.desk->find(name, morning);
    CHECK(before.suspended);
    till.reopen();
    const auto after = till.desk->find(name, morning);
    REQUIRE(after);
    CHECK((*after)->suspended);
    CHECK((*after)->lines == before.lines);
    CHECK((*after)->member == before.member);
    CHECK((*after)->total == before.total);
    CHECK((*after)->operator_id == "asha");
    CHECK((*after)->begin == morning);
    CHECK((*after)->hold == before.hold);
    CHECK((*after)->applied.size() == 1);
    REQUIRE(till.desk->begin(opening("0001"), morning));
    CHECK_FALSE((*till.desk->find(name, morning))->suspended);
    REQUIRE(till.desk->add_tender(name, {crm::TenderKind::loyalty_points, hold->hold.amount, {}}, morning));
    REQUIRE(till.desk->add_tender(
        name, {crm::TenderKind::cash, {rupees(200).minor - hold->hold.amount.minor, inr}, {}}, morning));
    SaleDocument document;
    document.name = name;
    REQUIRE(till.desk->complete(document, morning));
    till.reopen();
    CHECK(till.desk->open_transactions() == 0);
}

TEST_CASE("a cancelled transaction is gone for good") {
    test::TempDir folder;
    Till till(store_options(folder.file("till.db")));
    till.know_customers();
    const auto name = named("0001");
    REQUIRE(till.desk->begin(opening("0001"), morning));
    REQUIRE(till.desk->identify(name, {PresentedKind::card, kamala_card}, morning));
    REQUIRE(till.desk->redeem(name, Points{40}, morning));
    REQUIRE(till.desk->suspend(name, morning));
    CHECK(till.points_of(kamala_card) == Points{80});
    REQUIRE(till.desk->cancel(name, morning));
    CHECK(till.points_of(kamala_card) == Points{120});
    till.reopen();
    CHECK(error_of(till.desk->find(name, morning)) == "txn.unknown");
    CHECK(till.points_of(kamala_card) == Points{120});
}

TEST_CASE("a sale begun before midnight goes on under its day") {
    Till till;
    const Time before = at("2026-11-21T18:29:00Z");
    const Time after = before + std::chrono::minutes{5};
    REQUIRE(till.desk->begin(opening("0001"), before));
    REQUIRE(till.desk->set_basket(named("0001"), {tea()}, {}, after));
    const auto receipt = till.desk->complete(sale("0001", {tea()}), after);
    REQUIRE(receipt);
    CHECK(receipt->key.day == BusinessDay{20261121});
}

TEST_CASE("forgotten transactions do not pile up, suspended ones stay") {
    Till till;
    auto options = desk_options();
    options.open_max = 3;
    auto desk = *Desk::open(options, till.store->storage(), till.random);
    REQUIRE(desk->begin(opening("1"), morning));
    REQUIRE(desk->suspend(named("1"), morning));
    for (int i = 2; i <= 5; ++i)
        REQUIRE(desk->begin(opening(std::to_string(i)), morning + std::chrono::minutes{i}));
    CHECK(desk->open_transactions() == 3);
    CHECK(desk->find(named("1"), morning));
    CHECK(error_of(desk->find(named("2"), morning)) == "txn.unknown");
    CHECK(desk->find(named("5"), morning));
    REQUIRE(desk->suspend(named("4"), morning));
    REQUIRE(desk->suspend(named("5"), morning));
    CHECK(error_of(desk->begin(opening("6"), morning)) == "txn.too_many");
}
