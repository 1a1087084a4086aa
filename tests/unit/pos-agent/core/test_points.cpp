#include "../till_fixture.hpp"

using namespace mudi;
using namespace mudi::till;
using namespace mudi::till::fixture;

namespace {

struct Redeeming : Till {
    Redeeming() { know_customers(); }
    explicit Redeeming(StoreOptions options) : Till(std::move(options)) { know_customers(); }
    void serve(const std::string& number, const std::string& card) {
        REQUIRE(desk->begin({named(number), {}, {}, {}}, morning));
        REQUIRE(desk->identify(named(number), {PresentedKind::card, card}, morning));
    }
    [[nodiscard]] SaleDocument paid_in_points(const std::string& number, const Hold& hold) const {
        auto document = sale(number, {tea(2)});
        document.tenders = {{crm::TenderKind::loyalty_points, hold.amount, {}},
                            {crm::TenderKind::upi, {rupees(200).minor - hold.amount.minor, inr}, {}}};
        return document;
    }
};

} // namespace

TEST_CASE("held points cannot be spent twice and are consumed by the sale") {
    Redeeming till;
    till.serve("0001", kamala_card);
    till.serve("0002", kamala_card);
    const auto hold = till.desk->redeem(named("0001"), Points{100}, morning);
    REQUIRE(hold);
    CHECK(hold->hold.amount == rupees(25));
    CHECK(hold->stale);
    CHECK(error_of(till.desk->redeem(named("0001"), Points{20}, morning)) == "redeem.held");
    CHECK(error_of(till.desk->redeem(named("0002"), Points{21}, morning)) == "redeem.balance");
    CHECK(till.points_of(kamala_card) == Points{20});
    const auto receipt = till.desk->complete(till.paid_in_points("0001", hold->hold), morning);
    REQUIRE(receipt);
    CHECK(receipt->points_redeemed == Points{100});
    CHECK(receipt->points_earned == Points{1}); // 175 rupees of money
    CHECK(receipt->points_balance == Points{21});
    CHECK(till.points_of(kamala_card) == Points{21});
    const auto stored = *till.store->storage().find_transaction({BusinessDay{20261121}, "0001"});
    REQUIRE(stored->transaction.ledger.size() == 2);
    CHECK(stored->transaction.ledger[0] ==
          crm::LedgerEntry{crm::LedgerKind::redeem_reward, {-100}, hold->hold.id});
}

TEST_CASE("a sale paid in points can be asked for again") {
    test::TempDir folder;
    Redeeming till(store_options(folder.file("till.db")));
    till.serve("0001", kamala_card);
    const auto hold = till.desk->redeem(named("0001"), Points{100}, morning);
    auto document = till.paid_in_points("0001", hold->hold);
    document.hold = hold->hold.id;
    REQUIRE(till.desk->complete(document, morning));
    till.reopen();
    document.customer = Presented{PresentedKind::card, kamala_card};
    const auto again = till.desk->complete(document, morning);
    REQUIRE(again);
    CHECK(again->repeated);
    CHECK(again->points_redeemed == Points{100});
}

TEST_CASE("the tender in points must be exactly what is held for this customer and transaction") {
    Redeeming till;
    till.serve("0001", kamala_card);
    const auto hold = till.desk->redeem(named("0001"), Points{100}, morning)->hold;
    auto document = till.paid_in_points("0001", hold);
    document.tenders->front().amount.minor += 1;
    document.tenders->back().amount.minor -= 1;
    CHECK(error_of(till.desk->complete(document, morning)) == "hold.amount");
    document = till.paid_in_points("0001", hold);
    document.customer = Presented{PresentedKind::card, rahim_card};
    CHECK(error_of(till.desk->complete(document, morning)) == "hold.customer");
    document = till.paid_in_points("0002", hold);
    document.customer = Presented{PresentedKind::card, kamala_card};
    document.hold = hold.id;
    CHECK(error_of(till.desk->complete(document, morning)) == "hold.unknown");
    document = till.paid_in_points("0001", hold);
    CHECK(error_of(till.desk->complete(document, hold.expires)) == "hold.expired");
    document.tenders->front().amount.minor = -2500;
    document.tenders->back().amount.minor = 22500;
    CHECK(error_of(till.desk->complete(document, morning)) == "tender.points_back");
    CHECK(till.points_of(kamala_card) == Points{20});
}

