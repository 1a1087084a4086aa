#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include "cli/fleet.hpp"
#include "support/temp_dir.hpp"

using namespace mudi;
using namespace mudi::cli;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

struct Ran {
    int code{};
    std::string out;
};

/// The mudi command as an operator would call it.
Ran mudi_command(const test::TempDir& folder, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), MUDI_PROGRAMS "/mudi");
    auto process = Process::start(arguments, folder.path() / "mudi.log");
    REQUIRE(process);
    Ran ran;
    for (;;) {
        const auto line = process->read_line(120s);
        if (!line) {
            REQUIRE(line.error().name == "process.ended");
            break;
        }
        ran.out += *line + "\n";
    }
    ran.code = process->wait(10s).value();
    return ran;
}

std::string write(const test::TempDir& folder, const std::string& name, const std::string& text) {
    const auto path = folder.path() / name;
    std::ofstream(path) << text;
    return path.string();
}

std::vector<std::string> restore_words(const std::string& from, const Fleet& fleet) {
    return {"server", "restore", "--from", from, "--config", fleet.server_config().string(), "--json"};
}

} // namespace

TEST_CASE("a data set goes through real tills and comes out the same at the server") {
    test::TempDir folder;
    std::string text =
        "basket_id,customer_id,country,timestamp,product_id,description,quantity,unit_price,sales_value\n";
    for (int i = 100; i < 160; ++i) {
        const std::string day = std::to_string(i % 28 + 1);
        const std::string head = std::to_string(i) + "," +
                                 (i % 5 == 0 ? "" : "C" + std::to_string(1000 + i % 7)) + ",UK,2011-01-" +
                                 (day.size() == 1 ? "0" + day : day) + " 10:00:00,";
        text += head + "22423,CAKESTAND,4,2.50,10.0\n" + head + "POST,POSTAGE,1,18.00,18.0\n";
    }
    text += "C900,C1001,UK,2011-02-01 10:00:00,22423,CAKESTAND,-2,2.50,-5.0\n";
    text += "901,,UK,2011-02-01 10:00:00,22423,,-7,0.0,0.0\n";
    const auto input = write(folder, "retail.csv", text);

    const Ran ran = mudi_command(
        folder, {"replay", "--format", "online-retail", "--input", input, "--tills", "2", "--json"});
    CHECK(ran.code == 0);
    const json result = json::parse(ran.out);
    CHECK(result["agrees"] == true);
    CHECK(result["file"] == result["tills"]);
    CHECK(result["file"] == result["server"]);
    CHECK(result["server"]["transactions"] == 62);
    CHECK(result["server"]["lines"] == 122);
    CHECK(result["server"]["value_minor"] == 60 * 2800);
    CHECK(result["server"]["return_minor"] == 500);
    CHECK(result["returns_linked"] == 1);
    CHECK(mudi_command(folder, {"replay", "--format", "online-retail", "--input", "/nowhere.csv"}).code == 1);
}

TEST_CASE("the demo brings every sale to the server and offers to the tills, then stops by itself") {
    test::TempDir folder;
    const Ran ran =
        mudi_command(folder, {"demo", "--seconds", "3", "--people", "300", "--json", "--seed", "5"});
    CAPTURE(ran.out);
    CHECK(ran.code == 0);
    const json summary = json::parse(ran.out);
    CHECK(summary["ok"] == true);
    CHECK(summary["saved"] > 30);
    CHECK(summary["saved"] == summary["at_server"]);
    CHECK(summary["with_offer"] > 0);
    CHECK(summary["server"]["merges"] > 0);
    // Its server was away for a second meanwhile.
    CHECK(summary["points_redeemed_offline"] > 0);
    CHECK(summary["points_overspent"] == 0);
}

TEST_CASE("an operator imports, looks and is told what was wrong") {
    test::TempDir folder;
    Fleet fleet({.programs = MUDI_PROGRAMS,
                 .folder = folder.path() / "shop",
                 .tills = {},
                 .database = {},
                 .card_ranges = {}});
    REQUIRE(fleet.start_server());
    const auto token = write(folder, "token", fleet.server().token + "\n");
    const auto asked = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.end(), {"--server", fleet.server().url, "--token-file", token, "--json"});
        return mudi_command(folder, std::move(arguments));
    };
    const auto people = write(folder, "people.csv",
                              "source_key,name,language,phone,phone_verified,card\n"
                              "1,কমলা দাস,bn,+919830012345,yes,2900000000018\n"
                              "2,Kamala Das,en,+919830012345,yes,\n"
                              "3,Nobody,en,12,no,\n");
    const Ran first = asked({"import", "customers", people});
    CHECK(first.code == 1); // one row is refused, and said so
    const json totals = json::parse(first.out);
    CHECK(totals["stored"] == 2);
    CHECK(totals["refused"].size() == 1);
    CHECK(totals["refused"][0]["row"] == 4);
    CHECK(json::parse(asked({"import", "customers", people}).out)["unchanged"] == 2);

    const Ran shown = asked({"customer", "show", "2900000000018"});
    CHECK(shown.code == 0);
    const json profiles = json::parse(shown.out);
    REQUIRE(profiles.size() == 1);
    CHECK(profiles[0]["records"].size() == 2); // one person, written in two scripts
    CHECK(asked({"customer", "show", "2900000000999"}).code == 1);

    const json status = json::parse(asked({"status"}).out);
    CHECK(status["server"]["profiles"] == 1);
    CHECK(status["server"]["merges"] == 1);
    CHECK(asked({"quarantine", "list"}).out == "[]\n");
    CHECK(asked({"quarantine", "show", "1"}).code == 1);
    CHECK(mudi_command(folder, {"import", "customers"}).code == 2);
    CHECK(mudi_command(folder,
                       {"customer", "show", "1", "--server", fleet.server().url, "--token-file", "/nowhere"})
              .code == 1);
}

