#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "points_shop.hpp"
#include "program.hpp"

using namespace mudi::test;
using nlohmann::json;
using namespace std::chrono_literals;

namespace {

constexpr const char* card = "C4711";

/// What is set aside and what is left to spend never goes beyond what the customer has.
void check_books(const PointsShop& shop, std::int64_t left) {
    const auto books = shop.exposure();
    INFO(books.dump());
    CHECK(shop.balance(card) == left);
    CHECK(books["outstanding"]["points"].get<std::int64_t>() + books["held"]["points"].get<std::int64_t>() <=
          left);
    CHECK(books["breached"]["points"] == 0);
    CHECK(books["overdrawn"]["points"] == 0);
    CHECK(books["at_risk"]["amount"] == 0);
}

} // namespace

TEST_CASE("with the server in reach points are spent at any till, and what is not spent comes back") {
    PointsShop shop;
    shop.earn(lead, card, 100);
    REQUIRE(shop.level(100));
    const auto number = shop.scan(neighbour, card);
    // The lead has all of them: they are called back while the customer waits.
    PointsShop::Answer held;
    REQUIRE(
        PointsShop::eventually([&] { return (held = shop.redeem(neighbour, number, 40)).status == 200; }));
    CHECK(held.body["points"] == 40);
    CHECK(held.body["amount"] == 40 * 25);
    CHECK(held.body["tender"] == "loyalty_points");
    CHECK(shop.metric("points_held") == 40);
    CHECK(shop.pay(neighbour, number, held));
    REQUIRE(shop.level(60));
    CHECK(shop.metric("points_held") == 0);
    CHECK(shop.metric("points_outstanding") == 60);

    PointsShop::Answer refused;
    CHECK(shop.spend(neighbour, card, 61, &refused) == 0);
    CHECK(refused.status == 422);
    CHECK(refused.code() == "redeem.balance");
    const auto other = shop.scan(neighbour, card);
    const auto unused = [&] { return held = shop.redeem(neighbour, other, 30); };
    REQUIRE(PointsShop::eventually([&] { return unused().status == 200; }));
    CHECK(
        shop.call(neighbour, "DELETE", "/v1/txn/" + other + "/holds/" + held.body["hold"].get<std::string>())
            .status == 204);
    CHECK(shop.level(60));
    check_books(shop, 60);
}

TEST_CASE("without the server a store spends what its lead holds, at all its tills together never more") {
    PointsShop shop;
    shop.earn(lead, card, 100);
    shop.earn(elsewhere, card, 50);
    REQUIRE(shop.level(150));
    shop.kill_server();
    CHECK(shop.spend(neighbour, card, 70) == 70);
    CHECK(shop.spend(lead, card, 20) == 20);

    PointsShop::Answer refused;
    CHECK(shop.spend(neighbour, card, 61, &refused) == 0);
    CHECK(refused.status == 422);
    CHECK(refused.code() == "redeem.offline");
    CHECK(refused.available() == 60);
    CHECK_FALSE(refused.body.value("text", "").empty());
    const auto number = shop.scan(neighbour, card);
    const auto bengali = shop.redeem(neighbour, number, 61, "bn");
    const auto hindi = shop.redeem(neighbour, number, 61, "hi");
    CHECK(bengali.body["text"] != hindi.body["text"]);
    CHECK(bengali.body["text"] != refused.body["text"]);
    // Another store holds nothing, however much the customer has.
    CHECK(shop.spend(elsewhere, card, 1, &refused) == 0);
    CHECK(refused.code() == "redeem.offline");
    CHECK(refused.available() == 0);

    // Both tills at once, point by point, until nothing is left.
    std::atomic<std::int64_t> spent{0};
    {
        std::vector<std::jthread> cashiers;
        for (const std::size_t till : {lead, neighbour}) {
            cashiers.emplace_back([&, till] {
                const std::string prefix = "T" + std::to_string(till) + "-";
                for (int i = 0; i < 60; ++i) {
                    const std::string txn = prefix + std::to_string(i);
                    (void)shop.call(till, "PUT", "/v1/txn/" + txn, json::object());
                    (void)shop.call(till, "POST", "/v1/txn/" + txn + "/identify",
                                    {{"kind", "card"}, {"value", card}});
                    const auto held = shop.redeem(till, txn, 3);
                    if (held.status != 200) break;
                    if (shop.pay(till, txn, held)) spent += 3;
                }
            });
        }
    }
    CHECK(spent > 30);
    CHECK(spent <= 60);

    // The server comes back: nothing was spent that was not there, and its books agree with the tills.
    REQUIRE(shop.fleet.start_server());
    REQUIRE(PointsShop::eventually([&] { return shop.balance(card) == 60 - spent; }));
    REQUIRE(shop.level(60 - spent));
    check_books(shop, 60 - spent);
}

