#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include <nlohmann/json.hpp>

#include <mudi/base/clock.hpp>

#include "cli/fleet.hpp"
#include "cli/replay/runner.hpp"
#include "cli/server_client.hpp"
#include "program.hpp"
#include "selling.hpp"
#include "support/temp_dir.hpp"

using namespace mudi;
using namespace mudi::cli;
using nlohmann::json;
using test::Book;
using test::Comparison;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

FleetOptions two_tills(const test::TempDir& folder) {
    FleetOptions options;
    options.programs = MUDI_PROGRAMS;
    options.folder = folder.path() / "shop";
    options.tills = {{1, "KOL01", "1"}, {2, "KOL01", "2"}};
    return options;
}

json status_of_till(const Fleet& fleet, std::size_t till) {
    ApiClient client(http::Target::unix_socket(fleet.till(till).socket), {});
    const auto status = client.get("/v1/status");
    REQUIRE(status);
    return *status;
}

json backup(const Fleet& fleet, const fs::path& to) {
    auto server = fleet.operator_client();
    REQUIRE(server);
    const auto made = server->send("POST", "/api/v1/backups", json{{"to", to.string()}}.dump(), false,
                                   "application/json", std::chrono::minutes{2});
    INFO((made ? std::string() : made.error().name + ": " + made.error().what));
    REQUIRE(made);
    return *made;
}

test::Program restore(const Fleet& fleet, const fs::path& from, const fs::path& log) {
    return test::Program({MUDI_PROGRAMS "/mudi", "server", "restore", "--from", from.string(), "--config",
                          fleet.server_config().string(), "--json"},
                         log);
}

bool drained(const Fleet& fleet) { return wait_until_drained(fleet, std::chrono::seconds{90}, true).drained; }

void copy_database(const fs::path& from, const fs::path& to) {
    fs::create_directories(to);
    for (const char* name : {"till.db", "till.db-wal"}) {
        fs::remove(to / name);
        if (fs::exists(from / name)) fs::copy_file(from / name, to / name);
    }
    fs::remove(to / "till.db-shm");
}

} // namespace

