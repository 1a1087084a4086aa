#include <chrono>
#include <csignal>

#include <poll.h>

#include "fake_agent.hpp"
#include "pos_fixture.hpp"

using namespace mudi::test;

namespace {

/// Answers `/v1/hello` as an agent does and the rest as told.
FakeAgent::Answer greeting(FakeAgent::Answer rest) {
    return [rest = std::move(rest)](const std::string& request) {
        return asks(request, " /v1/hello ") ? hello : rest(request);
    };
}

std::string garbage(int which) {
    switch (which) {
    case 0: return "SSH-2.0-OpenSSH_9.2\r\n";
    case 1: return std::string(5000, '\0');
    case 2: return http_answer(200, "[1,2,3]");
    case 3: return http_answer(200, "{\"found\":\"yes\"");
    case 4:
        return http_answer(200,
                           R"({"found":true,"name":17,"points":"many","offers":{"a":1},"profile":1e300})")
            .substr(0, 90);
    case 5: return http_answer(200, std::string(100, '['));
    case 6: return "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{}";
    case 7: return http_answer(500, "<html>oops</html>", "text/html");
    case 8: return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n";
    default: return http_answer(200, "\xff\xfe{}");
    }
}

} // namespace

TEST_CASE("garbage from the agent's socket is a fault and nothing worse", "[pos]") {
    const int which = GENERATE(range(0, 10));
    const bool greets = GENERATE(false, true);
    INFO("garbage " << which << (greets ? " after hello" : ""));
    PosFixture till;
    const auto answer = [which](const std::string&) { return garbage(which); };
    FakeAgent agent(till.socket, greets ? greeting(answer) : FakeAgent::Answer(answer));
    mudi_txn* txn = till.begin("1");
    auto customer = sized<mudi_customer>();
    CHECK(mudi_identify(txn, MUDI_ID_CARD, "2900000000018", &customer, 0) == MUDI_E_AGENT);
    CHECK_FALSE(code().empty());
    std::size_t n = 0;
    CHECK(mudi_offers(txn, nullptr, &n, 0) == MUDI_E_AGENT);
    ring_up(txn);
    mudi_receipt receipt;
    CHECK(complete(txn, receipt) == MUDI_PENDING);
    CHECK(till.spooled().size() == 1);
    CHECK(mudi_post_void(till.pos, "1") == MUDI_E_AGENT);
}

TEST_CASE("wrong types in an answer read as nothing", "[pos]") {
    PosFixture till;
    FakeAgent agent(till.socket, greeting([](const std::string&) {
                        return http_answer(
                            200, R"({"found":true,"name":17,"points":"many","offers":{"a":1},"tier":null})");
                    }));
    mudi_txn* txn = till.begin("1");
    auto customer = sized<mudi_customer>();
    CHECK(mudi_identify(txn, MUDI_ID_CARD, "2900000000018", &customer, 0) == MUDI_OK);
    CHECK(customer.found == 1);
    CHECK(customer.points == 0);
    CHECK(customer.offers == 0);
    CHECK(std::string(customer.name).empty());
}

TEST_CASE("a name longer than its array is cut between characters", "[pos]") {
    PosFixture till;
    std::string name;
    for (int i = 0; i < 100; ++i) name += "ক";
    FakeAgent agent(till.socket, greeting([&](const std::string&) {
                        return http_answer(200, R"({"found":true,"stale":true,"name":")" + name + "\"}");
                    }));
    mudi_txn* txn = till.begin("1");
    auto customer = sized<mudi_customer>();
    CHECK(mudi_identify(txn, MUDI_ID_CARD, "2900000000018", &customer, 0) == MUDI_STALE);
    CHECK(std::string(customer.name) == name.substr(0, 126)); // 42 characters of three bytes in 128
}

