#include <chrono>
#include <optional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <pos-agent/app/lead_client.hpp>
#include <pos-agent/app/lead_service.hpp>

#include "../api/running_agent.hpp"
#include "unit/sync/authority.hpp"

using namespace mudi;
using namespace mudi::test;
using namespace mudi::till;
using nlohmann::json;

namespace {

using boost::asio::io_context;

bool soon(io_context& io, const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (!done()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        io.restart();
        io.run_one_for(std::chrono::milliseconds{100});
    }
    return true;
}

sync::Reserve question(std::uint64_t hold) { return {TillId{4}, HoldId{{0, hold}}, ProfileId{17}, {20}}; }

/// A lead and a neighbour on one loop.
struct Wire {
    explicit Wire(LeadClient::Options options = {}) : client(io, options) {}
    ~Wire() {
        client.stop();
        service.reset();
        while (io.poll() > 0) {
        }
    }
    void serve(const std::string& url, const sync::TlsServer& tls = {}) {
        auto started = LeadService::start(io, url, tls, [this](const sync::Reserve& asked) {
            lent.push_back(asked);
            return answer;
        });
        INFO((started ? std::string("ok") : started.error().what));
        REQUIRE(started);
        service = *std::move(started);
    }
    /// "granted", "refused" or the error.
    [[nodiscard]] std::string ask(const LeadClient::Lead& lead, std::uint64_t hold = 1) {
        std::optional<Result<sync::ReserveAnswer>> got;
        client.ask(lead, question(hold),
                   [&](Result<sync::ReserveAnswer> given) { got.emplace(std::move(given)); });
        REQUIRE(soon(io, [&] { return got.has_value(); }));
        if (!*got) return got->error().name;
        return (*got)->granted ? "granted" : "refused";
    }

    io_context io{1};
    LeadClient client;
    std::unique_ptr<LeadService> service;
    std::vector<sync::Reserve> lent;
    Result<sync::ReserveAnswer> answer{sync::ReserveAnswer{true, RightsHolder{7}, {}, {}}};
};

} // namespace

TEST_CASE("a neighbour asks the lead and hangs up soon after") {
    LeadClient::Options options;
    options.hang_up_after = Duration{50};
    Wire wire(options);
    wire.serve("tcp://127.0.0.1:0");
    CHECK_FALSE(wire.client.dialled());
    CHECK(wire.ask({wire.service->url()}) == "granted");
    CHECK(wire.client.dialled());
    wire.answer = sync::ReserveAnswer{};
    CHECK(wire.ask({wire.service->url()}, 2) == "refused");
    wire.answer = fail(Code::denied, "till.not_lead", "no");
    CHECK(wire.ask({wire.service->url()}, 3) == "till.not_lead");
    REQUIRE(wire.lent.size() == 3);
    CHECK(wire.lent[1] == question(2));
    CHECK(soon(wire.io, [&] { return !wire.client.dialled(); }));
    wire.answer = sync::ReserveAnswer{true, RightsHolder{7}, {}, {}};
    CHECK(wire.ask({wire.service->url()}, 4) == "granted");
}

TEST_CASE("customers at one till ask the lead one after the other") {
    Wire wire;
    wire.serve("tcp://127.0.0.1:0");
    std::size_t granted = 0;
    std::size_t refused = 0;
    for (std::uint64_t i = 0; i < LeadClient::waiting_max + 2; ++i) {
        wire.client.ask({wire.service->url()}, question(i), [&](const Result<sync::ReserveAnswer>& given) {
            ++(given && given->granted ? granted : refused);
        });
    }
    CHECK(refused == 2);
    CHECK(soon(wire.io, [&] { return granted == LeadClient::waiting_max; }));
}

TEST_CASE("who does not reach the lead knows that it was not asked") {
    Wire wire({Duration{200}});
    wire.serve("tcp://127.0.0.1:0");
    const std::string url = wire.service->url();
    wire.service.reset();
    const auto begun = std::chrono::steady_clock::now();
    CHECK(wire.ask({url}) == "lead.unreachable");
    CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds{10});
    CHECK(wire.ask({"nowhere"}) == "lead.unreachable");
}

