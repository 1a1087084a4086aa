#include "running_agent.hpp"

using namespace mudi;
using namespace mudi::test;
using nlohmann::json;

namespace {

http::Call get(std::string target) {
    http::Call call;
    call.target = std::move(target);
    return call;
}

std::string next_name(http::EventReader& events, json* data = nullptr, std::string* id = nullptr) {
    auto event = events.next(Duration{5000});
    REQUIRE(event);
    REQUIRE(*event);
    if (data != nullptr) *data = json::parse((*event)->data);
    if (id != nullptr) *id = (*event)->id;
    return (*event)->event;
}

} // namespace

TEST_CASE("one sale from the scan to the receipt") {
    const RunningAgent agent;
    const json open = agent.ask("PUT", "/v1/txn/00001-003-0001", {{"operator", "asha"}, {"host", "odoo17"}});
    CHECK(open["txn"] == "00001-003-0001");
    CHECK(open["customer"].is_null());

    const json customer =
        agent.ask("POST", "/v1/txn/00001-003-0001/identify", {{"kind", "card"}, {"value", known_card}});
    CHECK(customer["name"] == "কমলা দাস");
    CHECK(customer["points"] == 120);
    CHECK(customer["tier"] == "silver");
    CHECK_THAT(customer["greeting"].get<std::string>(), Catch::Contains("কমলা দাস"));
    REQUIRE(customer["offers"].size() == 1);
    CHECK(customer["offers"][0]["applicable"] == false);

    json sale = good_sale("00001-003-0001");
    const json basket =
        agent.ask("PUT", "/v1/txn/00001-003-0001/basket", {{"lines", sale["lines"]}, {"total", 10400}});
    CHECK(basket["points_preview"] == 1);
    REQUIRE(basket["offers"][0]["applicable"] == true);
    const std::string offer = basket["offers"][0]["offer"];
    const json effects = agent.ask("POST", "/v1/txn/00001-003-0001/offers/" + offer + "/apply")["effects"];
    REQUIRE(effects.size() == 1);
    CHECK(effects[0]["line"] == 1);
    CHECK(effects[0]["amount"] == 1040);
    CHECK_FALSE(effects[0]["promotion"].get<std::string>().empty());

    sale["lines"][0]["amount"] = sale["total"] = 9360;
    sale["lines"][0]["discounts"] = {
        {{"promotion", effects[0]["promotion"]}, {"offer", offer}, {"amount", 1040}}};
    agent.ask("PUT", "/v1/txn/00001-003-0001/basket", {{"lines", sale["lines"]}, {"total", 9360}});
    const json due =
        agent.ask("POST", "/v1/txn/00001-003-0001/tenders", {{"kind", "cash"}, {"amount", 10000}});
    CHECK(due["due"] == -640);
    agent.ask("POST", "/v1/txn/00001-003-0001/tenders", {{"kind", "cash"}, {"amount", -640}});

    const json receipt = agent.ask("POST", "/v1/txn/00001-003-0001/complete", {{"offers", {offer}}});
    CHECK(receipt["saved"] == true);
    CHECK(receipt["total"] == 9360);
    CHECK(receipt["customer"]["name"] == "কমলা দাস");
    const std::string day = receipt["business_day"];
    json again = agent.ask("GET", "/v1/receipts/" + day + "/00001-003-0001");
    CHECK(again["event"] == receipt["event"]);
    CHECK(agent.ask("GET", "/v1/txn/00001-003-0001")["event"] == receipt["event"]);
    const json status = agent.ask("GET", "/v1/status");
    CHECK(status["captured"] == 1);
    CHECK(status["unsent"] == 1);
    CHECK(status["open_transactions"] == 0);
    CHECK(status["linked"] == false);
}

TEST_CASE("points are held, released, held again and spent") {
    const RunningAgent agent;
    agent.ask("PUT", "/v1/txn/P1");
    agent.ask("POST", "/v1/txn/P1/identify", {{"kind", "card"}, {"value", known_card}});
    json hold = agent.ask("POST", "/v1/txn/P1/redeem", {{"points", 40}});
    CHECK(hold["amount"] == 1000);
    CHECK(hold["tender"] == "loyalty_points");
    agent.ask("DELETE", "/v1/txn/P1/holds/" + hold["hold"].get<std::string>());
    agent.refuse("DELETE", "/v1/txn/P1/holds/" + hold["hold"].get<std::string>(), nullptr, 404,
                 "hold.unknown");
    hold = agent.ask("POST", "/v1/txn/P1/redeem", {{"points", 40}});
    json sale = good_sale("P1");
    sale["hold"] = hold["hold"];
    sale["tenders"] = {{{"kind", "loyalty_points"}, {"amount", 1000}}, {{"kind", "upi"}, {"amount", 9400}}};
    const json receipt = agent.ask("POST", "/v1/txn/P1/complete", sale);
    CHECK(receipt["points_redeemed"] == 40);
    CHECK(receipt["points_balance"] == 120 - 40 + receipt["points_earned"].get<int>());
    agent.refuse("POST", "/v1/txn/P2/redeem", {{"points", 40}}, 404, "txn.unknown");
}