TEST_CASE("an agent that does not answer costs the time-out and no more", "[pos]") {
    PosFixture till;
    FakeAgent agent(till.socket, [](const std::string&) { return std::string(); });
    using Clock = std::chrono::steady_clock;
    constexpr std::chrono::milliseconds slack{1500}; // a busy machine

    auto start = Clock::now();
    mudi_txn* txn = till.begin("1");
    CHECK(code() == "http.timeout");
    CHECK(mudi_identify(txn, MUDI_ID_CARD, "2900000000018", nullptr, 50) == MUDI_E_TIMEOUT);
    CHECK(Clock::now() - start < std::chrono::milliseconds{MUDI_TIMEOUT_DEFAULT_MS + 50} + slack);
    start = Clock::now();
    CHECK(mudi_identify(txn, MUDI_ID_CARD, "2900000000018", nullptr, 1'000'000) == MUDI_E_TIMEOUT);
    CHECK(Clock::now() - start < std::chrono::milliseconds{MUDI_TIMEOUT_MAX_MS} + slack);
    ring_up(txn);
    start = Clock::now();
    mudi_receipt receipt;
    CHECK(complete(txn, receipt) == MUDI_PENDING);
    CHECK(Clock::now() - start < std::chrono::milliseconds{MUDI_TIMEOUT_MAX_MS} + slack);
    CHECK(till.spooled().size() == 1);
}

