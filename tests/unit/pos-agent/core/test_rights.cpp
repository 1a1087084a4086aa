#include "../rights_fixture.hpp"

using namespace mudi;
using namespace mudi::till;
using namespace mudi::till::fixture;

namespace {

constexpr RightsHolder lead_holder{77};

sync::Reserve question(std::uint64_t hold, std::int64_t points) {
    return {TillId{4}, HoldId{{0, hold}}, ProfileId{17}, {points}};
}

} // namespace

TEST_CASE("without the server a lead spends its own right and no more, and the sale says under which") {
    Holding till;
    till.grant(100);
    till.serve("1");
    till.serve("2");
    CHECK(till.desk->own_right(named("1"), morning) == Points{100});
    CHECK(error_of(till.desk->redeem(named("1"), {101}, morning)) == "redeem.offline");
    const auto hold = till.desk->redeem(named("1"), {60}, morning);
    REQUIRE(hold);
    CHECK(hold->hold.lender == till.holder());
    CHECK(till.desk->own_right(named("2"), morning) == Points{40});
    CHECK(error_of(till.desk->redeem(named("2"), {41}, morning)) == "redeem.offline");
    REQUIRE(till.pay("1", hold->hold));
    const auto stored = *till.store->storage().find_transaction({BusinessDay{20261121}, "1"});
    CHECK(stored->transaction.ledger[0] ==
          crm::LedgerEntry{crm::LedgerKind::redeem_reward, {-60}, hold->hold.id, till.holder()});
    CHECK(till.held() == 40);
    CHECK(till.desk->redeem(named("2"), {40}, morning));
    CHECK(till.held() == 0);
}

TEST_CASE("a till without a right of its own spends nothing while the server is away") {
    Holding till;
    till.feed({row_of(kamala(), ++till.version)});
    till.serve("1");
    CHECK(error_of(till.desk->redeem(named("1"), {20}, morning)) == "redeem.offline");
    CHECK(till.desk->own_right(named("1"), morning) == Points{});
    CHECK(error_of(till.desk->own_right(named("2"), morning)) == "txn.unknown");
}

TEST_CASE("a right rests when the server was not heard for three days, also over a restart") {
    test::TempDir folder;
    Holding till(folder.file("till.db"));
    till.grant(100);
    till.serve("1");
    const TransactionName sold_today{"1", BusinessDay{20261121}};
    const Time last = morning + hours{72};
    CHECK(till.desk->own_right(sold_today, last) == Points{100});
    CHECK(till.desk->own_right(sold_today, last + Duration{1}) == Points{});
    CHECK(till.desk->own_right(sold_today, morning - Duration{1}) == Points{});
    till.reopen();
    till.serve("1");
    CHECK(till.desk->own_right(sold_today, last) == Points{100});
    CHECK(till.desk->own_right(sold_today, last + Duration{1}) == Points{});
    till.desk->server_seen({true, morning, morning + hours{1}});
    CHECK(till.desk->own_right(sold_today, last + hours{1}) == Points{100});
}

TEST_CASE("own points that were not spent are free again, and the server need not know") {
    Holding till;
    till.grant(100);
    till.serve("1");
    const auto hold = till.desk->redeem(named("1"), {100}, morning);
    SECTION("released") { REQUIRE(till.desk->release(named("1"), hold->hold.id, morning)); }
    SECTION("cancelled") { REQUIRE(till.desk->cancel(named("1"), morning)); }
    SECTION("another customer") {
        REQUIRE(till.desk->identify(named("1"), {PresentedKind::card, rahim_card}, morning));
    }
    SECTION("paid in another way") { REQUIRE(till.desk->complete(sale("1", {tea(5)}), morning)); }
    SECTION("lapsed") {
        const Time lapsed = hold->hold.expires + minutes{15};
        REQUIRE(till.desk->tidy(lapsed - Duration{1}));
        CHECK(till.held() == 0);
        REQUIRE(till.desk->tidy(lapsed));
    }
    CHECK(till.held() == 100);
    CHECK(till.returned().empty());
}