TEST_CASE("a post-void undoes a whole sale once") {
    const RunningAgent agent;
    agent.ask("POST", "/v1/complete", good_sale("V1"));
    const json receipt = agent.ask("POST", "/v1/txn/V1/void", {{"number", "V2"}});
    CHECK(receipt["kind"] == "post_void");
    agent.refuse("POST", "/v1/txn/V1/void", {{"number", "V3"}}, 409, "void.already");
    agent.refuse("POST", "/v1/txn/nothing/void", {{"number", "V4"}}, 404, "void.unknown");
}

TEST_CASE("a customer who joins is an event and shop people are found by name") {
    const RunningAgent agent;
    const json joined =
        agent.ask("POST", "/v1/customers",
                  {{"name", "Ravi Kulkarni"}, {"phone", "9820012345"}, {"marketing", "refused"}});
    CHECK(joined["id"].get<std::string>().size() == 32);
    CHECK(agent.ask("GET", "/v1/status")["captured"] == 1);
    agent.refuse("POST", "/v1/customers", {{"name", "X"}, {"phone", "9820012345"}, {"marketing", "maybe"}},
                 422, "join.marketing");
    const json found = agent.ask("GET", "/v1/customers?q=" + http::percent_encode("কমলা"))["customers"];
    REQUIRE(found.size() == 1);
    CHECK(found[0]["profile"] == 17);
    agent.refuse("GET", "/v1/customers", nullptr, 422, "search.query");
}

TEST_CASE("the same Idempotency-Key gives the same answer and another body is a conflict") {
    const RunningAgent agent;
    agent.ask("PUT", "/v1/txn/I1");
    const http::Headers key{{"Idempotency-Key", "k-1"}};
    const std::string tender = R"({"kind":"cash","amount":5000})";
    const auto first = agent.text("POST", "/v1/txn/I1/tenders", tender, key);
    CHECK(first.status == 200);
    CHECK(agent.text("POST", "/v1/txn/I1/tenders", tender, key).body == first.body);
    CHECK(agent.ask("GET", "/v1/txn/I1")["tenders"].size() == 1);
    const auto other = agent.text("POST", "/v1/txn/I1/tenders", R"({"kind":"cash","amount":1})", key);
    CHECK(other.status == 409);
    CHECK(json::parse(other.body)["code"] == "idempotency.conflict");
}

TEST_CASE("over TCP a token, a loopback Host and a listed Origin are needed") {
    const RunningAgent agent;
    const auto status_with = [&](http::Headers headers) {
        http::Call call = get("/v1/status");
        call.headers = std::move(headers);
        return agent.send(agent.tcp(), call).status;
    };
    const std::string bearer = "Bearer " + agent.token;
    CHECK(status_with({{"Authorization", bearer}}) == 200);
    CHECK(status_with({{"Authorization", "Bearer 0123"}}) == 401);
    CHECK(status_with({{"Authorization", bearer}, {"Origin", "https://pos.example"}}) == 200);
    CHECK(status_with({{"Authorization", bearer}, {"Origin", "https://pos.example.evil"}}) == 403);
    CHECK(status_with({{"Authorization", bearer}, {"Host", "shop.example"}}) == 403);
    CHECK(agent.send(agent.socket(), get("/v1/status")).status == 200);
    http::Call hello = get("/v1/hello");
    hello.headers = {{"Authorization", "none"}};
    const json document = json::parse(agent.send(agent.tcp(), hello).body);
    CHECK(document["abi"] == 1);
    CHECK(document["store"] == "KOL01");
}

TEST_CASE("a pairing code works once and dies after five wrong tries") {
    const RunningAgent agent;
    http::Call ask_code = get("/v1/pairing-codes");
    ask_code.method = "POST";
    CHECK(agent.send(agent.tcp(), ask_code).status == 403);
    const auto pair = [&](const std::string& code) {
        http::Call call = get("/v1/pair");
        call.method = "POST";
        call.body = json{{"code", code}}.dump();
        return json::parse(agent.send(agent.tcp(), call).body);
    };
    const std::string code = json::parse(agent.send(agent.socket(), ask_code).body)["code"];
    CHECK(pair(code)["token"].get<std::string>().size() == 64);
    CHECK(pair(code)["code"] == "pair.no_code");
    const std::string other = json::parse(agent.send(agent.socket(), ask_code).body)["code"];
    const std::string wrong = other == "000000" ? "111111" : "000000";
    for (int i = 0; i < 4; ++i) CHECK(pair(wrong)["code"] == "pair.code");
    CHECK(pair(wrong)["code"] == "pair.code_dead");
    CHECK(pair(other)["code"] == "pair.no_code");
}

