#include <catch2/catch.hpp>

#include <string>

#include "api_fixture.hpp"

using namespace mudi;
using namespace mudi::server;
using server::test::ApiFixture;

TEST_CASE("a backup is asked for with or without a place, and its answer says what it holds") {
    ApiFixture api;
    api.on_loop([&] {
        api.backup_answer = BackupRow{.id = 4,
                                      .made = time_from_ms(1'000),
                                      .path = "/backups/mudi-1.db",
                                      .bytes = 4096,
                                      .events = 12,
                                      .verified = time_from_ms(2'000)};
    });
    const auto answer = api.post_body("/api/v1/backups", R"({"to":"/mnt/usb"})");
    CHECK(answer.status == 201);
    CHECK(answer.body["path"] == "/backups/mudi-1.db");
    CHECK(answer.body["events"] == 12);
    CHECK(answer.body["made_us"] == 1'000'000);
    CHECK(answer.body["external"] == false);
    CHECK(api.post_body("/api/v1/backups").status == 201);
    CHECK(api.wishes == std::vector<std::string>{"/mnt/usb", ""});

    api.on_loop([&] { api.backup_answer = fail(Code::busy, "backup.running", "one is made already"); });
    CHECK(api.post_body("/api/v1/backups").body["code"] == "backup.running");
    for (const char* bad : {"[]", R"({"to":7})", R"({"external":"yes"})"}) {
        CAPTURE(bad);
        CHECK(api.post_body("/api/v1/backups", bad).body["code"] == "request.body");
    }
}

TEST_CASE("the operator's word makes safe what was received, and stands in the list") {
    ApiFixture api;
    REQUIRE(api.post_body("/api/v1/import/purchases",
                          "store,workstation,business_day,number,item_id,quantity,amount\n"
                          "KOL01,1,2026-11-21,0001,x,1000,100\n")
                .body["stored"] == 1);
    CHECK(api.get("/api/v1/status").body["inbox"]["unsafe"] == 1);
    CHECK(api.get("/api/v1/status").body["backup"]["last_us"].is_null());
    const auto answer = api.post_body("/api/v1/backups", R"({"external":true})");
    CHECK(answer.status == 201);
    CHECK(answer.body["external"] == true);
    CHECK(api.wishes.empty());
    CHECK(api.get("/api/v1/status").body["inbox"]["unsafe"] == 0);
    CHECK(api.get("/api/v1/status").body["backup"]["count"] == 1);
    const auto backups = api.get("/api/v1/backups").body["backups"];
    REQUIRE(backups.size() == 1);
    CHECK(backups[0]["external"] == true);
    CHECK(backups[0]["id"] == answer.body["id"]);
}