TEST_CASE("what the server set aside goes into the sale, or back to it") {
    test::TempDir folder;
    Holding till(folder.file("till.db"));
    till.grant(0);
    till.serve("1");
    const auto asked = till.desk->prepare_redeem(named("1"), {800}, AskedOf::server, morning);
    REQUIRE(asked);
    CHECK(asked->amount == rupees(200));
    CHECK(error_of(till.desk->redeem(named("1"), {20}, morning)) == "redeem.held");
    CHECK(error_of(till.desk->prepare_redeem(named("1"), {20}, AskedOf::server, morning)) == "redeem.held");
    CHECK(till.points_of(kamala_card) == Points{200});
    const sync::RightReturned whole{ProfileId{17}, {}, asked->hold, {800}};
    SECTION("spent") {
        const auto hold = till.desk->hold_granted(named("1"), *asked, {}, morning);
        REQUIRE(hold);
        REQUIRE(till.pay("1", hold->hold));
        CHECK(till.returned().empty());
        CHECK(till.points_of(kamala_card) == Points{203});
        return;
    }
    SECTION("refused: nothing to give back") {
        REQUIRE(till.desk->hold_refused(named("1"), *asked, morning));
        CHECK(till.returned().empty());
        CHECK(till.points_of(kamala_card) == Points{1000});
        CHECK(till.desk->prepare_redeem(named("1"), {20}, AskedOf::server, morning));
        return;
    }
    SECTION("not answered") { REQUIRE(till.desk->hold_unanswered(named("1"), *asked, morning)); }
    SECTION("released") {
        REQUIRE(till.desk->hold_granted(named("1"), *asked, {}, morning));
        REQUIRE(till.desk->release(named("1"), asked->hold, morning));
    }
    SECTION("granted to a transaction that was cancelled") {
        REQUIRE(till.desk->cancel(named("1"), morning));
        CHECK(error_of(till.desk->hold_granted(named("1"), *asked, {}, morning)) == "txn.unknown");
    }
    SECTION("granted for a customer who was forgotten") {
        REQUIRE(till.desk->forget_customer(named("1"), morning));
        CHECK(error_of(till.desk->hold_granted(named("1"), *asked, {}, morning)) == "txn.unknown");
    }
    SECTION("a crash while it was asked") {
        till.reopen();
        CHECK(till.points_of(kamala_card) == Points{1000});
        REQUIRE(till.desk->tidy(morning));
    }
    SECTION("lapsed over a restart") {
        REQUIRE(till.desk->hold_granted(named("1"), *asked, {}, morning));
        till.reopen();
        REQUIRE(till.desk->tidy(morning + minutes{44}));
        CHECK(till.returned().empty());
        REQUIRE(till.desk->tidy(morning + minutes{45}));
    }
    REQUIRE(till.returned().size() == 1);
    CHECK(till.returned()[0] == whole);
    CHECK(till.desk->last_captured() == EventSeq{1});
    CHECK(till.points_of(kamala_card) == Points{1000});
    REQUIRE(till.desk->tidy(morning + hours{30}));
    CHECK(till.returned().size() == 1);
}

TEST_CASE("what the lead lent goes into the sale, or back, under the lead's right") {
    test::TempDir folder;
    Holding till(folder.file("till.db"), TillId{9});
    till.grant(0);
    till.serve("1");
    const Hold hold = till.granted("1", 50, AskedOf::lead, lead_holder);
    SECTION("spent") { REQUIRE(till.pay("1", hold)); }
    SECTION("released") { REQUIRE(till.desk->release(named("1"), hold.id, morning)); }
    SECTION("lapsed over a restart") {
        till.reopen();
        REQUIRE(till.desk->tidy(morning + minutes{45}));
        const std::vector<sync::RightReturned> back{{ProfileId{17}, lead_holder, hold.id, {50}}};
        CHECK(till.returned() == back);
    }
    SECTION("spent late, by a sale that ended in time") {
        REQUIRE(till.desk->tidy(morning + minutes{44}));
        auto document = sale("1", {tea(5)});
        document.tenders = {{crm::TenderKind::loyalty_points, hold.amount, {}},
                            {crm::TenderKind::upi, {rupees(500).minor - hold.amount.minor, inr}, {}}};
        document.hold = hold.id;
        document.begin = document.end = morning + minutes{5};
        REQUIRE(till.desk->complete(document, morning + minutes{44}));
        REQUIRE(till.desk->tidy(morning + minutes{46}));
    }
    CHECK(till.closed_under(lead_holder) == 50);
}

