#include <catch2/catch.hpp>

#include <csignal>
#include <fstream>
#include <string>

#include <sys/stat.h>

#include <mudi/base/db/connection.hpp>
#include <support/temp_dir.hpp>

#include "server_process.hpp"

using namespace mudi;
using test::Program;
using test::ServerProcess;
using test::TempDir;

namespace {

/// One clear line and the right exit code; the line names `word`.
void check_refusal(const ServerProcess::Refusal& refusal, int exit_code, const std::string& word) {
    CAPTURE(refusal.lines);
    CHECK(refusal.exit_code == exit_code);
    REQUIRE(refusal.lines.size() == 1);
    CHECK_THAT(refusal.lines[0], Catch::StartsWith("mudi-server: ") && Catch::Contains(word));
}

std::string port_of(const std::string& url) { return url.substr(url.rfind(':') + 1); }

} // namespace

TEST_CASE("the ready line tells both addresses, the authority and the token") {
    const TempDir folder;
    ServerProcess server(folder.path());
    server.start();
    CHECK_THAT(server.http_url(), Catch::StartsWith("http://127.0.0.1:") && !Catch::EndsWith(":0"));
    CHECK_THAT(server.sync_url(), Catch::StartsWith("tls+tcp://127.0.0.1:") && !Catch::EndsWith(":0"));
    CHECK_THAT(server.ca_pem(), Catch::StartsWith("-----BEGIN CERTIFICATE-----"));
    CHECK(server.get("/healthz", "").status == 200);
    CHECK(server.get("/api/v1/status").body["database"] == "sqlite");
    struct stat found {};
    REQUIRE(::stat((server.data_dir() / "admin.token").c_str(), &found) == 0);
    CHECK((found.st_mode & 0777U) == 0600);
}

TEST_CASE("a server that takes any till says so loudly, one that does not says nothing of it") {
    const TempDir folder;
    ServerProcess open(folder.path());
    open.access = "open";
    open.start();
    CHECK_THAT(test::text_of(open.log()), Catch::Contains("sync.access_open") && Catch::Contains("ANY till"));
    CHECK(open.get("/api/v1/status").body["access"] == "open");
    CHECK(open.stop() == 0);
    ServerProcess enrolled(folder.path());
    enrolled.start();
    CHECK_THAT(test::text_of(enrolled.log()), !Catch::Contains("sync.access_open"));
    CHECK(enrolled.get("/api/v1/status").body["access"] == "enrolled");
}

TEST_CASE("every start begins a history of its own") {
    const TempDir folder;
    ServerProcess server(folder.path());
    server.start();
    const auto first = server.get("/api/v1/status").body;
    server.kill();
    server.start();
    const auto second = server.get("/api/v1/status").body;
    CHECK(second["generation"] != first["generation"]);
    CHECK(second["starts"] == first["starts"].get<int>() + 1);
}

TEST_CASE("the API refuses a wrong token") {
    const TempDir folder;
    ServerProcess server(folder.path());
    server.start();
    for (const std::string token :
         {"", "wrong", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}) {
        const auto answer = server.get("/api/v1/status", token);
        CHECK(answer.status == 401);
        CHECK(answer.body["code"] == "http.token");
    }
}

TEST_CASE("a bad configuration is one line and exit code 2") {
    const TempDir folder;
    check_refusal(ServerProcess(folder.path(), "colour = \"green\"").refuse(), 2, "colour");
    check_refusal(ServerProcess(folder.path(), "data_dir = 7").refuse(), 2, "server.toml");
    check_refusal(ServerProcess(folder.path(), "database = \"mysql://x\"").refuse(), 2, "database");
    ServerProcess named(folder.path());
    named.http_listen = "shop.example:80";
    check_refusal(named.refuse(), 2, "shop.example");

    Program missing({MUDI_SERVER, "run", "--config", folder.file("nothing.toml")}, folder.path() / "log");
    CHECK(missing.wait() == 2);
    CHECK_THAT(test::text_of(folder.path() / "log"), Catch::Contains("nothing.toml"));
    Program wrong({MUDI_SERVER, "--frobnicate"}, folder.path() / "log");
    CHECK(wrong.wait() == 2);
}