TEST_CASE("a connection that breaks in the middle raises no signal", "[pos]") {
    REQUIRE(std::signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    PosFixture till;
    FakeAgent agent(till.socket, [](const std::string&) { return std::string("HTTP/1.1 200 OK\r\n"); });
    for (int i = 0; i < 50; ++i) {
        char* out = nullptr;
        const std::string body(200'000, ' ');
        CHECK(mudi_call(till.pos, "POST /v1/complete", body.c_str(), &out) == MUDI_E_AGENT);
        CHECK(out == nullptr);
    }
}

TEST_CASE("an agent too new for this library is said so, and sales still go to its spool", "[pos]") {
    PosFixture till;
    FakeAgent agent(till.socket,
                    [](const std::string&) { return http_answer(200, R"({"abi":3,"api":3,"min_api":2})"); });
    mudi_txn* txn = till.begin("1");
    CHECK(mudi_identify(txn, MUDI_ID_CARD, "2900000000018", nullptr, 0) == MUDI_E_VERSION);
    CHECK(code() == "agent.version");
    ring_up(txn);
    mudi_receipt receipt;
    CHECK(complete(txn, receipt) == MUDI_PENDING);
}

TEST_CASE("an agent that cannot save now is no refusal: the sale goes to the spool", "[pos]") {
    const auto [status, name] = GENERATE(
        table<int, std::string>({{500, "db.full"}, {503, "db.busy"}, {429, "x.busy"}, {403, "x.denied"}}));
    PosFixture till;
    FakeAgent agent(till.socket, greeting([status = status, name = name](const std::string&) {
                        return problem_answer(status, name);
                    }));
    mudi_txn* txn = till.begin("1");
    ring_up(txn);
    mudi_receipt receipt;
    CHECK(complete(txn, receipt) == MUDI_PENDING);
    CHECK(code() == name);
    CHECK(till.spooled().size() == 1);
}

TEST_CASE("a refused sale gives the stable code and the cashier's text, and nothing is spooled", "[pos]") {
    PosFixture till;
    FakeAgent agent(till.socket, greeting([](const std::string& request) {
                        return asks(request, " /v1/complete ") ? problem_answer(409, "sale.conflict")
                                                               : http_answer(200, "{}");
                    }));
    mudi_txn* txn = till.begin("1");
    ring_up(txn);
    mudi_receipt receipt;
    CHECK(complete(txn, receipt) == MUDI_E_ARG);
    CHECK(code() == "sale.conflict");
    CHECK(std::string(mudi_last_error(till.pos)) == "for the cashier");
    CHECK(till.spooled().empty());
}

TEST_CASE("a customer scanned while the agent was away does not keep the sale from being saved", "[pos]") {
    PosFixture till;
    mudi_txn* txn = till.begin("1");
    CHECK(mudi_identify(txn, MUDI_ID_CARD, "4111111111111111", nullptr, 0) == MUDI_E_AGENT);
    ring_up(txn);
    FakeAgent agent(till.socket, greeting([](const std::string& request) {
                        if (asks(request, "\"customer\"")) return problem_answer(422, "card.bank_card");
                        return http_answer(
                            200, R"({"saved":true,"event":"0123456789abcdef0123456789abcdef","total":5200})");
                    }));
    mudi_receipt receipt;
    CHECK(complete(txn, receipt) == MUDI_OK);
    CHECK(receipt.saved == 1);
    CHECK(till.spooled().empty());
}

TEST_CASE("an agent that forgot the transaction is told everything again before the next question", "[pos]") {
    PosFixture till;
    std::atomic<bool> restarted = false;
    FakeAgent agent(till.socket, greeting([&](const std::string& request) {
                        if (asks(request, "PUT /v1/txn/1 ")) {
                            restarted = false;
                            return http_answer(200, R"({"open":true})");
                        }
                        if (restarted) return problem_answer(404, "txn.unknown");
                        if (asks(request, "/offers?")) return http_answer(200, R"({"offers":[]})");
                        return http_answer(200, R"({"found":true,"profile":17,"offers":[]})");
                    }));
    mudi_txn* txn = till.begin("1");
    REQUIRE(mudi_identify(txn, MUDI_ID_CARD, "2900000000018", nullptr, 0) == MUDI_OK);
    ring_up(txn);
    const std::size_t before = agent.requests().size();
    restarted = true;
    std::size_t n = 0;
    CHECK(mudi_offers(txn, nullptr, &n, 2000) == MUDI_OK);
    std::vector<std::string> lines;
    for (const std::string& request : agent.requests()) lines.push_back(request.substr(0, request.find('?')));
    lines.erase(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(before));
    REQUIRE(lines.size() == 6);
    CHECK(lines[0] == "GET /v1/txn/1/offers");
    CHECK_THAT(lines[1], Catch::StartsWith("PUT /v1/txn/1 "));
    CHECK(lines[2] == "POST /v1/txn/1/identify");
    CHECK(lines[3] == "PUT /v1/txn/1/basket");
    CHECK(lines[4] == "POST /v1/txn/1/tenders");
    CHECK(lines[5] == "GET /v1/txn/1/offers");
}

TEST_CASE("offers, effects and holds come out as structs and go into the sale", "[pos]") {
    const std::string offer(32, 'a');
    const std::string hold(32, 'b');
    PosFixture till;
    FakeAgent agent(
        till.socket, greeting([&](const std::string& request) {
            if (asks(request, "/apply?"))
                return http_answer(200, R"({"effects":[{"line":2,"amount":500,"promotion":"চা","offer":")" +
                                            offer + "\"}]}");
            if (asks(request, "/redeem?"))
                return http_answer(200, R"({"hold":")" + hold +
                                            R"(","points":40,"amount":1000,"expires_us":17,"stale":true})");
            if (asks(request, " /v1/complete ")) return problem_answer(500, "db.full");
            return http_answer(200, R"({"found":true,"profile":17,"offers":[{"offer":")" + offer +
                                        R"(","kind":"usual_item","percent":1000,"applicable":true,
                                            "effects":[{"amount":300},{"amount":200}]},
                                    {"offer":"x","applicable":false,"why_not":"basket_min"}]})");
        }));
    mudi_txn* txn = till.begin("1");
    auto customer = sized<mudi_customer>();
    REQUIRE(mudi_identify(txn, MUDI_ID_CARD, "2900000000018", &customer, 0) == MUDI_OK);
    CHECK(customer.offers == 2);
    const mudi_line lines[2] = {tea("milk"), tea("tea")};
    REQUIRE(mudi_basket_set(txn, lines, 2, 10400) == MUDI_OK);

    mudi_offer offers[1] = {sized<mudi_offer>()};
    std::size_t n = 1;
    REQUIRE(mudi_offers(txn, offers, &n, 0) == MUDI_OK);
    CHECK(n == 2); // one did not fit
    CHECK(std::string(offers[0].offer) == offer);
    CHECK(offers[0].saves == 500);
    CHECK(offers[0].percent == 1000);
    CHECK(offers[0].applicable == 1);

    mudi_effect effects[2] = {sized<mudi_effect>(), sized<mudi_effect>()};
    n = 2;
    REQUIRE(mudi_offer_apply(txn, offer.c_str(), effects, &n) == MUDI_OK);
    REQUIRE(n == 1);
    CHECK(effects[0].kind == MUDI_EFFECT_DISCOUNT);
    CHECK(effects[0].line == 2);
    CHECK(std::string(effects[0].line_id) == "tea");
    CHECK(effects[0].amount == 500);
    CHECK(std::string(effects[0].name) == "চা");
    n = 2;
    REQUIRE(mudi_redeem(txn, 40, effects, &n) == MUDI_STALE);
    REQUIRE(n == 1);
    CHECK(effects[0].kind == MUDI_EFFECT_TENDER);
    CHECK(effects[0].tender == MUDI_TENDER_LOYALTY_POINTS);
    CHECK(effects[0].amount == 1000);
    CHECK(std::string(effects[0].hold) == hold);

    mudi_receipt receipt;
    REQUIRE(complete(txn, receipt, 10400) == MUDI_PENDING);
    const auto sale = till.spooled_document(0);
    CHECK(sale["offers"] == nlohmann::json{offer});
    CHECK(sale["hold"] == hold);
}