TEST_CASE("a till knows what it has on hold that the server's books do not have") {
    Holding till;
    till.grant(100);
    till.serve("1");
    till.serve("2");
    const auto now = [&](const Holding& of) { return of.desk->on_hold(of.holder()); };
    CHECK(now(till) == sync::OnHold::nothing);
    SECTION("under its own right, which they have; of a memory before, which is over") {
        REQUIRE(till.desk->redeem(named("1"), {40}, morning));
        CHECK(now(till) == sync::OnHold::known);
        CHECK(till.desk->on_hold(RightsHolder{till.holder().value + 1}) == sync::OnHold::borrowed);
    }
    SECTION("of the server") {
        const Hold hold = till.granted("1", 30, AskedOf::server, RightsHolder{});
        CHECK(now(till) == sync::OnHold::known);
        REQUIRE(till.desk->release(named("1"), hold.id, morning));
        CHECK(now(till) == sync::OnHold::nothing);
    }
    SECTION("of the lead, from the question on until it is spent") {
        const auto asked = till.desk->prepare_redeem(named("1"), {30}, AskedOf::lead, morning);
        REQUIRE(asked);
        CHECK(now(till) == sync::OnHold::borrowed);
        const auto held = till.desk->hold_granted(named("1"), *asked, lead_holder, morning);
        REQUIRE(held);
        REQUIRE(till.desk->redeem(named("2"), {40}, morning));
        CHECK(now(till) == sync::OnHold::borrowed);
        REQUIRE(till.pay("1", held->hold));
        CHECK(now(till) == sync::OnHold::known);
    }
    SECTION("of the lead, and it lapsed: a sale that ended before may still come") {
        const auto asked = till.desk->prepare_redeem(named("1"), {30}, AskedOf::lead, morning);
        REQUIRE(till.desk->hold_granted(named("1"), *asked, lead_holder, morning));
        REQUIRE(till.desk->tidy(morning + minutes{44}));
        CHECK(now(till) == sync::OnHold::borrowed);
        REQUIRE(till.desk->tidy(morning + minutes{45}));
        CHECK(now(till) == sync::OnHold::nothing);
    }
}

TEST_CASE("what the lead did not answer is put to it again until it is settled") {
    test::TempDir folder;
    Holding till(folder.file("till.db"), TillId{9});
    till.grant(0);
    till.serve("1");
    const auto asked = till.desk->prepare_redeem(named("1"), {50}, AskedOf::lead, morning);
    CHECK(till.desk->unsettled().empty());
    REQUIRE(till.desk->hold_unanswered(named("1"), *asked, morning));
    const std::vector<sync::Reserve> open{{TillId{3}, asked->hold, ProfileId{17}, {50}}};
    CHECK(till.desk->unsettled() == open);
    CHECK(till.points_of(kamala_card) == Points{1000});
    till.reopen();
    REQUIRE(till.desk->tidy(morning + hours{1}));
    CHECK(till.desk->unsettled() == open);
    SECTION("it had lent them") {
        REQUIRE(till.desk->settled(asked->hold, {true, lead_holder, {}, {}}, morning));
        const std::vector<sync::RightReturned> back{{ProfileId{17}, lead_holder, asked->hold, {50}}};
        CHECK(till.returned() == back);
    }
    SECTION("it had not") {
        REQUIRE(till.desk->settled(asked->hold, {}, morning));
        CHECK(till.returned().empty());
    }
    SECTION("it never answers") {
        REQUIRE(till.desk->tidy(morning + hours{25}));
        CHECK(till.returned().empty());
    }
    CHECK(till.desk->unsettled().empty());
    CHECK(till.store->storage().load()->holds.empty());
}

TEST_CASE("a lead lends to its neighbours what it was granted, once for each question") {
    test::TempDir folder;
    Holding till(folder.file("till.db"));
    till.grant(100);
    const auto first = till.desk->lend(question(1, 60), morning);
    REQUIRE(first);
    CHECK(*first == sync::ReserveAnswer{true, till.holder(), {100}, {}});
    const auto again = till.desk->lend(question(1, 60), morning);
    CHECK(again->granted);
    CHECK(again->lender == till.holder());
    CHECK(till.held() == 40);
    CHECK_FALSE(till.desk->lend(question(1, 61), morning)->granted);
    const auto too_much = till.desk->lend(question(2, 41), morning);
    CHECK_FALSE(too_much->granted);
    CHECK(too_much->available == Points{40});
    till.reopen();
    CHECK(till.desk->lend(question(1, 60), morning)->granted);
    CHECK(till.held() == 40);
    till.serve("1");
    CHECK(error_of(till.desk->redeem(named("1"), {41}, morning)) == "redeem.offline");
    CHECK(till.desk->lend(question(3, 40), morning)->granted);
    CHECK(till.held() == 0);
    CHECK_FALSE(till.desk->lend(question(4, 20), morning)->granted);
}