TEST_CASE("a taken port is one line and exit code 1") {
    const TempDir one;
    const TempDir two;
    ServerProcess first(one.path());
    first.start();
    ServerProcess second(two.path());
    second.http_listen = "127.0.0.1:" + port_of(first.http_url());
    check_refusal(second.refuse(), 1, port_of(first.http_url()));
    second.http_listen = "127.0.0.1:0";
    second.sync_listen = first.sync_url();
    check_refusal(second.refuse(), 1, port_of(first.sync_url()));
}

TEST_CASE("a data folder in use is one line and exit code 1") {
    const TempDir folder;
    ServerProcess first(folder.path());
    first.start();
    check_refusal(ServerProcess(folder.path()).refuse(), 1, "data");
    CHECK(first.get("/healthz").status == 200);
}

TEST_CASE("a corrupt database is one line and exit code 1, and is left as it is") {
    const TempDir folder;
    ServerProcess server(folder.path());
    server.start();
    CHECK(server.stop() == 0);
    const std::string garbage(64 * 1024, 'x');
    std::ofstream(server.data_dir() / "mudi.db", std::ios::trunc) << garbage;
    check_refusal(server.refuse(), 1, "mudi.db");
    CHECK(test::text_of(server.data_dir() / "mudi.db") == garbage);
}

TEST_CASE("a database of a newer program is one line and exit code 1") {
    const TempDir folder;
    ServerProcess server(folder.path());
    server.start();
    CHECK(server.stop() == 0);
    {
        db::Options options;
        options.target = (server.data_dir() / "mudi.db").string();
        const auto connection = db::Connection::open(options);
        REQUIRE(connection);
        REQUIRE((*connection)->execute("UPDATE schema_migration SET number = number + 1000"));
    }
    check_refusal(server.refuse(), 1, "newer");
}

TEST_CASE("a full disk is one line and exit code 1") {
    // A limit on the size of files stands for the disk: each of the first start's files must meet it.
    for (const char* blocks : {"0", "4", "16"}) {
        CAPTURE(blocks);
        const TempDir folder;
        std::ofstream(folder.path() / "server.toml")
            << "data_dir = \"" << folder.file("data")
            << "\"\n[sync]\nlisten = \"tls+tcp://127.0.0.1:0\"\n[http]\n"
               "listen = \"127.0.0.1:0\"\n";
        // stderr goes through a pipe: it must not meet the limit itself.
        Program limited(
            {"/bin/sh", "-c",
             "(ulimit -f " + std::string(blocks) + "; exec \"$0\" run --config \"$1\"; ) 2>&1; echo exit $?",
             MUDI_SERVER, folder.file("server.toml")},
            folder.path() / "log");
        const auto line = limited.read_line();
        CHECK_THAT(line, Catch::StartsWith("mudi-server: "));
        CHECK(limited.read_line() == "exit 1");
    }
}

TEST_CASE("a PostgreSQL that cannot be reached is one line and exit code 1") {
    const TempDir folder;
    const auto extra = "database = \"postgresql:///mudi?host=" + folder.file("nowhere") + "\"";
    check_refusal(ServerProcess(folder.path(), extra).refuse(), 1, "PostgreSQL");
}

TEST_CASE("version, help and the configuration are printed without a server") {
    const TempDir folder;
    const auto first_line = [&](const std::string& option) {
        Program program({MUDI_SERVER, option}, folder.path() / "log");
        auto line = program.read_line();
        while (!program.read_line().empty()) {
        }
        return line;
    };
    CHECK_THAT(first_line("--version"), Catch::StartsWith("mudi-server "));
    CHECK_THAT(first_line("--print-config"), Catch::StartsWith("# The store server"));
    CHECK_THAT(first_line("--help"), Catch::Contains("store server"));
    std::ofstream(folder.path() / "good.toml") << "data_dir = \"/srv/mudi\"\n";
    Program check({MUDI_SERVER, "--check-config", "--config", folder.file("good.toml")},
                  folder.path() / "log");
    CHECK_THAT(check.read_line(), Catch::EndsWith(": ok"));
    CHECK(check.wait() == 0);
}