TEST_CASE("an operator adds a till, somebody enrols it, it is listed, backed up, revoked and restored") {
    test::TempDir folder;
    Fleet fleet({.programs = MUDI_PROGRAMS,
                 .folder = folder.path() / "shop",
                 .tills = {},
                 .database = {},
                 .card_ranges = {}});
    REQUIRE(fleet.start_server());
    const auto token = write(folder, "token", fleet.server().token + "\n");
    const auto asked = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.end(), {"--server", fleet.server().url, "--token-file", token, "--json"});
        return mudi_command(folder, std::move(arguments));
    };
    const Ran added = asked({"server", "till", "add", "--store", "KOL01", "--workstation", "3"});
    REQUIRE(added.code == 0);
    const json till = json::parse(added.out);
    CHECK(asked({"server", "till", "add", "--store", "KOL01", "--workstation", "3"}).code == 1);
    CHECK(mudi_command(folder, {"server", "till", "add", "--store", "KOL01"}).code == 2);

    const auto config = (folder.path() / "etc" / "till.toml").string();
    const auto data = (folder.path() / "data").string();
    const auto enrol = [&](const std::string& code, std::vector<std::string> more) {
        std::vector<std::string> words{"till",   "enrol",    "--server", fleet.server().url, "--code", code,
                                       "--json", "--config", config,     "--data-dir",       data};
        words.insert(words.end(), more.begin(), more.end());
        return mudi_command(folder, std::move(words));
    };
    CHECK(enrol("00000-00000-00000-00000", {}).code == 1);
    const Ran enrolled = enrol(till["code"], {});
    REQUIRE(enrolled.code == 0);
    CHECK(json::parse(enrolled.out)["till"] == till["till"]);
    CHECK(json::parse(enrolled.out)["config_written"] == true);
    CHECK(enrol(till["code"], {}).code == 1);
    CHECK(enrol(till["code"], {"--again"}).code == 1); // used
    // What was written is all that the agent needs.
    auto check = Process::start({MUDI_PROGRAMS "/mudi-till", "--check-config", "--config", config},
                                folder.path() / "check.log");
    REQUIRE(check);
    CHECK(check->wait(10s).value() == 0);

    const json listed = json::parse(asked({"server", "till", "list"}).out);
    REQUIRE(listed.size() == 1);
    CHECK(listed[0]["enrolled"] == true);
    const json made = json::parse(asked({"server", "backup"}).out);
    CHECK(std::filesystem::exists(made["path"].get<std::string>()));
    CHECK(json::parse(asked({"server", "backup", "--list"}).out).size() == 1);
    CHECK(asked({"server", "backup", "--to", config}).code == 1); // something is there already
    CHECK(mudi_command(folder, {"server", "backup", "--to", "/x", "--confirm-external"}).code == 2);
    CHECK(asked({"server", "till", "revoke", "1"}).code == 0);
    CHECK(asked({"server", "till", "revoke", "2"}).code == 1);
    CHECK(json::parse(asked({"server", "till", "list"}).out)[0]["revoked"] == true);
    CHECK(json::parse(asked({"status"}).out)["server"]["alarms"].empty());

    const auto restore = restore_words(made["path"], fleet);
    CHECK(mudi_command(folder, restore).code == 1); // it runs
    fleet.kill_server();
    CHECK(mudi_command(folder, restore).code == 0);
    REQUIRE(fleet.start_server());
    CHECK(json::parse(asked({"server", "till", "list"}).out)[0]["revoked"] == false);
}

TEST_CASE("the completion script knows verbs below verbs and their options") {
    test::TempDir folder;
    const auto script = write(folder, "mudi.bash", mudi_command(folder, {"completion", "bash"}).out);
    const auto completed = [&](const std::string& words, int at) {
        auto bash = Process::start({"/bin/bash", "-c",
                                    "source " + script + "; COMP_WORDS=(" + words + "); COMP_CWORD=" +
                                        std::to_string(at) + "; _mudi; echo ${COMPREPLY[@]}"},
                                   folder.path() / "bash.log");
        REQUIRE(bash);
        return bash->read_line(10s).value();
    };
    CHECK(completed("mudi sta", 1) == "status");
    CHECK(completed("mudi server till a", 3) == "add");
    CHECK(completed("mudi server till add --wo", 4) == "--workstation");
    CHECK(completed("mudi till enrol --c", 3) == "--code --config");
    CHECK(completed("mudi server backup --con", 3) == "--confirm-external");
}
