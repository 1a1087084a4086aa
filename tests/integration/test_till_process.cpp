#include "till_process.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include <poll.h>
#include <sys/mount.h>

#include <mudi/base/db/connection.hpp>
#include <mudi/http/event_reader.hpp>

using namespace mudi;
using namespace mudi::test;
using nlohmann::json;

namespace {

namespace fs = std::filesystem;

/// One line, that names the error, and nothing else.
void fails(const TillProcess& till, int code, const std::string& name,
           std::vector<std::string> arguments = {}) {
    const auto ended = till.run_to_the_end(std::move(arguments));
    INFO(ended.errors);
    CHECK(ended.code == code);
    CHECK_THAT(ended.errors, Catch::StartsWith("mudi-till: ") && Catch::EndsWith("(" + name + ")\n"));
    CHECK(std::count(ended.errors.begin(), ended.errors.end(), '\n') == 1);
}

/// Waits for something another process does. Bounded, and far beyond what it ever takes.
template <class Done>
bool soon(Done done) {
    for (int i = 0; i < 2000; ++i) {
        if (done()) return true;
        std::this_thread::yield();
        ::poll(nullptr, 0, 5);
    }
    return false;
}

std::int64_t captured(const TillProcess& till) { return till.ask("GET", "/v1/status")["captured"]; }

void spool(const TillProcess& till, const std::string& name, const std::string& content) {
    REQUIRE(make_folder(till.file("spool"), 0770));
    REQUIRE(write_file(till.file("spool/" + name + ".tmp"), content, 0640));
    fs::rename(till.file("spool/" + name + ".tmp"), till.file("spool/" + name));
}

} // namespace

TEST_CASE("a wrong configuration ends the start with one line and exit code 2") {
    TillProcess till;
    till.write_config("tlil = 4");
    fails(till, 2, "config.unknown_key");
    till.write_config("currency = 356");
    fails(till, 2, "config.type");
    till.write_config("currency = \"ZZZ\"");
    fails(till, 2, "config.range");
    till.write_config("log_level = \"loud\"");
    fails(till, 2, "config.range", {"--check-config"});
    REQUIRE(write_file(till.config(), "", 0600));
    fails(till, 2, "config.range"); // till, store and workstation have no default
    fs::remove(till.config());
    fails(till, 2, "config.missing");
    CHECK(till.run_to_the_end({"fly"}).code == 2);
}

TEST_CASE("a corrupt database ends the start with one line") {
    TillProcess till;
    till.start();
    till.ask("POST", "/v1/complete", small_sale("A"));
    CHECK(till.stop(SIGTERM) == 0);
    {
        std::fstream file(till.file("till.db"), std::ios::in | std::ios::out | std::ios::binary);
        file << std::string(4096, '\x5a');
    }
    fails(till, 1, "db.corrupt");
}

TEST_CASE("a newer database ends the start with one line and is left as it is") {
    TillProcess till;
    till.start();
    CHECK(till.stop(SIGTERM) == 0);
    {
        db::Options options;
        options.target = till.file("till.db");
        auto connection = db::Connection::open(options);
        REQUIRE(connection);
        REQUIRE((*connection)->execute("UPDATE schema_migration SET number = number + 1000"));
    }
    fails(till, 1, "db.newer_schema");
}

TEST_CASE("another till's database, a lost key and a second agent end the start with one line") {
    TillProcess till;
    till.start();
    fails(till, 1, "agent.running");
    CHECK(till.stop(SIGTERM) == 0);
    std::string other = "data_dir = \"" + till.data() +
                        "\"\ntill = 4\nstore = \"KOL01\"\nworkstation = \"2\"\n[api]\nport = 0\n";
    REQUIRE(write_file(till.config(), other, 0600));
    fails(till, 1, "till.other_identity");
    till.write_config("");
    REQUIRE(write_file(till.file("till.key"), std::string(64, 'a') + "\n", 0600));
    fails(till, 1, "till.wrong_key");
    fs::remove(till.file("till.key"));
    fails(till, 1, "till.key_missing");
}

