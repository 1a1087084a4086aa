#include "../till_fixture.hpp"

using namespace mudi;
using namespace mudi::till;
using namespace mudi::till::fixture;

namespace {

std::vector<std::string> names(const Result<std::vector<CustomerView>>& found) {
    std::vector<std::string> out;
    REQUIRE(found);
    for (const auto& customer : *found) out.push_back(customer.name);
    return out;
}

} // namespace

TEST_CASE("a customer is known by card, phone and QR, in any writing") {
    Till till;
    till.know_customers();
    REQUIRE(till.desk->begin({named("1"), {}, {}, {}}, morning));
    const auto who = [&](PresentedKind kind, const std::string& value) {
        auto view = till.desk->identify(named("1"), {kind, value}, morning);
        return view ? view->name : view.error().name;
    };
    CHECK(who(PresentedKind::card, "29 0000 0000 018") == "কমলা দাস");
    CHECK(who(PresentedKind::phone, "৯৮৩০০১২৩৪৫") == "কমলা দাস");
    CHECK(who(PresentedKind::qr, kamala_card) == "কমলা দাস");
    CHECK(who(PresentedKind::phone, "9000000000") == "customer.unknown");
    CHECK((*till.desk->find(named("1"), morning))->member->identifier.value == "+919000000000");
    CHECK(who(PresentedKind::card, "4111111111111111") == "card.bank_card");
    CHECK((*till.desk->find(named("1"), morning))->member->identifier.value == "+919000000000");
    CHECK(who(PresentedKind::phone, "nobody") == "phone.syntax");
    CHECK(who(PresentedKind::qr, "MUDI1.2900000000018.0.AAAA") == "qr.signature");
}

TEST_CASE("a customer is found while the name is typed, whatever the script") {
    Till till;
    till.know_customers();
    for (const char* typed : {"kama", "Komola", "kml", "das", "কমলা", "कमला दास", "das kam",
                              kamala_phone.c_str(), kamala_card.c_str()}) {
        INFO(typed);
        CHECK(names(till.desk->search(typed, morning)) == std::vector<std::string>{"কমলা দাস"});
    }
    CHECK(names(till.desk->search("rah sh", morning)) == std::vector<std::string>{"Rahim Sheikh"});
    CHECK(names(till.desk->search("kamala sheikh", morning)).empty());
    CHECK(names(till.desk->search("", morning)).empty());
    CHECK(names(till.desk->search("\xff\xff", morning)).empty());
    CHECK(names(till.desk->search("9999999999", morning)).empty());
}

TEST_CASE("a search gives twenty at most") {
    Till till;
    std::vector<sync::FeedRow> rows{row_of(settings(), 1)};
    for (int i = 1; i <= 50; ++i) {
        crm::ProfileSlice slice;
        slice.id = ProfileId{i};
        slice.name = "Gopal Ghosh";
        rows.push_back(row_of(slice, i + 1));
    }
    till.feed(std::move(rows));
    CHECK(names(till.desk->search("gopal", morning)).size() == 20);
}

TEST_CASE("a customer who joins becomes an event of its own") {
    Till till;
    const auto id = till.desk->join(
        {"  মীনা পাল ", "98300 54321", kamala_card, "bn", true, crm::Consent::given}, morning);
    REQUIRE(id);
    const auto outbox = till.store->replica().read_outbox(EventSeq{0}, {});
    REQUIRE(outbox);
    REQUIRE(outbox->events.size() == 1);
    CHECK(outbox->events[0].id == *id);
    const auto body = sync::decode(outbox->events[0]);
    REQUIRE(body);
    const auto& person = std::get<crm::SourceRecord>(*body);
    CHECK(person.source == "till:3");
    CHECK(person.source_key == to_hex(id->value));
    CHECK(person.name == "মীনা পাল");
    CHECK(person.phone == "+919830054321");
    CHECK(person.phone_verified);
    CHECK(person.cards == std::vector<std::string>{kamala_card});
    CHECK(person.home_store == StoreId{"KOL01"});
    CHECK(person.marketing == crm::Consent::given);
}

TEST_CASE("nobody joins with nothing, or with what may not be stored") {
    Till till;
    const auto refuse = [&](JoinDocument document) { return error_of(till.desk->join(document, morning)); };
    CHECK(refuse({" ", "9830054321", "", "", false, {}}) == "join.name");
    CHECK(refuse({"Mina", "", "", "", false, {}}) == "join.identifier");
    CHECK(refuse({"\xff", "9830054321", "", "", false, {}}) == "join.text");
    CHECK(refuse({std::string(201, 'x'), "9830054321", "", "", false, {}}) == "join.text");
    CHECK(refuse({"4111 1111 1111 1111", "9830054321", "", "", false, {}}) == "join.text");
    CHECK(refuse({"Mina", "12", "", "", false, {}}) == "phone.syntax");
    CHECK(refuse({"Mina", "", "4111111111111111", "", false, {}}) == "card.bank_card");
    CHECK(till.store->replica().counts().captured == 0);
}

TEST_CASE("an open transaction hears when its customer changes or becomes known") {
    Till till;
    till.feed({row_of(settings(), 1)});
    REQUIRE(till.desk->begin({named("1"), {}, {}, {}}, morning));
    REQUIRE(error_of(till.desk->identify(named("1"), {PresentedKind::card, kamala_card}, morning)) ==
            "customer.unknown");
    CHECK_FALSE(*till.desk->customer(named("1"), morning));
    const auto apply = [&](sync::FeedRow row) {
        FeedBatch batch;
        batch.rows = {std::move(row)};
        const auto outcome = till.store->replica().apply_feed(batch);
        return *till.desk->feed_applied(outcome->changed, outcome->settings_changed, morning);
    };
    const std::vector<TransactionKey> told{{BusinessDay{20261121}, "1"}};
    CHECK(apply(row_of(kamala(), 2)) == told);
    CHECK((*till.desk->customer(named("1"), morning))->name == "কমলা দাস");
    CHECK(apply(row_of(rahim(), 3)).empty());
    CHECK(apply(row_of(kamala(50), 4)) == told);
    CHECK(apply(gone(ProfileId{17}, 5)) == told);
    CHECK_FALSE(*till.desk->customer(named("1"), morning));
}