TEST_CASE("a hold is given back by release, by forgetting the customer, by time and by a sale that does not "
          "use it") {
    Redeeming till;
    till.serve("0001", kamala_card);
    const auto name = named("0001");
    auto hold = till.desk->redeem(name, Points{100}, morning);
    CHECK(error_of(till.desk->release(name, HoldId{{5, 5}}, morning)) == "hold.unknown");
    REQUIRE(till.desk->release(name, hold->hold.id, morning));
    CHECK(till.points_of(kamala_card) == Points{120});
    REQUIRE(till.desk->redeem(name, Points{100}, morning));
    REQUIRE(till.desk->identify(name, {PresentedKind::card, rahim_card}, morning));
    CHECK(till.points_of(kamala_card) == Points{120});
    hold = till.desk->redeem(name, Points{100}, morning);
    CHECK(till.points_of(rahim_card) == Points{900});
    CHECK(till.points_of(rahim_card, hold->hold.expires) == Points{1000});
    REQUIRE(till.desk->complete(sale("0001", {tea(2)}), morning));
    CHECK(till.points_of(rahim_card) == Points{1002});
}

TEST_CASE("a hold survives a restart, with its transaction") {
    test::TempDir folder;
    Redeeming till(store_options(folder.file("till.db")));
    till.serve("0001", kamala_card);
    const auto hold = till.desk->redeem(named("0001"), Points{100}, morning);
    till.reopen();
    CHECK(till.points_of(kamala_card) == Points{20});
    auto document = till.paid_in_points("0001", hold->hold);
    document.hold = hold->hold.id;
    document.customer = Presented{PresentedKind::card, kamala_card};
    REQUIRE(till.desk->complete(document, morning));
    till.reopen();
    CHECK(till.points_of(kamala_card) == Points{21});
}

TEST_CASE("points need a customer, a minimum, a balance, and no exercise") {
    Redeeming till;
    REQUIRE(till.desk->begin({named("0001"), {}, {}, {}}, morning));
    CHECK(error_of(till.desk->redeem(named("0001"), Points{40}, morning)) == "redeem.customer");
    REQUIRE(till.desk->identify(named("0001"), {PresentedKind::card, kamala_card}, morning));
    CHECK(error_of(till.desk->redeem(named("0001"), Points{19}, morning)) == "redeem.minimum");
    CHECK(error_of(till.desk->redeem(named("0001"), Points{-40}, morning)) == "redeem.minimum");
    CHECK(error_of(till.desk->redeem(named("0001"), Points{121}, morning)) == "redeem.balance");
    REQUIRE(till.desk->begin({named("0002"), {}, {}, true}, morning));
    REQUIRE(till.desk->identify(named("0002"), {PresentedKind::card, kamala_card}, morning));
    CHECK(error_of(till.desk->redeem(named("0002"), Points{40}, morning)) == "redeem.training");
    CHECK(error_of(till.desk->apply_offer(named("0002"), tea_offer().id, morning)) == "offer.unknown");
}

TEST_CASE("offline a customer spends no more than the cap, over all transactions") {
    Redeeming till;
    till.serve("0001", rahim_card);
    till.serve("0002", rahim_card);
    CHECK(error_of(till.desk->redeem(named("0001"), Points{201}, morning)) == "redeem.offline_cap");
    const auto hold = till.desk->redeem(named("0001"), Points{150}, morning);
    REQUIRE(hold);
    CHECK(error_of(till.desk->redeem(named("0002"), Points{51}, morning)) == "redeem.offline_cap");
    REQUIRE(till.desk->complete(till.paid_in_points("0001", hold->hold), morning));
    CHECK(error_of(till.desk->redeem(named("0002"), Points{51}, morning)) == "redeem.offline_cap");
    CHECK(till.desk->redeem(named("0002"), Points{50}, morning));
}

TEST_CASE("what the server was asked for is not bound by the cap") {
    Redeeming till;
    till.serve("0001", rahim_card);
    till.desk->server_seen({true, morning});
    CHECK_FALSE(till.desk->stale(morning));
    CHECK(till.desk->stale(morning + std::chrono::minutes{15}));
    const auto asked = till.desk->prepare_redeem(named("0001"), Points{800}, AskedOf::server, morning);
    REQUIRE(asked);
    const auto hold = till.desk->hold_granted(named("0001"), *asked, {}, morning);
    REQUIRE(hold);
    CHECK_FALSE(hold->stale);
}
