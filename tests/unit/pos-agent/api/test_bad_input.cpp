#include "running_agent.hpp"

using namespace mudi;
using namespace mudi::test;
using nlohmann::json;

namespace {

json with(const char* pointer, json value) {
    json sale = good_sale("bad-1");
    sale[json::json_pointer(pointer)] = std::move(value);
    return sale;
}

/// What must be the same before and after a refusal.
json counts(const RunningAgent& agent) {
    json status = agent.ask("GET", "/v1/status");
    return {status["captured"], status["unsent"], status["open_transactions"], status["profiles"]};
}

/// Refused by name, nothing stored, and the till sells on.
void refused(const RunningAgent& agent, const std::string& path, const std::string& body, int status,
             const std::string& code) {
    INFO(path << " " << body.substr(0, 300));
    const json before = counts(agent);
    const auto response = agent.text("POST", path, body);
    INFO(response.body);
    CHECK(response.status == status);
    const json problem = json::parse(response.body, nullptr, false);
    CHECK(problem.value("code", "") == code);
    CHECK(problem.value("type", "") == "urn:mudi:error:" + code);
    CHECK(counts(agent) == before);
    static int good = 0;
    const json receipt = agent.ask("POST", "/v1/complete", good_sale("good-" + std::to_string(++good)));
    CHECK(receipt["saved"] == true);
    CHECK(receipt["repeated"] == false);
}

void refused(const RunningAgent& agent, const json& sale, int status, const std::string& code) {
    refused(agent, "/v1/complete", sale.dump(), status, code);
}

} // namespace

TEST_CASE("amounts and quantities no sale can have are refused by name and nothing is stored") {
    const RunningAgent agent;
    refused(agent, with("/lines/0/quantity", 0), 422, "line.quantity");
    refused(agent, with("/lines/0/amount", -10400), 422, "line.amount_negative");
    refused(agent, with("/lines/0/amount", 2'000'000'000'000'000), 422, "money.overflow");
    refused(agent, with("/total", 9'223'372'036'854'775'807), 422, "money.overflow");
    refused(agent, with("/total", 18'446'744'073'709'551'615ULL), 422, "money.overflow");
    refused(agent, with("/lines/0/quantity", 18'446'744'073'709'551'615ULL), 400, "json.range");
    refused(agent, with("/lines/0/amount", 10400.5), 400, "json.type");
    refused(agent, with("/lines/0/amount", "10400"), 400, "json.type");
    refused(agent, with("/lines/0/amount", 9000), 422, "line.amount_mismatch");
}

TEST_CASE("totals that do not add up are refused by name and nothing is stored") {
    const RunningAgent agent;
    refused(agent, with("/total", 10401), 422, "sale.total_mismatch");
    refused(agent, with("/tenders/0/amount", 10000), 422, "sale.tender_mismatch");
    refused(agent, with("/tax_total", 500), 422, "sale.tax_mismatch");
}

TEST_CASE("words the till does not know are refused by name and nothing is stored") {
    const RunningAgent agent;
    refused(agent, with("/tenders/0/kind", "cowries"), 422, "tender.unknown");
    refused(agent, with("/currency", "USD"), 422, "sale.currency");
    refused(agent, with("/currency", "XQZ"), 422, "sale.currency");
    refused(agent, with("/kind", "gift"), 422, "sale.kind");
    refused(agent, with("/lines/0/type", "loan"), 422, "line.type");
    refused(agent, with("/business_day", "2026-02-30"), 400, "json.day");
    refused(agent, with("/customer", {{"kind", "face"}, {"value", "x"}}), 422, "identify.kind");
    refused(agent, with("/offers", {"not hex"}), 400, "json.id");
}

TEST_CASE("documents that are no documents are refused by name and nothing is stored") {
    const RunningAgent agent;
    const std::string good = good_sale("bad-1").dump();
    refused(agent, "/v1/complete", good.substr(0, good.size() / 2), 400, "json.syntax");
    refused(agent, "/v1/complete", "[]", 400, "json.type");
    refused(agent, "/v1/complete", "{}", 400, "json.missing");
    refused(agent, "/v1/complete",
            R"({"number":")"
            "\xff\xfe"
            R"("})",
            400, "json.utf8");
    refused(agent, "/v1/complete", R"({"number":"a","number":"b"})", 400, "json.duplicate_key");
    refused(agent, "/v1/complete", std::string(1000, '['), 400, "json.depth");
    refused(agent, "/v1/complete", R"({"number":")" + std::string(10 * 1024 * 1024, 'x') + R"("})", 413,
            "http.body_too_large");
    refused(agent, with("/number", std::string(65, '9')), 400, "json.text");
    refused(agent, with("/lines/0/description", "a\nb"), 400, "json.text");
}