TEST_CASE("a server restored from a backup made while tills sold gets every later sale again by itself") {
    test::TempDir folder;
    Fleet fleet(two_tills(folder));
    REQUIRE(fleet.start());
    Book book;
    const auto copy = folder.path() / "copy.db";
    json made;
    {
        std::atomic<int> next{0};
        std::atomic<bool> give_up{false};
        std::jthread one([&] { test::ring_up({fleet.till(0).socket, "A", 400}, next, give_up, book); });
        std::jthread two([&] { test::ring_up({fleet.till(1).socket, "B", 400}, next, give_up, book); });
        while (book.done() < 100 && !give_up) std::this_thread::yield();
        made = backup(fleet, copy);
        one.join();
        two.join();
        REQUIRE_FALSE(give_up);
    }
    CHECK(made["events"] >= 1);
    CHECK(made["events"] <= 400);
    REQUIRE(drained(fleet));
    REQUIRE(compare(book, test::events_at(fleet)) == Comparison{});
    const auto in_backup = made["events"].get<std::size_t>();

    // No server must run on it.
    auto refused = restore(fleet, copy, folder.path() / "refused.log");
    CHECK(refused.wait() == 1);
    CHECK_THAT(refused.errors(), Catch::Contains("data_dir.in_use"));
    fleet.kill_server();
    auto restored = restore(fleet, copy, folder.path() / "restore.log");
    const auto said = json::parse(restored.read_line());
    CHECK(restored.wait() == 0);
    CHECK(said["events"] == in_backup);
    CHECK(fs::exists(said["replaced"].get<std::string>()));

    const auto began = std::chrono::steady_clock::now();
    REQUIRE(fleet.start_server());
    test::sell(fleet, 0, "C", 20, book);
    const auto all_back = [&] { return test::events_at(fleet).size() == book.events().size(); };
    while (!all_back() && std::chrono::steady_clock::now() - began < 90s) std::this_thread::yield();
    const auto took = std::chrono::steady_clock::now() - began;
    CAPTURE(in_backup, std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
    REQUIRE(drained(fleet));
    CHECK(compare(book, test::events_at(fleet)) == Comparison{});
    CHECK(fleet.ended().empty());
}

TEST_CASE("a till whose database is put back from a copy keeps the sales of both lives: 200 of 200") {
    test::TempDir folder;
    Fleet fleet(two_tills(folder));
    REQUIRE(fleet.start());
    Book book;
    test::sell(fleet, 0, "A", 50, book);
    REQUIRE(drained(fleet));
    fleet.kill_till(0);
    const auto copy = folder.path() / "image";
    copy_database(fleet.till_folder(0), copy);

    REQUIRE(fleet.start_till(0));
    test::sell(fleet, 0, "B", 100, book);
    REQUIRE(drained(fleet));
    fleet.kill_till(0);
    copy_database(copy, fleet.till_folder(0));
    // It sells before the server is there to tell it that it has been here before.
    fleet.kill_server();
    REQUIRE(fleet.start_till(0));
    test::sell(fleet, 0, "C", 100, book);
    REQUIRE(fleet.start_server());
    REQUIRE(drained(fleet));
    CHECK(book.events().size() == 250);
    CHECK(compare(book, test::events_at(fleet)) == Comparison{});

    auto server = fleet.operator_client();
    REQUIRE(server);
    const auto tills = server->get("/api/v1/tills");
    REQUIRE(tills);
    const json& till = tills->at("tills").at(0);
    CHECK(till["lives"] == 2);
    CHECK(till["forked_us"].is_number());
    CHECK(tills->at("tills").at(1)["lives"] == 1);
}

TEST_CASE("sales are safe only once a verified backup has them") {
    test::TempDir folder;
    Fleet fleet(two_tills(folder));
    REQUIRE(fleet.start());
    Book book;
    test::sell(fleet, 0, "A", 30, book);
    REQUIRE(drained(fleet));
    auto server = fleet.operator_client();
    REQUIRE(server);
    const auto unsafe_at_server = [&] {
        return server->get("/api/v1/status")->at("inbox").at("unsafe").get<std::int64_t>();
    };
    CHECK(unsafe_at_server() == 30);
    CHECK(status_of_till(fleet, 0)["unsafe"] == 30);

    backup(fleet, folder.path() / "one.db");
    CHECK(unsafe_at_server() == 0);
    // The till hears of it with the next answer.
    test::sell(fleet, 0, "B", 1, book);
    REQUIRE(drained(fleet));
    CHECK(unsafe_at_server() == 1);
    CHECK(status_of_till(fleet, 0)["unsafe"] == 1);

    // What a restore takes away is not safe any more either: the till takes the server's word.
    backup(fleet, folder.path() / "two.db");
    fleet.kill_server();
    auto restored = restore(fleet, folder.path() / "one.db", folder.path() / "restore.log");
    REQUIRE(restored.wait() == 0);
    REQUIRE(fleet.start_server());
    test::sell(fleet, 0, "C", 1, book);
    REQUIRE(drained(fleet));
    CHECK(compare(book, test::events_at(fleet)) == Comparison{});
    server = fleet.operator_client();
    REQUIRE(server);
    CHECK(unsafe_at_server() == 32);
}

TEST_CASE("a real till renews its certificate by itself and is there when the old one has ended") {
    test::TempDir folder;
    auto options = two_tills(folder);
    options.tills.pop_back();
    options.server_arguments = {"--certificate-life", "12"};
    Fleet fleet(options);
    REQUIRE(fleet.start_server());
    REQUIRE(fleet.enrol(0, false));
    const auto file = fleet.till_folder(0) / "identity" / "certificate.pem";
    const auto first = test::text_of(file);
    const auto ended = SystemClock{}.wall() + 13s;
    fleet.kill_server();

    // The same server, which now gives certificates of the usual length.
    fleet.set_server_arguments({});
    REQUIRE(fleet.start_server());
    REQUIRE(fleet.start_till(0));
    Book book;
    int sold = 0;
    while (test::text_of(file) == first && SystemClock{}.wall() < ended)
        test::sell(fleet, 0, "A" + std::to_string(sold++), 1, book);
    CHECK(test::text_of(file) != first);
    while (SystemClock{}.wall() < ended) test::sell(fleet, 0, "B" + std::to_string(sold++), 1, book);
    fleet.kill_server();
    REQUIRE(fleet.start_server());
    test::sell(fleet, 0, "C", 1, book);
    REQUIRE(drained(fleet));
    CHECK(compare(book, test::events_at(fleet)) == Comparison{});
}
