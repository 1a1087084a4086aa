#include <deque>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include <mudi/base/clock.hpp>
#include <mudi/http/json.hpp>
#include <mudi/till/api.hpp>

#include "../rights_fixture.hpp"

using namespace mudi;
using namespace mudi::till;
using namespace mudi::till::fixture;
using nlohmann::json;

namespace {

struct SetClock final : Clock {
    [[nodiscard]] Time wall() const override { return morning + passed; }
    [[nodiscard]] MonoTime mono() const override { return MonoTime{passed}; }
    Duration passed{};
};

tl::unexpected<Error> down(const char* name) { return fail(Code::unavailable, name, "away"); }

/// Somebody who is asked, and answers when the test says so.
struct Asked {
    void operator()(const sync::Reserve& question, PointsLine::OnAnswer on_answer) {
        questions.push_back(question);
        if (at_once) return on_answer(*at_once);
        waiting.push_back(std::move(on_answer));
    }
    void answer(const Result<sync::ReserveAnswer>& what) {
        REQUIRE_FALSE(waiting.empty());
        const auto next = std::move(waiting.front());
        waiting.pop_front();
        next(what);
    }
    std::vector<sync::Reserve> questions;
    std::deque<PointsLine::OnAnswer> waiting;
    std::optional<Result<sync::ReserveAnswer>> at_once;
};

/// The calls over a real desk and store; server, lead and time are the test's.
struct Counter {
    explicit Counter(TillId lead_till = TillId{3}) : till(":memory:", lead_till) {
        ApiParts parts{*till.desk,
                       till.store->replica(),
                       clock,
                       till.random,
                       [this](EventSeq last) { handed_over = last; },
                       [this] {
                           return LinkFacts{linked, {}, {}};
                       },
                       {}};
        parts.points.server = [this](const auto& question, auto on_answer) {
            server(question, std::move(on_answer));
        };
        parts.points.lead = [this](const auto& question, auto on_answer) {
            lead(question, std::move(on_answer));
        };
        parts.points.later = [this](Duration wait, std::function<void()> work) {
            later.emplace_back(wait, std::move(work));
        };
        auto opened = Api::open({folder.file("pairings"), {}, "en"}, std::move(parts));
        REQUIRE(opened);
        api = *std::move(opened);
    }
    void call(const std::string& target, const std::string& body, http::Responder responder,
              const std::string& key = {}) const {
        http::Request request;
        request.method = "POST";
        REQUIRE(http::set_target(request, target));
        request.body = body;
        request.headers.add("Accept-Language", "bn");
        if (!key.empty()) request.headers.add("Idempotency-Key", key);
        api->handler()(std::move(request), std::move(responder));
    }
    void redeem(const std::string& number, std::int64_t points, const std::string& key = {}) {
        answer.reset();
        call("/v1/txn/" + number + "/redeem", json{{"points", points}}.dump(),
             http::Responder::to([this](http::Response response) { answer = std::move(response); }), key);
    }
    /// The time comes for what was put off.
    void wait() {
        REQUIRE_FALSE(later.empty());
        const auto [wait, work] = std::move(later.front());
        later.pop_front();
        clock.passed += wait;
        work();
    }
    [[nodiscard]] json document() const {
        REQUIRE(answer);
        return json::parse(answer->body);
    }
    [[nodiscard]] std::string code() const { return document().value("code", "none"); }
    [[nodiscard]] const Hold& hold(const std::string& number) const {
        return *(*till.desk->find(named(number), clock.wall()))->hold;
    }

    test::TempDir folder;
    SetClock clock;
    Holding till;
    Asked server;
    Asked lead;
    std::deque<std::pair<Duration, std::function<void()>>> later;
    bool linked{true};
    EventSeq handed_over;
    std::optional<http::Response> answer;
    std::unique_ptr<Api> api;
};

} // namespace