TEST_CASE("what one store's lead holds is called back for a customer who stands in another store") {
    PointsShop shop;
    shop.earn(lead, card, 100);
    shop.earn(elsewhere, card, 10);
    REQUIRE(shop.level(110));
    const auto number = shop.scan(elsewhere, card);
    const auto began = std::chrono::steady_clock::now();
    PointsShop::Answer held;
    int asked = 0;
    REQUIRE(PointsShop::eventually([&] {
        ++asked;
        held = shop.redeem(elsewhere, number, 90);
        return held.status == 200;
    }));
    const auto took = std::chrono::steady_clock::now() - began;
    CAPTURE(asked, std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
    CHECK(took < 10s);
    CHECK(shop.pay(elsewhere, number, held));
    REQUIRE(shop.level(20));
    check_books(shop, 20);
    // The lead cannot spend them any more.
    shop.kill_server();
    CHECK(shop.spend(lead, card, 21) == 0);
    CHECK(shop.spend(lead, card, 20) == 20);
}

TEST_CASE("when the lead is away too a till has its own rights: none, unless the owner grants some") {
    PointsShop shop;
    shop.earn(lead, card, 100);
    REQUIRE(shop.level(100));
    shop.kill_server();
    shop.fleet.kill_till(lead);
    PointsShop::Answer refused;
    CHECK(shop.spend(neighbour, card, 1, &refused) == 0);
    CHECK(refused.code() == "redeem.offline");
    CHECK(refused.available() == 0);
    CHECK_FALSE(refused.body.value("text", "").empty());

    shop.fleet.set_server_settings("[loyalty]\nredeem_min = 1\n[points]\nstore_max = 60\ntill_max = 30\n");
    REQUIRE(shop.fleet.start_server());
    REQUIRE(shop.fleet.start_till(lead));
    REQUIRE(shop.level(60));
    REQUIRE(PointsShop::eventually([&] { return shop.rights(neighbour) == 30; }));
    check_books(shop, 100);
    shop.kill_server();
    shop.fleet.kill_till(lead);
    CHECK(shop.spend(neighbour, card, 31, &refused) == 0);
    CHECK(refused.available() == 30);
    CHECK(shop.spend(neighbour, card, 30) == 30);
    CHECK(shop.spend(neighbour, card, 1, &refused) == 0);
    CHECK(refused.available() == 0);
    REQUIRE(shop.fleet.start_till(lead));
    REQUIRE(PointsShop::eventually([&] { return shop.status(lead)["rights"]["lending"] == true; }));
    CHECK(shop.spend(lead, card, 61) == 0);
    CHECK(shop.spend(lead, card, 60) == 60);
    REQUIRE(shop.fleet.start_server());
    REQUIRE(PointsShop::eventually([&] { return shop.balance(card) == 10; }));
    check_books(shop, 10);
}

TEST_CASE(
    "a lead whose program starts again goes on lending; one that lost its memory waits for the server") {
    PointsShop shop;
    shop.earn(lead, card, 100);
    REQUIRE(shop.level(100));
    shop.kill_server();
    CHECK(shop.spend(neighbour, card, 30) == 30);
    shop.fleet.kill_till(lead);
    REQUIRE(shop.fleet.start_till(lead));
    REQUIRE(PointsShop::eventually([&] { return shop.status(lead)["rights"]["lending"] == true; }));
    CHECK(shop.rights(lead) == 70);
    CHECK(shop.spend_in_time(neighbour, card, 20, 20s));
    PointsShop::Answer refused;
    CHECK(shop.spend(lead, card, 51, &refused) == 0);
    CHECK(refused.available() == 50);

    shop.power_cut(lead);
    REQUIRE(shop.fleet.start_till(lead));
    REQUIRE(PointsShop::eventually([&] { return shop.status(lead)["rights"]["lending"] == true; }));
    CHECK(shop.rights(lead) == 0);
    CHECK(shop.spend(lead, card, 1, &refused) == 0);
    CHECK(shop.spend(neighbour, card, 1, &refused) == 0);
    CHECK(refused.code() == "redeem.offline");

    // The neighbour's word that it holds nothing more of the lead's is enough: nobody waits for an hour.
    REQUIRE(shop.fleet.start_server());
    const auto began = std::chrono::steady_clock::now();
    REQUIRE(shop.level(50));
    const auto took = std::chrono::steady_clock::now() - began;
    CAPTURE(std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
    CHECK(took < 60s);
    check_books(shop, 50);
    CHECK(shop.spend_in_time(neighbour, card, 50));
    REQUIRE(shop.level(0));
    CHECK(shop.balance(card) == 0);
}

TEST_CASE("a lead that lost its memory while the server is there has its points back within moments") {
    PointsShop shop;
    shop.earn(lead, card, 100);
    REQUIRE(shop.level(100));
    // The neighbour has borrowed before, and may have more on hold: the server has to ask it.
    shop.power_cut(lead);
    const auto began = std::chrono::steady_clock::now();
    REQUIRE(shop.fleet.start_till(lead));
    CHECK(shop.rights(lead) == 0);
    REQUIRE(shop.level(100));
    const auto took = std::chrono::steady_clock::now() - began;
    CAPTURE(std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
    CHECK(took < 60s);
    check_books(shop, 100);
    CHECK(text_of(shop.folder.path() / "shop" / "server.log").find("points.freed") != std::string::npos);
}

TEST_CASE("points that a neighbour still has on hold keep the lead's locked, until they are spent") {
    PointsShop shop;
    shop.earn(lead, card, 100);
    REQUIRE(shop.level(100));
    shop.kill_server();
    const auto number = shop.scan(neighbour, card);
    const auto held = shop.redeem(neighbour, number, 40);
    REQUIRE(held.status == 200);
    shop.power_cut(lead);
    REQUIRE(shop.fleet.start_till(lead));
    REQUIRE(shop.fleet.start_server());
    REQUIRE(PointsShop::eventually(
        [&] { return shop.status(lead)["linked"] == true && shop.status(neighbour)["linked"] == true; }));
    // Asked twice at least, and each time it says no.
    CHECK_FALSE(PointsShop::eventually([&] { return shop.rights(lead) > 0; }, 10s));
    CHECK(shop.metric("points_outstanding") == 100);
    REQUIRE(shop.pay(neighbour, number, held));
    REQUIRE(shop.level(60));
    check_books(shop, 60);
    shop.kill_server();
    CHECK(shop.spend(neighbour, card, 61) == 0);
    CHECK(shop.spend(neighbour, card, 60) == 60);
}

TEST_CASE(
    "after the server was put back to a backup nothing is given out until all have told, then as before") {
    PointsShop shop;
    shop.earn(lead, card, 60);
    shop.earn(elsewhere, card, 40);
    REQUIRE(shop.level(100));
    const auto copy = shop.folder.path() / "copy.db";
    shop.server_post("/api/v1/backups", {{"to", copy.string()}});
    // What the backup does not know: points earned, spent with the server, spent without, and one still on
    // hold.
    shop.earn(neighbour, card, 40);
    REQUIRE(shop.level(140));
    REQUIRE(shop.spend_in_time(elsewhere, card, 30));
    REQUIRE(shop.level(110));
    const auto number = shop.scan(neighbour, card);
    PointsShop::Answer held;
    REQUIRE(
        PointsShop::eventually([&] { return (held = shop.redeem(neighbour, number, 50)).status == 200; }));
    shop.kill_server();
    CHECK(shop.spend(lead, card, 20) == 20);

    const auto database = shop.folder.path() / "shop" / "server" / "mudi.db";
    bool by_hand = false;
    SECTION("by the program for it") {
        Program restore({MUDI_PROGRAMS "/mudi", "server", "restore", "--from", copy.string(), "--config",
                         shop.fleet.server_config().string()},
                        shop.folder.path() / "restore.log");
        REQUIRE(restore.wait() == 0);
    }
    SECTION("by somebody who copies the file") {
        for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(database.string() + end);
        std::filesystem::copy_file(copy, database);
        by_hand = true;
    }
    shop.fleet.kill_till(lead); // it cannot tell yet
    REQUIRE(shop.fleet.start_server());
    REQUIRE(PointsShop::eventually([&] { return shop.status(elsewhere)["linked"] == true; }));
    PointsShop::Answer refused;
    CHECK(shop.spend(elsewhere, card, 30, &refused) == 0);
    CHECK(shop.exposure()["settling"] == true);
    // Before any till could show it.
    const auto log = text_of(shop.folder.path() / "shop" / "server.log");
    CHECK((log.find("points.put_back") != std::string::npos) == by_hand);
    REQUIRE(shop.fleet.start_till(lead));
    CHECK_FALSE(PointsShop::eventually([&] { return shop.exposure()["settling"] == false; }, 8s));
    REQUIRE(shop.pay(neighbour, number, held)); // the last that was on hold

    const auto began = std::chrono::steady_clock::now();
    REQUIRE(PointsShop::eventually([&] { return shop.exposure()["settling"] == false; }, 120s));
    const auto took = std::chrono::steady_clock::now() - began;
    CAPTURE(std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
    REQUIRE(PointsShop::eventually([&] { return shop.balance(card) == 40; }));
    REQUIRE(shop.level(40));
    check_books(shop, 40);
    CHECK(shop.spend(neighbour, card, 41, &refused) == 0);
    CHECK(shop.spend_in_time(neighbour, card, 40));
    REQUIRE(shop.level(0));
    check_books(shop, 0);
}

TEST_CASE(
    "a POS that asks twice holds the points once, and a till that is killed gives back what nobody spent") {
    PointsShop shop;
    shop.earn(lead, card, 100);
    REQUIRE(shop.level(100));
    shop.kill_server();
    const auto number = shop.scan(neighbour, card);
    const std::string path = "/v1/txn/" + number + "/redeem";
    const auto ask = [&] {
        return shop.call(neighbour, "POST", path, {{"points", 60}}, {{"Idempotency-Key", "once"}});
    };
    const auto first = ask();
    REQUIRE(first.status == 200);
    CHECK(ask().body == first.body);
    CHECK(shop.rights(lead) == 40);
    CHECK(shop.redeem(neighbour, number, 40).code() == "redeem.held");

    // Killed between hold and sale: the hold belongs to the transaction still, and goes with it.
    shop.fleet.kill_till(neighbour);
    REQUIRE(shop.fleet.start_till(neighbour));
    CHECK(shop.spend(neighbour, card, 41) == 0);
    REQUIRE(shop.call(neighbour, "PUT", "/v1/txn/" + number, json::object()).status == 200);
    REQUIRE(shop.call(neighbour, "POST", "/v1/txn/" + number + "/cancel", json::object()).status == 204);
    REQUIRE(shop.fleet.start_server());
    REQUIRE(shop.level(100));
    check_books(shop, 100);

    // And with the sale after all.
    shop.kill_server();
    const auto again = shop.scan(neighbour, card);
    const auto held = shop.redeem(neighbour, again, 70);
    REQUIRE(held.status == 200);
    shop.fleet.kill_till(neighbour);
    REQUIRE(shop.fleet.start_till(neighbour));
    REQUIRE(shop.call(neighbour, "PUT", "/v1/txn/" + again, json::object()).status == 200);
    REQUIRE(
        shop.call(neighbour, "POST", "/v1/txn/" + again + "/identify", {{"kind", "card"}, {"value", card}})
            .status == 200);
    CHECK(shop.pay(neighbour, again, held));
    REQUIRE(shop.fleet.start_server());
    REQUIRE(shop.level(30));
    check_books(shop, 30);
}

TEST_CASE("under a floor limit every till spends up to it, and the owner sees what that may cost") {
    PointsShop shop("offline = \"floor\"\n");
    shop.fleet.stop();
    const std::string floor =
        "[loyalty]\nredeem_min = 1\nredeem_offline_max = 30\n[points]\noffline = \"floor\"\n";
    shop.fleet.set_server_settings(floor);
    REQUIRE(shop.fleet.start());
    shop.earn(neighbour, card, 100);
    REQUIRE(shop.level(0)); // nothing is set aside
    const auto books = shop.exposure();
    CHECK(books["offline"] == "floor");
    CHECK(books["redeem_offline_max"] == 30);
    // At one of the two tills of her store she spends what is hers.
    CHECK(books["at_risk"] == json{{"points", 30}, {"amount", 30 * 25}});
    CHECK(books["outstanding"]["points"] == 0);

    shop.kill_server();
    PointsShop::Answer refused;
    for (const std::size_t till : {lead, neighbour}) {
        CHECK(shop.spend(till, card, 31, &refused) == 0);
        CHECK(refused.status == 422);
        CHECK(refused.code() == "redeem.offline_cap");
        CHECK(refused.available() == 30);
        CHECK(shop.spend(till, card, 20) == 20);
        CHECK(shop.spend(till, card, 11, &refused) == 0);
        CHECK(refused.available() == 10);
        CHECK(shop.spend(till, card, 10) == 10);
        CHECK(shop.spend(till, card, 1, &refused) == 0);
        CHECK(refused.available() == 0);
    }
    REQUIRE(shop.fleet.start_server());
    REQUIRE(PointsShop::eventually([&] { return shop.balance(card) == 40; }));
    // The tills know it before the server goes again: only then is it another outage.
    for (const std::size_t till : {lead, neighbour})
        REQUIRE(PointsShop::eventually([&] { return shop.points_at(till, card) == 40; }));
    REQUIRE(shop.level(0));
    // In the next outage she may spend 30 at each again: of 40 that is 20 too many.
    shop.kill_server();
    CHECK(shop.spend(lead, card, 30) == 30);
    CHECK(shop.spend(neighbour, card, 30) == 30);
    REQUIRE(shop.fleet.start_server());
    REQUIRE(PointsShop::eventually([&] { return shop.balance(card) == -20; }));
    const auto after = shop.exposure();
    CHECK(after["overdrawn"] == json{{"points", 20}, {"amount", 20 * 25}});
    CHECK(after["breached"]["points"] == 0); // the owner's own risk is no alarm
    CHECK(after["at_risk"]["points"] == 0);  // who owes can spend nothing
    CHECK(shop.server_get("/api/v1/status")["alarms"].empty());

    const auto token = shop.folder.path() / "token";
    std::ofstream(token) << shop.fleet.server().token << "\n";
    Program told({MUDI_PROGRAMS "/mudi", "server", "points", "--server", shop.fleet.server().url,
                  "--token-file", token.string()},
                 shop.folder.path() / "points.log");
    std::string all;
    for (std::string line = told.read_line(); !line.empty(); line = told.read_line()) all += line + "\n";
    CHECK(told.wait() == 0);
    CHECK_THAT(all, Catch::StartsWith("floor limit: up to 30 points"));
    CHECK_THAT(all, Catch::Contains("INR 5.00"));
}
