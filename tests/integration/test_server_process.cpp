#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/random.hpp>
#include <mudi/sync/event.hpp>
#include <support/postgres.hpp>
#include <support/temp_dir.hpp>

#include "server_process.hpp"
#include "wire_till.hpp"

using namespace mudi;
using test::ServerProcess;
using test::TempDir;
using test::WireIdentity;
using test::WireTill;

namespace {

/// Event id -> how often the server's purchases have it.
std::map<std::string, int> purchases_of(const ServerProcess& server) {
    std::map<std::string, int> found;
    std::int64_t after = 0;
    while (true) {
        const auto page = server.get("/api/v1/purchases?limit=500&after=" + std::to_string(after)).body;
        for (const auto& row : page.at("purchases")) ++found[row.at("event").get<std::string>()];
        if (page.at("purchases").empty()) return found;
        after = page.at("next").get<std::int64_t>();
    }
}

bool all_applied(const nlohmann::json& status) { return status.at("inbox").at("waiting") == 0; }

void check_acked_are_there(const ServerProcess& server, const WireTill& till) {
    server.wait_for_status(all_applied);
    const auto found = purchases_of(server);
    for (std::int64_t seq = 1; seq <= till.acked().value; ++seq) {
        const auto id = to_hex(till.captured().at(static_cast<std::size_t>(seq - 1)).id.value);
        const auto times = found.find(id);
        REQUIRE(times != found.end());
        REQUIRE(times->second == 1);
    }
}

/// Kills the server in the middle of pushes, again and again, then lets the till catch up.
void kill_while_selling(ServerProcess& server, int rounds, std::uint64_t seed) {
    SeededRandom random(seed);
    WireTill till(TillId{3}, "KOL01", seed);
    server.start();
    const auto identity = server.enrol(TillId{3}, "KOL01");
    till.link(server.sync_url(), identity);
    for (int round = 0; round < rounds; ++round) {
        CAPTURE(round);
        for (int i = 0; i < 60; ++i) till.sell();
        const EventSeq stop_at{till.acked().value + 1 + static_cast<std::int64_t>(random.below(55))};
        REQUIRE(till.run_until([&] { return till.acked() >= stop_at; }));
        server.kill();
        server.start();
        check_acked_are_there(server, till);
        till.link(server.sync_url(), identity);
    }
    REQUIRE(till.run_until(
        [&] { return till.acked().value == static_cast<std::int64_t>(till.captured().size()); }));
    check_acked_are_there(server, till);
    CHECK(purchases_of(server).size() == till.captured().size());
    CHECK(till.lives() == 0);
    const auto figures = server.get("/api/v1/purchases/summary").body;
    CHECK(figures["transactions"] == till.captured().size());
    CHECK(figures["value_minor"] == 60'000 * static_cast<std::int64_t>(till.captured().size()));
}

/// A card's purchase must bring her offers to every till of the store.
void check_offers_arrive(ServerProcess& server, WireTill& till) {
    REQUIRE(server.post("/api/v1/import/customers", "source_key,name,card,language\n1,কমলা দাস,KD-0001,bn\n")
                .body["stored"] == 1);
    till.link(server.sync_url(), server.enrol(TillId{9}, "KOL01"));
    till.sell("KD0001");
    const auto holds_an_offer = [&] {
        const auto profiles = till.profiles();
        return std::any_of(profiles.begin(), profiles.end(), [](const crm::ProfileSlice& slice) {
            return slice.name == "কমলা দাস" && !slice.offers.empty();
        });
    };
    const bool arrived = till.run_until(holds_an_offer);
    CAPTURE(server.get("/api/v1/status").body.dump(), server.get("/api/v1/tills").body.dump(),
            till.reports());
    CHECK(arrived);
}

} // namespace

TEST_CASE("what was acknowledged over TLS survives SIGKILL at any moment, exactly once") {
    const TempDir folder;
    ServerProcess server(folder.path());
    kill_while_selling(server, 6, 20261121);
    CHECK(server.stop() == 0);
}

TEST_CASE("the same on PostgreSQL, and offers come out of it too") {
    const TempDir folder;
    WireTill till(TillId{9}, "KOL01", 9);
    ServerProcess server(folder.path(), "database = \"" + test::postgres_database() + "\"");
    kill_while_selling(server, 2, 20261122);
    CHECK(server.get("/api/v1/status").body["database"] == "postgresql");
    check_offers_arrive(server, till);
    CHECK(server.stop() == 0);
}

TEST_CASE(
    "a PostgreSQL that was away ends the server with a clear line when it is back: a start begins a new "
    "history") {
    const TempDir folder;
    const auto address = test::postgres_database();
    ServerProcess server(folder.path(), "database = \"" + address + "\"");
    server.start();
    const auto identity = server.enrol(TillId{3}, "KOL01");
    WireTill till(TillId{3}, "KOL01", 7);
    till.link(server.sync_url(), identity);
    till.sell();
    REQUIRE(till.run_until([&] { return till.acked() == EventSeq{1}; }));
    {
        const auto options = db::parse_target(address);
        REQUIRE(options);
        const auto connection = db::Connection::open(*options);
        REQUIRE(connection);
        REQUIRE((*connection)
                    ->execute("DO $$ BEGIN PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                              "datname = current_database() AND pid <> pg_backend_pid(); END $$"));
    }
    till.sell(); // whoever writes notices
    till.run_until([&] { return till.was_told("db.connection") || !till.linked(); });
    CHECK(server.wait() == 1);
    CHECK_THAT(test::text_of(server.log()), Catch::Contains("(server.database_back)"));
    server.start();
    till.link(server.sync_url(), identity);
    CHECK(till.run_until([&] { return till.acked() == EventSeq{2}; }));
    check_acked_are_there(server, till);
    CHECK(server.stop() == 0);
}

TEST_CASE("offers made after a sale reach the till by its long poll") {
    const TempDir folder;
    WireTill till(TillId{9}, "KOL01", 9);
    ServerProcess server(folder.path());
    server.start();
    check_offers_arrive(server, till);
    const auto tills = server.get("/api/v1/tills").body["tills"];
    REQUIRE(tills.size() == 1);
    CHECK(tills[0]["till"] == 9);
    CHECK(tills[0]["workstation"] == "W9");
    CHECK(server.get("/api/v1/status").body["offers_pushed"] > 0);
}

TEST_CASE(
    "a poison event is put aside and the sales behind it go on; a retry over the API counts the attempt") {
    const TempDir folder;
    ServerProcess server(folder.path());
    server.start();
    WireTill till(TillId{3}, "KOL01", 7);
    till.link(server.sync_url(), server.enrol(TillId{3}, "KOL01"));
    till.sell();
    const auto poison = till.capture_poison();
    till.sell();
    REQUIRE(till.run_until([&] { return till.acked() == EventSeq{3}; }));
    const auto status = server.wait_for_status(all_applied);
    CHECK(status["purchases"] == 2);
    CHECK(status["inbox"]["quarantined"] == 1);

    const auto list = server.get("/api/v1/quarantine").body["events"];
    REQUIRE(list.size() == 1);
    CHECK(list[0]["event"] == to_hex(poison.value));
    CHECK(list[0]["seq"] == 2);
    const auto id = list[0]["id"].dump();
    CHECK(server.post("/api/v1/quarantine/" + id + "/retry").body["left"] == 1);
    CHECK(server.get("/api/v1/quarantine/" + id).body["attempts"] == 2);

    server.kill();
    server.start();
    CHECK(server.get("/api/v1/quarantine").body["events"].size() == 1);
}

TEST_CASE("a till of a store that the configuration does not know is refused and loses nothing") {
    const TempDir folder;
    WireTill till(TillId{3}, "PUN02", 7);
    till.sell();
    WireIdentity identity;
    {
        ServerProcess server(folder.path(), "stores = [\"KOL01\"]");
        server.start();
        identity = server.enrol(TillId{3}, "PUN02");
        till.link(server.sync_url(), identity);
        CHECK(till.run_until([&] { return till.was_told("till.store_unknown"); }));
        CHECK(till.acked() == EventSeq{0});
    }
    ServerProcess server(folder.path(), "stores = [\"KOL01\", \"PUN02\"]");
    server.start();
    till.link(server.sync_url(), identity);
    CHECK(till.run_until([&] { return till.acked() == EventSeq{1}; }));
}

TEST_CASE("a till that trusts another authority does not connect") {
    const TempDir one;
    const TempDir two;
    ServerProcess server(one.path());
    ServerProcess other(two.path());
    server.start();
    other.start();
    const auto identity = server.enrol(TillId{3}, "KOL01");
    auto misled = identity;
    misled.ca_pem = other.ca_pem();
    WireTill till(TillId{3}, "KOL01", 7);
    till.sell();
    till.link(server.sync_url(), misled);
    CHECK_FALSE(till.run_until([&] { return till.acked() == EventSeq{1}; }, std::chrono::seconds{2}));
    till.link(server.sync_url(), identity);
    CHECK(till.run_until([&] { return till.acked() == EventSeq{1}; }));
}

TEST_CASE("SIGTERM with a till on its long poll ends the server at once and clean") {
    const TempDir folder;
    ServerProcess server(folder.path());
    server.start();
    WireTill till(TillId{3}, "KOL01", 7);
    till.link(server.sync_url(), server.enrol(TillId{3}, "KOL01"));
    till.sell();
    REQUIRE(till.run_until([&] { return till.acked() == EventSeq{1}; }));
    const auto before = std::chrono::steady_clock::now();
    CHECK(server.stop() == 0);
    CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds{5});
}