TEST_CASE("redeeming waits for the server's word, and nobody else waits with it") {
    Counter counter;
    counter.till.grant(0);
    counter.till.serve("1");
    counter.till.serve("2");
    counter.redeem("1", 800);
    CHECK_FALSE(counter.answer);
    REQUIRE(counter.server.questions.size() == 1);
    CHECK(counter.server.questions[0].points == Points{800});
    CHECK(counter.server.questions[0].till == TillId{3});
    const auto basket = counter.till.desk->set_basket(named("2"), {tea(1)}, {}, morning);
    CHECK(basket);
    counter.redeem("1", 20);
    CHECK(counter.code() == "redeem.held");
    counter.answer.reset();
    counter.server.answer(sync::ReserveAnswer{true, {}, {}, {}});
    CHECK(counter.answer->status == 200);
    CHECK(counter.document()["points"] == 800);
    CHECK(counter.hold("1").asked == AskedOf::server);
    CHECK(counter.document()["hold"] == to_hex(counter.server.questions[0].hold.value));
}

TEST_CASE("while points are called back the server is asked again, for the same hold") {
    Counter counter;
    counter.till.grant(0);
    counter.till.serve("1");
    counter.redeem("1", 800);
    const sync::ReserveAnswer wait{false, {}, {300}, Duration{100}};
    SECTION("until it grants") {
        counter.server.answer(wait);
        CHECK(counter.later.front().first == Duration{100});
        counter.wait();
        REQUIRE(counter.server.questions.size() == 2);
        CHECK(counter.server.questions[0] == counter.server.questions[1]);
        counter.server.answer(sync::ReserveAnswer{true, {}, {}, {}});
        CHECK(counter.answer->status == 200);
    }
    SECTION("but not for ever") {
        while (!counter.answer) {
            counter.server.answer(wait);
            if (!counter.later.empty()) counter.wait();
        }
        CHECK(counter.clock.passed == Duration{700});
        CHECK(counter.answer->status == 503);
        CHECK(counter.code() == "redeem.called_back");
        CHECK(counter.document()["available"] == 300);
        CHECK(counter.document()["text"].get<std::string>().find("পয়েন্ট") != std::string::npos);
    }
    SECTION("nor once the customer has gone") {
        counter.server.answer(wait);
        REQUIRE(counter.till.desk->cancel(named("1"), morning));
        counter.wait();
        counter.server.answer(sync::ReserveAnswer{true, {}, {}, {}});
        CHECK(counter.code() == "txn.unknown");
        CHECK(counter.till.returned().size() == 1);
    }
}

TEST_CASE("what the server refuses is refused, with what could be had") {
    Counter counter;
    counter.till.grant(1000);
    counter.till.serve("1");
    counter.redeem("1", 800);
    SECTION("too few") {
        counter.server.answer(sync::ReserveAnswer{false, {}, {120}, {}});
        CHECK(counter.code() == "redeem.balance");
        CHECK(counter.document()["available"] == 120);
    }
    SECTION("nobody") {
        counter.server.answer(fail(Code::denied, "customer.unknown", "no such customer"));
        CHECK(counter.code() == "customer.unknown");
    }
    CHECK(counter.till.returned().empty());
    CHECK(counter.till.held() == 1000);
}

TEST_CASE("the lead goes by its own right when the server does not answer") {
    Counter counter;
    counter.till.grant(100);
    counter.till.serve("1");
    SECTION("not asked") { counter.linked = false; }
    SECTION("link lost") { counter.server.at_once = down("server.unreachable"); }
    SECTION("settling") { counter.server.at_once = fail(Code::denied, "points.settling", "after a restore"); }
    counter.redeem("1", 60);
    CHECK(counter.till.returned().empty());
    CHECK(counter.answer->status == 200);
    CHECK(counter.hold("1").lender == counter.till.holder());
    counter.till.serve("2");
    counter.redeem("2", 41);
    CHECK(counter.code() == "redeem.offline");
    CHECK(counter.document()["available"] == 40);
    CHECK(counter.lead.questions.empty());
}

TEST_CASE("when it was asked and did not answer, what it may have set aside is given back at once") {
    Counter counter;
    counter.till.grant(100);
    counter.till.serve("1");
    counter.redeem("1", 60);
    counter.server.answer(down("server.unreachable"));
    CHECK(counter.answer->status == 200);
    REQUIRE(counter.till.returned().size() == 1);
    CHECK(counter.till.returned()[0].hold == counter.server.questions[0].hold);
    CHECK(counter.hold("1").id != counter.server.questions[0].hold);
    CHECK(counter.handed_over == EventSeq{1});
}

