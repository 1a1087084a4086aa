#include "../till_fixture.hpp"

using namespace mudi;
using namespace mudi::till;
using namespace mudi::till::fixture;

namespace {

Desk::Void undo(const std::string& original, const std::string& number) {
    return {named(original), named(number), "asha", {}};
}

SaleDocument for_kamala(const std::string& number, std::int64_t pieces) {
    auto document = sale(number, {tea(pieces)});
    document.customer = Presented{PresentedKind::card, kamala_card};
    return document;
}

} // namespace

TEST_CASE("a post-void takes back exactly what the sale moved") {
    Till till;
    till.know_customers();
    REQUIRE(till.desk->begin({named("0001"), {}, {}, {}}, morning));
    REQUIRE(till.desk->identify(named("0001"), {PresentedKind::card, kamala_card}, morning));
    const auto hold = till.desk->redeem(named("0001"), Points{100}, morning)->hold;
    auto document = sale("0001", {tea(4)});
    document.tenders = {{crm::TenderKind::loyalty_points, hold.amount, {}},
                        {crm::TenderKind::cash, rupees(375), {}}};
    REQUIRE(till.desk->complete(document, morning));
    CHECK(till.points_of(kamala_card) == Points{23});
    const auto receipt = till.desk->post_void(undo("0001", "V1"), morning);
    REQUIRE(receipt);
    CHECK(receipt->kind == crm::TransactionKind::post_void);
    CHECK(receipt->total == rupees(-400));
    CHECK(receipt->points_earned == Points{-3});
    CHECK(receipt->points_redeemed == Points{-100});
    CHECK(receipt->points_balance == Points{120});
    CHECK(till.points_of(kamala_card) == Points{120});
    const auto stored = *till.store->storage().find_transaction({BusinessDay{20261121}, "V1"});
    CHECK(stored->transaction.link == key_of("0001"));
}

TEST_CASE("a repeated post-void gives the same receipt") {
    test::TempDir folder;
    Till till(store_options(folder.file("till.db")));
    till.know_customers();
    REQUIRE(till.desk->complete(for_kamala("0001", 4), morning));
    const auto first = till.desk->post_void(undo("0001", "V1"), morning);
    REQUIRE(first);
    till.reopen();
    const auto again = till.desk->post_void(undo("0001", "V1"), morning);
    REQUIRE(again);
    CHECK(again->repeated);
    CHECK(again->event == first->event);
    CHECK(again->total == first->total);
    CHECK(again->points_earned == first->points_earned);
    CHECK(till.desk->receipt(named("V1"), morning)->total == rupees(-400));
}

TEST_CASE("only a completed, standing sale can be undone, and once") {
    Till till;
    till.know_customers();
    CHECK(error_of(till.desk->post_void(undo("0001", "V1"), morning)) == "void.unknown");
    REQUIRE(till.desk->complete(for_kamala("0001", 4), morning));
    REQUIRE(till.desk->complete(for_kamala("0002", 4), morning));
    CHECK(error_of(till.desk->post_void(undo("0001", "0002"), morning)) == "sale.conflict");
    CHECK(error_of(till.desk->post_void(undo("0001", "0001"), morning)) == "sale.conflict");
    REQUIRE(till.desk->begin({named("0005"), {}, {}, {}}, morning));
    CHECK(error_of(till.desk->post_void(undo("0001", "0005"), morning)) == "sale.conflict");
    REQUIRE(till.desk->post_void(undo("0001", "V1"), morning));
    CHECK(error_of(till.desk->post_void(undo("0001", "V2"), morning)) == "void.already");
    CHECK(error_of(till.desk->post_void(undo("V1", "V2"), morning)) == "void.unknown");
    CHECK(error_of(till.desk->post_void(undo("0002", "V1"), morning)) == "sale.conflict");
    CHECK(error_of(till.desk->complete(taken_back("R1", {back(tea(1), "0001")}), morning)) ==
          "return.voided");
    CHECK(error_of(till.desk->complete(sale("V1", {tea(1)}), morning)) == "sale.conflict");
}

TEST_CASE("a sale of which something came back is undone only after its returns") {
    Till till;
    till.know_customers();
    REQUIRE(till.desk->complete(for_kamala("0001", 4), morning));
    REQUIRE(till.desk->complete(taken_back("R1", {back(tea(3), "0001")}), morning));
    CHECK(error_of(till.desk->post_void(undo("0001", "V1"), morning)) == "void.returned");
    REQUIRE(till.desk->post_void(undo("R1", "V2"), morning));
    CHECK(till.points_of(kamala_card) == Points{124});
    REQUIRE(till.desk->complete(taken_back("R2", {back(tea(4), "0001")}), morning));
    REQUIRE(till.desk->post_void(undo("R2", "V3"), morning));
    REQUIRE(till.desk->post_void(undo("0001", "V1"), morning));
    CHECK(till.points_of(kamala_card) == Points{120});
}

TEST_CASE("an exercise can be undone and moves nothing either") {
    Till till;
    till.know_customers();
    auto document = for_kamala("0001", 4);
    document.training = true;
    REQUIRE(till.desk->complete(document, morning));
    const auto receipt = till.desk->post_void(undo("0001", "V1"), morning);
    REQUIRE(receipt);
    CHECK(receipt->training);
    CHECK(till.points_of(kamala_card) == Points{120});
}
