#include <catch2/catch.hpp>

#include <chrono>
#include <filesystem>
#include <string>

#include <mudi/base/clock.hpp>
#include <mudi/sync/identity.hpp>
#include <support/temp_dir.hpp>

#include "cli/enrol.hpp"
#include "server_process.hpp"
#include "wire_till.hpp"

using namespace mudi;
using test::ServerProcess;
using test::TempDir;
using test::WireIdentity;
using test::WireTill;
using namespace std::chrono_literals;

namespace {

/// Long enough for a connection and a hello to be refused many times over.
constexpr auto a_while = std::chrono::seconds{2};

/// The error's name, or "enrolled".
std::string outcome(const Result<cli::Enrolled>& enrolled) {
    return enrolled ? std::string("enrolled") : enrolled.error().name;
}

std::string code_for(const ServerProcess& server, std::int64_t till) {
    const nlohmann::json wanted{
        {"till", till}, {"store", "KOL01"}, {"workstation", "W" + std::to_string(till)}};
    return server.post("/api/v1/tills", wanted.dump()).body.at("code");
}

nlohmann::json row_of(const ServerProcess& server, std::int64_t till) {
    const auto tills = server.get("/api/v1/tills").body;
    for (const auto& row : tills.at("tills"))
        if (row.at("till") == till) return row;
    return {};
}

/// Everything that was captured is acknowledged.
bool level(WireTill& till, std::chrono::seconds patience = std::chrono::seconds{60}) {
    return till.run_until(
        [&] { return till.acked().value == static_cast<std::int64_t>(till.captured().size()); }, patience);
}

} // namespace