TEST_CASE("identifiers that are none are refused by name and nothing is stored") {
    const RunningAgent agent;
    const auto customer = [](const char* kind, const char* value) {
        return with("/customer", {{"kind", kind}, {"value", value}});
    };
    refused(agent, customer("card", "2900000000019"), 422, "card.check_digit");
    refused(agent, customer("card", "4111 1111 1111 1111"), 422, "card.bank_card");
    refused(agent, customer("card", "upi://pay?pa=shop@bank&pn=Shop"), 422, "card.payment_code");
    refused(agent, customer("card", "8901030865275"), 422, "card.product_code");
    refused(agent, customer("phone", "12345"), 422, "phone.syntax");
    refused(agent, customer("qr", "MUDI1.2900000000018.0.AAAA"), 422, "qr.signature");
    refused(agent, with("/tenders/0/reference", "4111111111111111"), 422, "tender.reference");
}

TEST_CASE("a bank card is never repeated in an answer or an event") {
    const RunningAgent agent;
    auto events = http::EventReader::open(
        agent.tcp(), {"GET", "/v1/events?token=" + agent.token, "", "", {}, Duration{5000}, false});
    REQUIRE(events);
    agent.ask("PUT", "/v1/txn/A1");
    const auto response =
        agent.text("POST", "/v1/txn/A1/identify", R"({"kind":"card","value":"4111111111111111"})");
    CHECK(response.status == 422);
    CHECK_THAT(response.body, !Catch::Contains("4111"));
    agent.ask("POST", "/v1/txn/A1/cancel");
    for (std::string name; name != "cancelled";) {
        const auto event = events->next(Duration{5000});
        REQUIRE(event);
        REQUIRE(*event);
        name = (*event)->event;
        CHECK_THAT((*event)->data, !Catch::Contains("4111"));
    }
}

TEST_CASE("an unknown card is told as such and the sale may still carry it") {
    const RunningAgent agent;
    agent.ask("PUT", "/v1/txn/U1");
    agent.refuse("POST", "/v1/txn/U1/identify", {{"kind", "card"}, {"value", "MK-777"}}, 404,
                 "customer.unknown");
    json sale = good_sale("U1");
    const json receipt = agent.ask("POST", "/v1/txn/U1/complete", sale);
    CHECK(receipt["saved"] == true);
    CHECK(receipt["customer"].is_null());
    CHECK(receipt["points_balance"].is_null());
}

TEST_CASE("a return of more than was sold is refused and the right one is taken") {
    const RunningAgent agent;
    const json sold = agent.ask("POST", "/v1/complete", good_sale("R1"));
    json back = good_sale("R2");
    back["kind"] = "return";
    back["total"] = back["tenders"][0]["amount"] = -15600;
    json& line = back["lines"][0];
    line["type"] = "return";
    line["quantity"] = 3000;
    line["amount"] = 15600;
    line["original"] = {{"number", "R1"}, {"business_day", sold["business_day"]}, {"line", 1}};
    refused(agent, "/v1/returns", back.dump(), 422, "return.quantity");
    line["original"]["line"] = 2;
    refused(agent, "/v1/returns", back.dump(), 422, "return.line");
    line["original"]["line"] = 1;
    line["quantity"] = 1000;
    line["amount"] = 5200;
    back["total"] = back["tenders"][0]["amount"] = -5200;
    CHECK(agent.ask("POST", "/v1/returns", back)["total"] == -5200);
    agent.refuse("POST", "/v1/returns", good_sale("R3"), 422, "sale.kind");
}

TEST_CASE("a repeated number gives the same receipt, with another content a conflict") {
    const RunningAgent agent;
    json sale = good_sale("N1");
    const json first = agent.ask("POST", "/v1/complete", sale);
    const json again = agent.ask("POST", "/v1/complete", sale);
    CHECK(again["repeated"] == true);
    CHECK(again["event"] == first["event"]);
    sale["operator"] = "bina";
    sale["lines"][0]["item"] = "8901030865276";
    refused(agent, sale, 409, "sale.conflict");
}

TEST_CASE("a problem has a text for the cashier in the language asked for") {
    const RunningAgent agent;
    const std::string body = with("/customer", {{"kind", "card"}, {"value", "4111111111111111"}}).dump();
    const json english = json::parse(agent.text("POST", "/v1/complete", body).body);
    const json bengali = json::parse(
        agent.text("POST", "/v1/complete", body, {{"Accept-Language", "fr, bn-IN;q=0.8, en;q=0.1"}}).body);
    CHECK(english["detail"] == bengali["detail"]);
    CHECK(english["text"] != bengali["text"]);
    CHECK_FALSE(bengali["text"].get<std::string>().empty());
}