TEST_CASE("a taken port ends the start with one line") {
    TillProcess first;
    first.start();
    TillProcess second;
    second.port = std::to_string(first.tcp_port);
    second.write_config("");
    fails(second, 1, "http.port_taken");
}

TEST_CASE("an unreadable CA file ends the start with one line") {
    TillProcess till;
    REQUIRE(write_file(till.config(), "data_dir = \"" + till.data() + R"("
till = 3
store = "KOL01"
workstation = "2"
[api]
port = 0
[sync]
server = "tls+tcp://127.0.0.1:1"
ca_file = "/nonexistent/ca.pem"
)",
                       0600));
    fails(till, 1, "file.missing");
}

TEST_CASE("a full disk ends the start with one line") {
    TillProcess till;
    REQUIRE(make_folder(till.data(), 0750));
    if (::mount("tmpfs", till.data().c_str(), "tmpfs", 0, "size=16k") != 0) {
        WARN("skipped: no right to mount a small disk");
        return;
    }
    const auto ended = till.run_to_the_end();
    ::umount(till.data().c_str());
    INFO(ended.errors);
    CHECK(ended.code == 1);
    CHECK_THAT(ended.errors, Catch::EndsWith("(db.full)\n") || Catch::EndsWith("(file.full)\n"));
    CHECK(std::count(ended.errors.begin(), ended.errors.end(), '\n') == 1);
}

TEST_CASE("kill -9 loses no receipt and repeats none") {
    TillProcess till;
    till.start();
    const json first = till.ask("POST", "/v1/complete", small_sale("K1"));
    CHECK(till.stop(SIGKILL) == 128 + SIGKILL);
    till.start();
    const json again = till.ask("POST", "/v1/complete", small_sale("K1"));
    CHECK(again["repeated"] == true);
    CHECK(again["event"] == first["event"]);
    CHECK(till.ask("GET", "/v1/receipts/" + first["business_day"].get<std::string>() + "/K1")["event"] ==
          first["event"]);
    CHECK(captured(till) == 1);
    CHECK(till.stop(SIGINT) == 0);
}

TEST_CASE("a suspended sale is resumed after kill -9") {
    TillProcess till;
    till.start();
    till.ask("PUT", "/v1/txn/S1", {{"operator", "asha"}});
    till.ask("PUT", "/v1/txn/S1/basket", {{"lines", small_sale("S1")["lines"]}, {"total", 5200}});
    till.ask("POST", "/v1/txn/S1/suspend");
    till.ask("PUT", "/v1/txn/S2");
    till.stop(SIGKILL);
    till.start();
    const json open = till.ask("PUT", "/v1/txn/S1");
    CHECK(open["operator"] == "asha");
    REQUIRE(open["lines"].size() == 1);
    CHECK(open["lines"][0]["amount"] == 5200);
    const json receipt =
        till.ask("POST", "/v1/txn/S1/complete", {{"tenders", {{{"kind", "cash"}, {"amount", 5200}}}}});
    CHECK(receipt["total"] == 5200);
    CHECK(till.send("GET", "/v1/txn/S2").status == 404);
}

TEST_CASE("a training sale is kept apart and earns nothing") {
    TillProcess till;
    till.start();
    json sale = small_sale("T1");
    sale["training"] = true;
    CHECK(till.ask("POST", "/v1/complete", sale)["training"] == true);
    till.stop(SIGKILL);
    till.start();
    const json again = till.ask("POST", "/v1/complete", sale);
    CHECK(again["training"] == true);
    CHECK(again["points_earned"] == 0);
}