TEST_CASE("a pairing token outlives the agent and is stored as a hash only") {
    RunningAgent agent;
    agent.stop();
    const auto kept = read_small_file(agent.settings.path("pairings"), 10'000);
    REQUIRE(kept);
    CHECK_THAT(*kept, !Catch::Contains(agent.token));
    agent.start();
    CHECK(agent.ask("GET", "/v1/status")["captured"] == 0);
}

TEST_CASE("events come in order and a reader resumes where it stood") {
    const RunningAgent agent;
    auto events = http::EventReader::open(agent.tcp(), get("/v1/events?token=" + agent.token));
    REQUIRE(events);
    CHECK(next_name(*events) == "hello");
    agent.ask("PUT", "/v1/txn/E1");
    agent.ask("POST", "/v1/txn/E1/identify", {{"kind", "card"}, {"value", known_card}});
    json data;
    std::string seen;
    CHECK(next_name(*events, &data, &seen) == "customer");
    CHECK(data["txn"] == "E1");
    CHECK(data["name"] == "কমলা দাস");
    agent.ask("PUT", "/v1/txn/E1/basket", {{"lines", good_sale("E1")["lines"]}, {"total", 10400}});
    agent.ask("POST", "/v1/txn/E1/suspend");
    CHECK(next_name(*events, &data) == "basket");
    CHECK(data["total"] == 10400);
    CHECK(next_name(*events) == "offers_changed");
    CHECK(next_name(*events) == "suspended");

    auto resumed =
        http::EventReader::open(agent.tcp(), get("/v1/events?after=" + seen + "&token=" + agent.token));
    REQUIRE(resumed);
    CHECK(next_name(*resumed, &data) == "hello");
    CHECK(std::to_string(data["after"].get<std::uint64_t>()) == seen);
    CHECK(next_name(*resumed) == "basket");
    CHECK(next_name(*resumed) == "offers_changed");
    CHECK(next_name(*resumed) == "suspended");

    auto stranger = http::EventReader::open(agent.tcp(), get("/v1/events?after=7&token=" + agent.token));
    REQUIRE(stranger);
    CHECK(next_name(*stranger) == "hello");
    CHECK(next_name(*stranger) == "reset");
    agent.ask("POST", "/v1/complete", good_sale("E2"));
    CHECK(next_name(*stranger) == "completed");
}

TEST_CASE("training earns nothing and unknown fields are ignored") {
    const RunningAgent agent;
    json sale = good_sale("T1");
    sale["training"] = true;
    sale["customer"] = {{"kind", "card"}, {"value", known_card}};
    sale["from_the_future"] = {{"x", 1}};
    const json receipt = agent.ask("POST", "/v1/complete", sale);
    CHECK(receipt["training"] == true);
    CHECK(receipt["points_earned"] == 0);
    CHECK(agent.ask("POST", "/v1/complete", [] {
        json real = good_sale("T2");
        real["customer"] = {{"kind", "card"}, {"value", known_card}};
        return real;
    }())["points_earned"] == 1);
}

TEST_CASE("the pages need no token, load nothing from elsewhere and show what happens") {
    const RunningAgent agent;
    for (const char* path : {"/", "/display", "/till.css", "/till.js"}) {
        http::Call call = get(path);
        call.headers = {{"Authorization", "none"}};
        const auto response = agent.send(agent.tcp(), call);
        INFO(path);
        CHECK(response.status == 200);
        CHECK_THAT(std::string(response.headers.find("Content-Security-Policy")),
                   Catch::StartsWith("default-src 'none'"));
        CHECK_THAT(response.body, !Catch::Contains("//cdn") && !Catch::Contains("https://"));
    }
    agent.ask("PUT", "/v1/txn/W1");
    agent.ask("POST", "/v1/txn/W1/identify", {{"kind", "card"}, {"value", known_card}});
    json panel = agent.ask("GET", "/v1/panel");
    CHECK(panel["customer"]["name"] == "কমলা দাস");
    agent.ask("POST", "/v1/txn/W1/complete", good_sale("W1"));
    panel = agent.ask("GET", "/v1/panel");
    CHECK(panel["customer"].is_null());
    REQUIRE(panel["receipts"].size() == 1);
    CHECK(panel["receipts"][0]["number"] == "W1");
}

TEST_CASE("only a client on the machine may choose an event's identity") {
    const RunningAgent agent;
    const std::string id = "0123456789abcdef0123456789abcdef";
    json sale = good_sale("X1");
    sale["event_id"] = id;
    CHECK(agent.ask("POST", "/v1/complete", sale)["event"] != id);
    sale["number"] = "X2";
    http::Call call = get("/v1/complete");
    call.method = "POST";
    call.body = sale.dump();
    CHECK(json::parse(agent.send(agent.socket(), call).body)["event"] == id);
}
