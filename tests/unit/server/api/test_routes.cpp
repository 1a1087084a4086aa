#include <catch2/catch.hpp>

#include <string>

#include <mudi/crm/identifier.hpp>
#include <mudi/http/message.hpp>
#include <mudi/sync/event.hpp>

#include "api_fixture.hpp"

using namespace mudi;
using namespace mudi::server;
using server::test::ApiFixture;

namespace {

/// Two records of one person (same card), one of another.
void import_three(ApiFixture& api) {
    const auto answer = api.post_body("/api/v1/import/customers",
                                      "source_key,name,phone,phone_verified,card,card2,language,source\n"
                                      "1,কমলা দাস,9830012345,yes,KD-0001,KD-0009,bn,import\n"
                                      "77,Kamala Das,,no,KD-0001,,bn,web\n"
                                      "3,Ravi Sen,9830054321,yes,,,en,import\n");
    REQUIRE(answer.body["stored"] == 3);
}

/// An event of till 7 that no program can read.
void push_poison(ApiFixture& api) {
    api.on_loop([&] {
        auto& inbox = api.stores->inbox;
        sync::TillHello hello;
        hello.till = TillId{7};
        hello.store = StoreId{"KOL01"};
        hello.workstation = WorkstationId{"2"};
        hello.incarnation = Incarnation{42};
        hello.last = EventSeq{1};
        hello.wall = api.clock.wall();
        hello.schema = sync::event_schema;
        hello.version = "0.2.0";
        REQUIRE(inbox.register_till(hello, api.clock.wall()));
        sync::Event event;
        event.seq = EventSeq{1};
        event.id = EventId{Bits128{1, 2}};
        event.kind = static_cast<std::uint32_t>(sync::EventKind::retail_transaction);
        event.body = "\xff\xfenot a sale";
        const sync::PushedBatch batch{TillId{7}, Incarnation{42}, {}, {event}};
        const auto standings = inbox.append({&batch, 1}, api.clock.wall());
        REQUIRE(standings);
        REQUIRE(standings->at(0));
    });
}

} // namespace

TEST_CASE("every call under /api needs the operator's token, the others do not") {
    ApiFixture api;
    for (const char* target : {"/api/v1/status", "/api/v1/tills", "/api/v1/quarantine", "/api/v1/purchases",
                               "/api/v1/customers/find?q=1", "/api/v1/customers/1/member-code"}) {
        CAPTURE(target);
        CHECK(api.call("GET", target, "", "").status == 401);
        CHECK(api.call("GET", target, "", "wrong").status == 401);
    }
    CHECK(api.call("POST", "/api/v1/import/customers", "source_key\n1\n", "").status == 401);
    for (const char* target : {"/api/v1/quarantine/retry", "/api/v1/tills", "/api/v1/tills/1/code",
                               "/api/v1/tills/1/revoke", "/api/v1/backups"}) {
        CAPTURE(target);
        CHECK(api.call("POST", target, "{}", "wrong").status == 401);
    }
    CHECK(api.call("POST", "/enrol", "{}", "").status != 401);
    CHECK(api.call("GET", "/healthz", "", "").body == nlohmann::json{{"ok", true}});
    CHECK(api.call("GET", "/", "", "").content_type == "text/html; charset=utf-8");
    CHECK(api.call("GET", "/console/console.js", "", "").status == 200);
    CHECK(api.call("GET", "/console/passwd", "", "").status == 404);
}

TEST_CASE("a customer is found by card, by phone in any script's digits and by id, with all records and why "
          "they are one") {
    ApiFixture api;
    import_three(api);
    const auto by_card = api.get("/api/v1/customers/find?q=KD-0001").body["profiles"];
    REQUIRE(by_card.size() == 1);
    const auto profile = by_card[0];
    CHECK(profile["language"] == "bn");
    CHECK(profile["phone"] == "+919830012345");
    CHECK(profile["cards"].size() == 2);
    CHECK(profile["records"].size() == 2);
    CHECK(profile["merged_because"].at(0).at("reason") == "same_card");
    CHECK(profile["points"] == 0);

    const auto by_phone =
        api.get("/api/v1/customers/find?q=" + http::percent_encode("৯৮৩০০ ১২৩৪৫")).body["profiles"];
    REQUIRE(by_phone.size() == 1);
    CHECK(by_phone[0]["id"] == profile["id"]);
    CHECK(api.get("/api/v1/customers/" + profile["id"].dump()).body["name"] == profile["name"]);
    CHECK(api.get("/api/v1/customers/find?q=nobody-knows-this").body["profiles"].empty());
    CHECK(api.get("/api/v1/customers/find").body["code"] == "request.parameter");
    for (const char* id : {"99999", "-1", "x", "99999999999999999999"}) {
        const auto answer = api.get(std::string("/api/v1/customers/") + id);
        CHECK(answer.status == 404);
        CHECK(answer.body["code"] == "customer.unknown");
    }
}