TEST_CASE("spooled sales are taken at start and while running, refused ones stand aside with the reason") {
    TillProcess till;
    spool(till, "0002.json", small_sale("SP2").dump());
    spool(till, "0001.json", small_sale("SP1").dump());
    spool(till, "0003.json", "{\"number\":\"SP3\"");
    till.start();
    REQUIRE(soon([&] { return !fs::exists(till.file("spool/0003.json")); }));
    CHECK(captured(till) == 2);
    CHECK_FALSE(fs::exists(till.file("spool/0001.json")));
    CHECK(fs::exists(till.file("spool/refused/0003.json")));
    const auto problem = read_small_file(till.file("spool/refused/0003.problem.json"), 10'000);
    REQUIRE(problem);
    CHECK(json::parse(*problem)["code"] == "json.syntax");
    CHECK(till.ask("GET", "/v1/status")["spool_refused"] == 1);

    json sale = small_sale("SP4");
    sale["event_id"] = "0123456789abcdef0123456789abcdef";
    spool(till, "0004.json", sale.dump());
    REQUIRE(soon([&] { return !fs::exists(till.file("spool/0004.json")); }));
    CHECK(till.ask("POST", "/v1/complete", sale)["repeated"] == true);
    CHECK(captured(till) == 3);
    till.stop(SIGKILL);
    till.start();
    CHECK(till.ask("GET", "/v1/status")["spool_refused"] == 1);
}

TEST_CASE("a code from 'mudi-till pair' becomes a token that opens the till over TCP") {
    TillProcess till;
    till.start();
    Program pair({MUDI_TILL, "pair", "--config", till.config()}, till.folder.file("pair.log"));
    const std::string code = pair.read_line();
    CHECK(pair.wait() == 0);
    REQUIRE(code.size() == 6);
    const json token = till.ask("POST", "/v1/pair", {{"code", code}})["token"];
    http::Call call;
    call.target = "/v1/status";
    http::Client client(http::Target::tcp("127.0.0.1", till.tcp_port));
    CHECK(client.send(call)->status == 401);
    call.headers.add("Authorization", "Bearer " + token.get<std::string>());
    CHECK(client.send(call)->status == 200);
    Program status({MUDI_TILL, "status", "--json", "--config", till.config()},
                   till.folder.file("status.log"));
    CHECK(json::parse(status.read_line())["store"] == "KOL01");
    CHECK(status.wait() == 0);
    till.stop(SIGTERM);
    fails(till, 1, "agent.unreachable", {"pair"});
}

TEST_CASE("a reader of events from before a restart is told to ask for the state again") {
    TillProcess till;
    till.start();
    const auto target = http::Target::unix_socket(till.socket());
    const auto open = [&](const std::string& query) {
        http::Call call;
        call.target = "/v1/events" + query;
        auto reader = http::EventReader::open(target, call);
        REQUIRE(reader);
        return *std::move(reader);
    };
    const auto next = [](http::EventReader& reader) {
        auto event = reader.next(Duration{10'000});
        REQUIRE(event);
        REQUIRE(*event);
        return **event;
    };
    std::string seen;
    {
        auto reader = open("");
        CHECK(next(reader).event == "hello");
        till.ask("POST", "/v1/complete", small_sale("E1"));
        const auto completed = next(reader);
        CHECK(completed.event == "completed");
        seen = completed.id;
    }
    till.ask("POST", "/v1/complete", small_sale("E2"));
    {
        auto reader = open("?after=" + seen);
        CHECK(next(reader).event == "hello");
        CHECK(json::parse(next(reader).data)["number"] == "E2");
    }
    till.stop(SIGKILL);
    till.start();
    auto reader = open("?after=" + seen);
    CHECK(next(reader).event == "hello");
    CHECK(next(reader).event == "reset");
}

TEST_CASE("the key of the data is a secret file and the shipped configuration shows the defaults") {
    TillProcess till;
    till.start();
    CHECK((fs::status(till.file("till.key")).permissions() & fs::perms::all) ==
          (fs::perms::owner_read | fs::perms::owner_write));
    CHECK((fs::status(till.socket()).permissions() & fs::perms::all) ==
          (fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read | fs::perms::group_write));
    Program print({MUDI_TILL, "--print-config"}, till.folder.file("print.log"));
    std::string printed;
    for (int i = 0; i < 200; ++i) printed += print.read_line(std::chrono::seconds{1}) + "\n";
    CHECK(print.wait() == 0);
    const auto shipped = read_small_file(MUDI_TILL_TOML, 100'000);
    REQUIRE(shipped);
    CHECK(printed.substr(0, shipped->size()) == *shipped);
    CHECK_THAT(printed.substr(shipped->size()), !Catch::Contains("="));
}