TEST_CASE("an enrolled till sells, a revoked one is cut off at once, a new code brings it back with all its "
          "sales") {
    const TempDir folder;
    ServerProcess server(folder.path());
    server.start();
    WireTill till(TillId{3}, "KOL01", 1);
    const auto first = server.enrol(TillId{3}, "KOL01");
    CHECK(row_of(server, 3)["enrolled"] == true);
    CHECK(row_of(server, 3)["certificate_days"] > 300);
    till.link(server.sync_url(), first);
    for (int i = 0; i < 20; ++i) till.sell();
    REQUIRE(level(till));
    CHECK(row_of(server, 3)["connected"] == true);

    const auto before = std::chrono::steady_clock::now();
    REQUIRE(server.post("/api/v1/tills/3/revoke").status == 200);
    REQUIRE(till.run_until([&] { return !till.linked(); }));
    const auto took = std::chrono::steady_clock::now() - before;
    CAPTURE(std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
    CHECK(took < 1s);
    for (int i = 0; i < 10; ++i) till.sell();
    CHECK(till.run_until([&] { return till.was_told("till.revoked"); }));
    CHECK_FALSE(level(till, a_while));
    CHECK(server.get("/api/v1/status").body["inbox"]["received"] == 20);
    CHECK(row_of(server, 3)["revoked"] == true);

    const auto second = server.enrol(TillId{3}, "KOL01");
    CHECK(second.key_pem != first.key_pem);
    till.link(server.sync_url(), second);
    REQUIRE(level(till));
    CHECK(server.get("/api/v1/status").body["inbox"]["received"] == 30);
    // The key from before is nobody's any more, certificate or not.
    till.sell();
    till.link(server.sync_url(), first);
    CHECK_FALSE(level(till, a_while));
    CHECK(till.was_told("till.signature"));
    CHECK(till.lives() == 0);
}

TEST_CASE("a code enrols once; wrong, used and malformed ones do not, nor does a folder that is enrolled") {
    const TempDir folder;
    ServerProcess server(folder.path());
    server.start();
    const auto code = code_for(server, 3);
    const auto enrol = [&](const std::string& given, const std::string& name, bool again = false) {
        return outcome(cli::enrol_till({server.http_url(), given, folder.path() / name, again}));
    };
    CHECK(enrol("not a code", "a") == "enrol.code");
    CHECK(enrol("00000-00000-00000-00000", "a") == "code.unknown");
    CHECK_FALSE(std::filesystem::exists(folder.path() / "a" / "identity"));
    // As somebody reads it out and types it.
    std::string typed;
    for (const char c : code) typed += c == '-' ? ' ' : static_cast<char>(std::tolower(c));
    CHECK(enrol(typed, "a") == "enrolled");
    CHECK(enrol(code, "b") == "code.used");
    CHECK_FALSE(std::filesystem::exists(folder.path() / "b" / "identity"));
    CHECK(enrol(code, "a") == "enrol.already");
    CHECK(enrol(code, "a", true) == "code.used");
    // What did not succeed left the identity as it was.
    const auto key = test::text_of(folder.path() / "a" / "identity" / "key.pem");
    CHECK(sync::TillKey::from_pem(key));
    const auto again = server.post("/api/v1/tills/3/code").body.at("code").get<std::string>();
    CHECK(enrol(again, "a", true) == "enrolled");
    CHECK(test::text_of(folder.path() / "a" / "identity" / "key.pem") != key);
    const auto mode = std::filesystem::status(folder.path() / "a" / "identity" / "key.pem").permissions();
    CHECK(mode == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
    CHECK(server.stop() == 0);
    CHECK(enrol(again, "c") == "http.connect");
}

TEST_CASE(
    "a till without a certificate, and one whose certificate another authority signed, do not come in") {
    const TempDir folder;
    const TempDir elsewhere;
    ServerProcess server(folder.path());
    ServerProcess other(elsewhere.path());
    server.start();
    other.start();
    const auto identity = server.enrol(TillId{3}, "KOL01");
    WireTill till(TillId{3}, "KOL01", 1);
    till.sell();
    till.link(server.sync_url(), {{}, {}, identity.ca_pem});
    CHECK_FALSE(level(till, a_while));
    auto foreign = other.enrol(TillId{3}, "KOL01");
    foreign.ca_pem = identity.ca_pem;
    till.link(server.sync_url(), foreign);
    CHECK_FALSE(level(till, a_while));
    CHECK(server.get("/api/v1/status").body["inbox"]["received"] == 0);
    till.link(server.sync_url(), identity);
    CHECK(level(till));
}

TEST_CASE("a till cannot speak for another one, neither in its hello nor on the connection it proved") {
    const TempDir folder;
    ServerProcess server(folder.path());
    server.start();
    const auto third = server.enrol(TillId{3}, "KOL01");
    server.enrol(TillId{4}, "KOL01");
    WireTill impostor(TillId{4}, "KOL01", 1);
    impostor.sell();
    impostor.link(server.sync_url(), third);
    CHECK(impostor.run_until([&] { return impostor.was_told("till.signature"); }));
    CHECK(impostor.acked() == EventSeq{0});

    WireTill till(TillId{3}, "KOL01", 2);
    till.link(server.sync_url(), third);
    till.sell();
    REQUIRE(level(till));
    till.sell();
    till.pretend(TillId{4});
    CHECK(till.run_until([&] { return till.was_told("till.other"); }));
    server.wait_for_status([](const auto& status) { return status.at("inbox").at("waiting") == 0; });
    CHECK(server.get("/api/v1/purchases?till=4").body["purchases"].empty());
    CHECK(server.get("/api/v1/status").body["inbox"]["received"] == 1);

    // In another store than it was enrolled for.
    WireTill moved(TillId{3}, "PUN02", 3);
    moved.link(server.sync_url(), third);
    CHECK(moved.run_until([&] { return moved.was_told("till.store"); }));
}

TEST_CASE("without encryption the signature is demanded all the same") {
    const TempDir folder;
    ServerProcess server(folder.path());
    server.sync_listen = "tcp://127.0.0.1:0";
    server.start();
    const auto identity = server.enrol(TillId{3}, "KOL01");
    WireTill till(TillId{3}, "KOL01", 1);
    till.sell();
    till.link(server.sync_url(), {});
    CHECK_FALSE(level(till, a_while));
    WireIdentity other = identity;
    other.key_pem = sync::TillKey::make()->pem().value();
    till.link(server.sync_url(), other);
    CHECK(till.run_until([&] { return till.was_told("till.signature"); }));
    till.link(server.sync_url(), identity);
    CHECK(level(till));
}

TEST_CASE("a server for trials takes a till that was never enrolled") {
    const TempDir folder;
    ServerProcess server(folder.path());
    server.access = "open";
    server.start();
    WireTill till(TillId{3}, "KOL01", 1);
    till.sell();
    till.link(server.sync_url(), {{}, {}, server.ca_pem()});
    CHECK(level(till));
}

TEST_CASE(
    "a certificate is renewed over the connection, for the same key, and the next connection shows it") {
    const TempDir folder;
    ServerProcess server(folder.path());
    server.more_arguments = {"--certificate-life", "600"};
    server.start();
    auto identity = server.enrol(TillId{3}, "KOL01");
    const auto first = sync::read_certificate(identity.certificate_pem);
    REQUIRE(first);
    CHECK(first->not_after < SystemClock{}.wall() + 601s);
    server.kill();
    server.more_arguments.clear();
    server.start();

    WireTill till(TillId{3}, "KOL01", 1);
    till.link(server.sync_url(), identity);
    till.sell();
    REQUIRE(level(till));
    till.renew();
    REQUIRE(till.run_until([&] { return !till.certificates().empty(); }));
    identity.certificate_pem = till.certificates().back();
    const auto second = sync::read_certificate(identity.certificate_pem);
    REQUIRE(second);
    CHECK(second->public_key == first->public_key);
    CHECK(second->serial != first->serial);
    CHECK(second->not_after > first->not_after + std::chrono::days{300});
    CHECK(row_of(server, 3)["certificate_serial"] == second->serial);
    CHECK(row_of(server, 3)["certificate_until_us"] == to_ms(second->not_after) * 1000);
    till.sell();
    till.link(server.sync_url(), identity);
    CHECK(level(till));
}