TEST_CASE("a lead that was asked and does not answer may have lent") {
    Wire wire({Duration{300}});
    auto deaf = sync::ServerTransport::start(
        "tcp://127.0.0.1:0", {}, 10,
        [&](std::function<void()> work) { boost::asio::post(wire.io, std::move(work)); },
        [](sync::RequestToken, sync::PipeId, const std::string&) {});
    REQUIRE(deaf);
    CHECK(wire.ask({(*deaf)->url()}) == "lead.silent");
    (*deaf)->stop();
}

TEST_CASE("over TLS both show certificates of the chain's authority") {
    const Authority ours;
    const Authority theirs;
    const auto lead = ours.issue("till-3");
    const auto neighbour = ours.issue("till-4");
    const auto stranger = theirs.issue("till-4");
    Wire wire({Duration{1000}});
    wire.serve("tls+tcp://127.0.0.1:0", {lead.pem, lead.key_pem, ours.pem()});
    const std::string url = wire.service->url();
    CHECK(wire.ask({url, {ours.pem(), "till-4", neighbour.pem, neighbour.key_pem}}) == "lead.unreachable");
    wire.client.stop();
    CHECK(wire.ask({url, {ours.pem(), "till-3", stranger.pem, stranger.key_pem}}) != "granted");
    wire.client.stop();
    CHECK(wire.lent.empty());
    wire.service.reset();
    Wire again({Duration{5000}});
    again.serve("tls+tcp://127.0.0.1:0", {lead.pem, lead.key_pem, ours.pem()});
    CHECK(again.ask({again.service->url(), {ours.pem(), "till-3", neighbour.pem, neighbour.key_pem}}) ==
          "granted");
}

TEST_CASE("what is no question for points is refused") {
    Wire wire;
    wire.serve("tcp://127.0.0.1:0");
    std::optional<Result<std::string>> got;
    bool up = false;
    auto dialled = sync::TillTransport::start(
        wire.service->url(), {},
        [&](std::function<void()> work) { boost::asio::post(wire.io, std::move(work)); },
        {[&](bool is_up) { up = is_up; },
         [&](std::uint64_t, Result<std::string> frame) { got.emplace(std::move(frame)); }});
    REQUIRE(dialled);
    REQUIRE(soon(wire.io, [&] { return up; }));
    (*dialled)->send(1, sync::Channel::ask, "rubbish", Duration{5000});
    REQUIRE(soon(wire.io, [&] { return got.has_value(); }));
    REQUIRE(*got);
    CHECK(sync::decode_reserve_answer(**got).error().name.starts_with("wire."));
    CHECK(wire.lent.empty());
    (*dialled)->stop();
}