TEST_CASE("the member code is signed for the first card and tills accept it") {
    ApiFixture api;
    import_three(api);
    const auto profile = api.get("/api/v1/customers/find?q=KD-0001").body["profiles"][0];
    const auto answer = api.get("/api/v1/customers/" + profile["id"].dump() + "/member-code");
    REQUIRE(answer.status == 200);
    const auto card =
        crm::parse_qr(answer.body["code"].get<std::string>(), api.rules.identifiers, api.clock.wall());
    REQUIRE(card);
    CHECK(card->value == profile["cards"][0]);

    const auto ravi = api.get("/api/v1/customers/find?q=9830054321").body["profiles"][0];
    CHECK(api.get("/api/v1/customers/" + ravi["id"].dump() + "/member-code").body["code"] ==
          "customer.no_card");
}

TEST_CASE("a new customer's offers have a title and a reason in her language, or in the one asked for") {
    ApiFixture api;
    import_three(api);
    REQUIRE(api.post_body("/api/v1/import/purchases",
                          "store,workstation,business_day,number,item_id,quantity,amount,card\n"
                          "KOL01,1,2026-11-21,0001,x,1000,12000,KD-0001\n")
                .body["stored"] == 1);
    api.apply_all();
    const auto own = api.get("/api/v1/customers/find?q=KD-0001").body["profiles"][0];
    CHECK(own["visits"] == 1);
    CHECK(own["spent"] == 12'000);
    CHECK(own["purchases"].at(0).at("number") == "0001");
    REQUIRE_FALSE(own["offers"].empty());
    const auto english = api.get("/api/v1/customers/find?q=KD-0001&language=en").body["profiles"][0];
    CHECK(own["offers"][0]["offer"].get<std::string>().size() == 32);
    CHECK_FALSE(own["offers"][0]["reason"].get<std::string>().empty());
    CHECK(own["offers"][0]["title"] != english["offers"][0]["title"]);
}

TEST_CASE("purchases are listed in arrival order and go on behind the last one seen") {
    ApiFixture api;
    std::string file = "store,workstation,business_day,number,item_id,quantity,amount\n";
    for (int i = 1; i <= 5; ++i) file += "KOL01,1,2026-11-21,000" + std::to_string(i) + ",x,1000,100\n";
    REQUIRE(api.post_body("/api/v1/import/purchases", file).body["stored"] == 5);
    api.apply_all();
    const auto first = api.get("/api/v1/purchases?limit=3").body;
    REQUIRE(first["purchases"].size() == 3);
    CHECK(first["purchases"][0]["number"] == "0001");
    CHECK(first["purchases"][0]["event"].get<std::string>().size() == 32);
    const auto rest = api.get("/api/v1/purchases?after=" + first["next"].dump()).body["purchases"];
    REQUIRE(rest.size() == 2);
    CHECK(rest[1]["number"] == "0005");
    CHECK(api.get("/api/v1/purchases?till=3").body["purchases"].empty());
    for (const char* bad : {"limit=x", "after=-1", "till=1.5"})
        CHECK(api.get(std::string("/api/v1/purchases?") + bad).body["code"] == "request.parameter");
}

TEST_CASE("a poison event is shown with its bytes, stays after a retry, and the count says so") {
    ApiFixture api;
    push_poison(api);
    api.apply_all();
    const auto list = api.get("/api/v1/quarantine").body["events"];
    REQUIRE(list.size() == 1);
    const auto id = list[0]["id"].dump();
    CHECK(list[0]["till"] == 7);
    CHECK(list[0]["reason"] == "event.corrupt");
    CHECK(list[0]["incarnation"] == "000000000000002a");
    CHECK(api.get("/api/v1/quarantine/" + id).body["body"] == to_hex("\xff\xfenot a sale"));
    CHECK_FALSE(api.get("/api/v1/quarantine/" + id).body.contains("document"));

    CHECK(api.post_body("/api/v1/quarantine/" + id + "/retry").body ==
          nlohmann::json{{"retried", 1}, {"applied", 0}, {"left", 1}});
    CHECK(api.post_body("/api/v1/quarantine/retry").body ==
          nlohmann::json{{"retried", 1}, {"applied", 0}, {"left", 1}});
    CHECK(api.get("/api/v1/quarantine/" + id).body["attempts"].get<int>() > list[0]["attempts"].get<int>());
    CHECK(api.get("/api/v1/status").body["inbox"]["quarantined"] == 1);
    CHECK(api.get("/api/v1/quarantine/424242").body["code"] == "quarantine.unknown");
    CHECK(api.post_body("/api/v1/quarantine/x/retry").body["code"] == "quarantine.unknown");
}

TEST_CASE("the status counts what the stores hold and the tills say how they are") {
    ApiFixture api;
    import_three(api);
    push_poison(api);
    const auto status = api.get("/api/v1/status").body;
    CHECK(status["version"] == "1.2.3");
    CHECK(status["profiles"] == 2);
    CHECK(status["source_records"] == 3);
    CHECK(status["merges"] == 1);
    CHECK(status["tills"] == 1);
    CHECK(status["connected"] == 2);
    CHECK(status["inbox"]["waiting"] == 1);
    CHECK(status["uptime_s"] == 77);
    CHECK(status["generation"].get<std::string>().size() == 16);
    CHECK(status["generation"] != std::string(16, '0'));

    api.on_loop([&] {
        auto& contact = api.contacts[TillId{7}];
        contact.spoke(1, api.clock.wall(), api.clock.mono());
        contact.greeted(Incarnation{42}, EventSeq{5}, EventSeq{1}, api.clock.mono());
    });
    auto till = api.get("/api/v1/tills").body["tills"].at(0);
    CHECK(till["store"] == "KOL01");
    CHECK(till["acked"] == 1);
    CHECK(till["captured"] == 5);
    CHECK(till["unsent"] == 4);
    CHECK(till["unsafe"] == 1);
    CHECK(till["lives"] == 1);
    CHECK(till["version"] == "0.2.0");
    CHECK(till["enrolled"] == false);
    CHECK(till["connected"] == true);
    // Its hello lies in the database; a server that was started anew has not heard of it yet.
    api.on_loop([&] { api.contacts.clear(); });
    till = api.get("/api/v1/tills").body["tills"].at(0);
    CHECK(till["connected"] == false);
    CHECK(till["captured"] == 1);
}

TEST_CASE("a till that is connected and does not advance for a minute is an alarm everywhere") {
    ApiFixture api;
    push_poison(api);
    const auto speaks = [&] {
        api.on_loop([&] { api.contacts[TillId{7}].spoke(1, api.clock.wall(), api.clock.mono()); });
    };
    api.on_loop([&] {
        api.contacts[TillId{7}].spoke(1, api.clock.wall(), api.clock.mono());
        api.contacts[TillId{7}].greeted(Incarnation{42}, EventSeq{5}, EventSeq{1}, api.clock.mono());
    });
    CHECK(api.get("/api/v1/status").body["alarms"].empty());
    for (int i = 0; i < 3; ++i) {
        api.clock.ahead = api.clock.ahead.load() + Duration{25'000};
        speaks();
    }
    const auto alarms = api.get("/api/v1/status").body["alarms"];
    REQUIRE(alarms.size() == 1);
    CHECK(alarms[0]["name"] == "till.stalled");
    CHECK(alarms[0]["till"] == 7);
    CHECK(alarms[0]["for_ms"] >= 75'000);
    CHECK(api.get("/api/v1/tills").body["tills"].at(0)["stalled"] == true);
    CHECK_THAT(api.call("GET", "/metrics", "", "").text,
               Catch::Contains("\nmudi_server_till_stalled{till=\"7\"} 1\n"));

    api.on_loop([&] {
        api.contacts[TillId{7}].acknowledged(Incarnation{42}, EventSeq{2}, api.clock.mono());
        api.apply_waits_since = api.clock.mono() - Duration{61'000};
        api.backup_failed = "backup.chain";
    });
    const auto status = api.get("/api/v1/status").body;
    REQUIRE(status["alarms"].size() == 2);
    CHECK(status["alarms"][0]["name"] == "apply.stalled");
    CHECK(status["alarms"][1]["name"] == "backup.failed");
    CHECK_THAT(api.call("GET", "/metrics", "", "").text, Catch::Contains("\nmudi_server_apply_stalled 1\n"));
}

TEST_CASE("what spending points offline may cost is told in points and in money, looked at once a minute") {
    ApiFixture api;
    push_poison(api); // till 7 of KOL01
    api.on_loop([&] {
        sync::TillHello second;
        second.till = TillId{8};
        second.store = StoreId{"KOL01"};
        second.workstation = WorkstationId{"3"};
        second.incarnation = Incarnation{1};
        second.wall = api.clock.wall();
        REQUIRE(api.stores->inbox.register_till(second, api.clock.wall()));
    });
    const auto buys = [&](const std::string& number, const std::string& paise) {
        REQUIRE(api.post_body("/api/v1/import/purchases",
                              "store,workstation,business_day,number,card,item_id,quantity,amount\n"
                              "KOL01,1,2026-11-21," +
                                  number + ",KD-0001,tea,1000," + paise + "\n")
                    .body["stored"] == 1);
        api.apply_all();
    };
    import_three(api);
    buys("0001", "1500000"); // 150 points
    const auto points = api.get("/api/v1/points").body;
    CHECK(points["offline"] == "escrow");
    CHECK(points["store_max"] == 200);
    CHECK(points["floor_worst"] == nlohmann::json{{"points", 150}, {"amount", 150 * 25}});
    CHECK(points["at_risk"]["points"] == 0);
    CHECK(points["breached"]["points"] == 0);
    CHECK(points["settling"] == false);
    CHECK(points["currency"] == "INR");
    buys("0002", "300000");
    CHECK(api.get("/api/v1/points").body == points);
    api.clock.ahead = exposure_fresh;
    CHECK(api.get("/api/v1/points").body["floor_worst"]["points"] == 180);
    CHECK(api.get("/api/v1/status").body["points"] ==
          nlohmann::json{{"offline", "escrow"}, {"breached", 0}, {"confirmed", 0}, {"settling", false}});
    CHECK_THAT(api.call("GET", "/metrics", "", "").text,
               Catch::Contains("\nmudi_server_points_breached_total 0\n") &&
                   Catch::Contains("\nmudi_server_points_settling 0\n") &&
                   Catch::Contains("\nmudi_server_points_outstanding 0\n"));
    CHECK(api.call("GET", "/api/v1/points", "", "wrong").status == 401);
    CHECK(api.post_body("/api/v1/points/confirm").body == nlohmann::json{{"confirmed", 0}});
    CHECK(api.call("POST", "/api/v1/points/confirm", "", "wrong").status == 401);
}

TEST_CASE("metrics are Prometheus text and hold the status figures") {
    ApiFixture api;
    import_three(api);
    const auto metrics = api.call("GET", "/metrics", "", "");
    CHECK(metrics.status == 200);
    CHECK(metrics.content_type == "text/plain; version=0.0.4; charset=utf-8");
    CHECK_THAT(metrics.text, Catch::Contains("# TYPE mudi_server_profiles gauge\nmudi_server_profiles 2\n"));
    CHECK_THAT(metrics.text, Catch::Contains("\nmudi_server_lag_seconds 0.000\n"));
    CHECK_THAT(metrics.text, Catch::Contains("\nmudi_server_tills_connected 2\n"));
}

TEST_CASE("when too much waits every call is answered busy") {
    ApiFixture api;
    api.on_loop([&] { api.full = true; });
    for (const auto& answer :
         {api.get("/api/v1/status"), api.get("/api/v1/quarantine"), api.post_body("/api/v1/quarantine/retry"),
          api.post_body("/api/v1/import/customers", "source_key\n1\n")}) {
        CHECK(answer.status == 503);
        CHECK(answer.body["code"] == "server.busy");
    }
}