TEST_CASE("who is not the lead, or has nothing, lends nothing") {
    Holding till;
    till.grant(100);
    CHECK(error_of(till.desk->lend(question(1, 0), morning)) == "points.amount");
    sync::Reserve stranger = question(1, 20);
    stranger.profile = ProfileId{999};
    CHECK_FALSE(till.desk->lend(stranger, morning)->granted);
    stranger.profile = rahim().id;
    CHECK_FALSE(till.desk->lend(stranger, morning)->granted);
    CHECK_FALSE(till.desk->lend(question(1, 20), morning + hours{73})->granted);
    till.feed({row_of(escrow_settings(TillId{9}), ++till.version)});
    CHECK_FALSE(till.desk->is_lead());
    CHECK(error_of(till.desk->lend(question(1, 20), morning)) == "till.not_lead");
    till.feed({row_of(escrow_settings(), ++till.version)});
    CHECK(till.desk->lend(question(1, 20), morning)->granted);
}

TEST_CASE("points that are called back go back at once, as far as they are not used") {
    Holding till;
    till.grant(100);
    till.serve("1");
    const auto hold = till.desk->redeem(named("1"), {30}, morning);
    till.grant(100, 50);
    const RightsHolder holder = till.holder();
    const std::vector<sync::RightReturned> back{{ProfileId{17}, holder, {}, {20}}};
    CHECK(till.returned() == back);
    CHECK(till.held() == 50);
    CHECK(till.desk->own_right(named("1"), morning) == Points{50});
    till.grant(100, 50); // told again
    CHECK(till.returned() == back);
    SECTION("and what was on hold follows when it is not spent") {
        till.grant(100, 90);
        CHECK(till.held() == 10);
        REQUIRE(till.desk->release(named("1"), hold->hold.id, morning));
        CHECK(till.closed_under(holder) == 90);
        CHECK(till.held() == 10);
    }
    SECTION("or stays used") {
        REQUIRE(till.pay("1", hold->hold));
        CHECK(till.closed_under(holder) == 50);
    }
}

TEST_CASE("a recall that a crash cut off is answered later") {
    test::TempDir folder;
    Holding till(folder.file("till.db"));
    till.grant(100);
    auto slice = kamala();
    slice.rights = {{till.holder(), {100}, {100}}};
    FeedBatch batch;
    batch.rows = {row_of(slice, 9)};
    batch.cursor = {5, 9};
    REQUIRE(till.store->replica().apply_feed(batch));
    till.reopen();
    CHECK(till.returned().empty());
    CHECK(till.desk->lend(question(1, 20), morning)->granted == false);
    CHECK_FALSE(*till.desk->tidy(morning));
    REQUIRE(till.returned().size() == 1);
    CHECK(till.returned()[0].points == Points{100});
}

TEST_CASE("the unspent right of a customer who was merged into another goes back") {
    Holding till;
    till.grant(100);
    REQUIRE(till.desk->lend(question(1, 60), morning)->granted);
    crm::ProfileSlice other = kamala();
    other.id = ProfileId{5};
    other.rights = {{till.holder(), {30}, {}}};
    till.feed({gone(ProfileId{17}, 8), row_of(other, 9)});
    const std::vector<sync::RightReturned> back{{ProfileId{17}, till.holder(), {}, {40}}};
    CHECK(till.returned() == back);
    CHECK(till.held() == 30);
    CHECK(till.desk->lend(question(1, 60), morning)->granted); // as before
    CHECK_FALSE(till.desk->lend(question(2, 20), morning)->granted);
}

TEST_CASE("many rights that are called back are given back in steps") {
    Holding till;
    std::vector<sync::FeedRow> granted;
    std::vector<sync::FeedRow> left;
    for (int i = 0; i < 50; ++i) {
        crm::ProfileSlice slice = rahim();
        slice.id = ProfileId{100 + i};
        slice.identifiers.clear();
        slice.rights = {{till.holder(), {10}, {}}};
        granted.push_back(row_of(slice, 10 + i));
        left.push_back(gone(slice.id, 100 + i));
    }
    till.feed(granted);
    CHECK(till.held() == 500);
    till.feed(left);
    CHECK(till.returned().size() == 20);
    CHECK(*till.desk->tidy(morning));
    CHECK_FALSE(*till.desk->tidy(morning));
    CHECK(till.returned().size() == 50);
    CHECK(till.held() == 0);
}