TEST_CASE("the witness outlives the agent in its file, and not a file that is damaged or cannot be written") {
    const TempDir folder;
    FileWitness witness(folder.file("rights"));
    CHECK_FALSE(witness.read());
    const RightsWitness::Seen seen{RightsHolder{0xffff'ffff'ffff'fff0}, 12};
    witness.write(seen);
    CHECK(FileWitness(folder.file("rights")).read() == seen);
    for (const char* damaged :
         {"", "12", "12 ", "12 3", "12 3\nx", "x 3\n", "12 x\n", "99999999999999999999 1\n"}) {
        REQUIRE(write_file(folder.file("rights"), damaged, 0600));
        CHECK_FALSE(witness.read());
    }
    FileWitness nowhere(folder.file("no/such/folder/rights"));
    nowhere.write(seen);
    CHECK_FALSE(nowhere.read());
}

namespace {

/// The store's lead, which was granted 100 of the customer's 120 points, and a neighbour; no server.
struct Shop {
    static Tell lead_knows() {
        return [](Told& told, RightsHolder holder) {
            told.shop.offline_points = crm::OfflinePoints::escrow;
            told.shop.lead = {TillId{3}, "tcp://127.0.0.1:1"};
            told.slice.rights = {{holder, {100}, {}}};
        };
    }
    [[nodiscard]] Tell neighbour_knows() const {
        return [url = lead.lending_at()](Told& told, RightsHolder) {
            told.shop.offline_points = crm::OfflinePoints::escrow;
            told.shop.lead = {TillId{3}, url};
        };
    }
    static void serve(const RunningAgent& agent, const std::string& number) {
        agent.ask("PUT", "/v1/txn/" + number);
        agent.ask("POST", "/v1/txn/" + number + "/identify", {{"kind", "card"}, {"value", known_card}});
    }
    static json redeem(const RunningAgent& agent, const std::string& number, int points) {
        return agent.ask("POST", "/v1/txn/" + number + "/redeem", {{"points", points}});
    }
    [[nodiscard]] int held() const { return lead.ask("GET", "/v1/status")["rights"]["held"].get<int>(); }

    RunningAgent lead{[](Settings& settings) { settings.lead_listen = "tcp://127.0.0.1:0"; }, lead_knows()};
    RunningAgent neighbour{[](Settings& settings) {
                               settings.till = 4;
                               settings.workstation = "3";
                           },
                           neighbour_knows()};
};

bool machine_has_a_name() {
    if (!machine_hash().is_zero()) return true;
    WARN("skipped: nothing names this machine");
    return false;
}

} // namespace

TEST_CASE("a neighbour spends under the lead's right with no server in reach, and together never too much") {
    if (!machine_has_a_name()) return;
    Shop shop;
    CHECK(shop.held() == 100);
    const json rights = shop.lead.ask("GET", "/v1/status")["rights"];
    CHECK(rights["lead"] == true);
    CHECK(rights["lending"] == true);
    CHECK(shop.neighbour.ask("GET", "/v1/status")["rights"]["lead"] == false);
    Shop::serve(shop.neighbour, "N1");
    const json hold = Shop::redeem(shop.neighbour, "N1", 60);
    CHECK(shop.held() == 40);
    json sale = good_sale("N1");
    sale["hold"] = hold["hold"];
    sale["tenders"] = {{{"kind", "loyalty_points"}, {"amount", 1500}}, {{"kind", "upi"}, {"amount", 8900}}};
    CHECK(shop.neighbour.ask("POST", "/v1/txn/N1/complete", sale)["points_redeemed"] == 60);

    Shop::serve(shop.neighbour, "N2");
    const auto refused = shop.neighbour.text("POST", "/v1/txn/N2/redeem", R"({"points":60})");
    CHECK(refused.status == 422);
    CHECK(json::parse(refused.body)["code"] == "redeem.offline");
    CHECK(json::parse(refused.body)["available"] == 40);
    Shop::serve(shop.lead, "L1");
    Shop::redeem(shop.lead, "L1", 20);
    Shop::redeem(shop.neighbour, "N2", 20);
    Shop::serve(shop.lead, "L2");
    shop.lead.refuse("POST", "/v1/txn/L2/redeem", {{"points", 20}}, 422, "redeem.offline");
    CHECK(shop.held() == 0);
}

TEST_CASE("what was lent and not spent is told to the server, what the lead kept is free again") {
    if (!machine_has_a_name()) return;
    Shop shop;
    Shop::serve(shop.lead, "L1");
    Shop::serve(shop.neighbour, "N1");
    Shop::redeem(shop.lead, "L1", 20);
    Shop::redeem(shop.neighbour, "N1", 50);
    shop.neighbour.ask("POST", "/v1/txn/N1/cancel");
    CHECK(shop.neighbour.ask("GET", "/v1/status")["captured"] == 1);
    shop.lead.ask("POST", "/v1/txn/L1/cancel");
    CHECK(shop.lead.ask("GET", "/v1/status")["captured"] == 0);
    CHECK(shop.held() == 50);
    shop.lead.stop();
    shop.lead.start();
    CHECK(shop.held() == 50);
    shop.lead.stop();
    Shop::serve(shop.neighbour, "N2");
    shop.neighbour.refuse("POST", "/v1/txn/N2/redeem", {{"points", 20}}, 422, "redeem.offline");
    shop.neighbour.ask("POST", "/v1/complete", good_sale("N3"));
}