TEST_CASE("another customer takes the first one's offers and points out of the sale", "[pos]") {
    const std::string offer(32, 'a');
    PosFixture till;
    FakeAgent agent(till.socket, greeting([&](const std::string& request) {
                        if (asks(request, "/apply?")) return http_answer(200, R"({"effects":[]})");
                        if (asks(request, " /v1/complete ")) return problem_answer(500, "db.full");
                        if (asks(request, "2900000000025")) return problem_answer(404, "customer.unknown");
                        return http_answer(200, R"({"found":true,"profile":17})");
                    }));
    mudi_txn* txn = till.begin("1");
    REQUIRE(mudi_identify(txn, MUDI_ID_CARD, "2900000000018", nullptr, 0) == MUDI_OK);
    std::size_t n = 0;
    REQUIRE(mudi_offer_apply(txn, offer.c_str(), nullptr, &n) == MUDI_OK);
    REQUIRE(mudi_identify(txn, MUDI_ID_CARD, "2900000000025", nullptr, 0) == MUDI_NOT_FOUND);
    mudi_receipt receipt;
    REQUIRE(complete(txn, receipt, 0) == MUDI_PENDING);
    const auto sale = till.spooled_document(0);
    CHECK(sale["offers"].empty());
    CHECK(sale["customer"]["value"] == "2900000000025");
}

TEST_CASE("a stream of events that is garbage, endless or silent never holds up mudi_dispatch", "[pos]") {
    const int which = GENERATE(range(0, 11));
    PosFixture till;
    FakeAgent agent(till.socket,
                    [which](const std::string&) { return which < 10 ? garbage(which) : std::string(); });
    std::vector<int> types;
    mudi_on(
        till.pos,
        [](const mudi_event* event, void* user) {
            static_cast<std::vector<int>*>(user)->push_back(event->type);
        },
        &types);
    pollfd ready{mudi_fd(till.pos), POLLIN, 0};
    for (int i = 0; i < 3 && ::poll(&ready, 1, 100) > 0; ++i) {
        const auto start = std::chrono::steady_clock::now();
        CHECK(mudi_dispatch(till.pos) == MUDI_OK);
        CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds{1});
    }
    for (const int type : types) CHECK((type == MUDI_EVENT_AGENT_DOWN || type == MUDI_EVENT_AGENT_UP));
}