TEST_CASE("a neighbour asks the lead, and then goes by itself") {
    Counter counter(TillId{9});
    counter.linked = false;
    counter.till.grant(30);
    counter.till.serve("1");
    counter.redeem("1", 60);
    REQUIRE(counter.lead.questions.size() == 1);
    SECTION("it lends") {
        counter.lead.answer(sync::ReserveAnswer{true, RightsHolder{77}, {}, {}});
        CHECK(counter.answer->status == 200);
        CHECK(counter.hold("1").lender == RightsHolder{77});
        CHECK(counter.hold("1").asked == AskedOf::lead);
        return;
    }
    SECTION("it has fewer") {
        counter.lead.answer(sync::ReserveAnswer{false, {}, {50}, {}});
        CHECK(counter.document()["available"] == 50);
        CHECK(counter.till.desk->unsettled().empty());
    }
    SECTION("it refuses") {
        counter.lead.answer(fail(Code::denied, "till.not_lead", "no"));
        CHECK(counter.document()["available"] == 30);
        CHECK(counter.till.desk->unsettled().empty());
    }
    SECTION("it is not there") {
        counter.lead.answer(down("lead.unreachable"));
        CHECK(counter.till.desk->unsettled().empty());
    }
    SECTION("it does not answer") {
        counter.lead.answer(down("lead.silent"));
        CHECK(counter.till.desk->unsettled().size() == 1);
    }
    CHECK(counter.code() == "redeem.offline");
    counter.redeem("1", 30);
    counter.lead.answer(down("lead.unreachable"));
    CHECK(counter.hold("1").lender == counter.till.holder());
}

TEST_CASE("under the floor limit nobody but the server is asked") {
    Counter counter(TillId{9});
    crm::StoreSettings floor = escrow_settings(TillId{9});
    floor.offline_points = crm::OfflinePoints::floor_limit;
    counter.till.feed({row_of(floor, 50)});
    counter.till.grant(0);
    counter.till.serve("1");
    counter.linked = false;
    counter.redeem("1", 201);
    CHECK(counter.code() == "redeem.offline_cap");
    CHECK(counter.document()["available"] == 200);
    counter.redeem("1", 200);
    CHECK(counter.answer->status == 200);
    CHECK(counter.lead.questions.empty());
    REQUIRE(counter.till.desk->release(named("1"), counter.hold("1").id, morning));
    CHECK(counter.till.returned().empty());
}

TEST_CASE("the line is shared: another customer's question is waited for") {
    Counter counter;
    counter.till.grant(0);
    counter.till.serve("1");
    counter.server.at_once = fail(Code::busy, "server.asked", "another question");
    counter.redeem("1", 100);
    CHECK_FALSE(counter.answer);
    counter.server.at_once = sync::ReserveAnswer{true, {}, {}, {}};
    counter.wait();
    CHECK(counter.answer->status == 200);
}

TEST_CASE("a client that hangs up before the answer holds no points") {
    Counter counter;
    counter.till.grant(0);
    counter.till.serve("1");
    counter.call("/v1/txn/1/redeem", R"({"points":100})", http::Responder(std::weak_ptr<http::Exchange>{}));
    counter.server.answer(sync::ReserveAnswer{true, {}, {}, {}});
    CHECK(counter.till.returned().size() == 1);
    CHECK(counter.till.points_of(kamala_card) == Points{1000});
}

TEST_CASE("the answer to an idempotency key is kept, refusals are not") {
    Counter counter;
    counter.till.grant(0);
    counter.till.serve("1");
    counter.redeem("1", 100, "k");
    counter.server.answer(sync::ReserveAnswer{false, {}, {}, {}});
    CHECK(counter.code() == "redeem.balance");
    counter.redeem("1", 100, "k");
    counter.server.answer(sync::ReserveAnswer{true, {}, {}, {}});
    const json first = counter.document();
    counter.redeem("1", 100, "k");
    CHECK(counter.document() == first);
    CHECK(counter.server.questions.size() == 2);
    counter.redeem("1", 90, "k");
    CHECK(counter.code() == "idempotency.conflict");
}

TEST_CASE("a broken question for points is refused before anybody is asked") {
    Counter counter;
    counter.till.grant(0);
    counter.redeem("1", 100);
    CHECK(counter.code() == "txn.unknown");
    counter.till.serve("1");
    counter.redeem("1", 0);
    CHECK(counter.code() == "json.range");
    counter.redeem("1", 19);
    CHECK(counter.code() == "redeem.minimum");
    CHECK(counter.server.questions.empty());
}
