#include <map>
#include <regex>
#include <set>
#include <sstream>

#include <catch2/catch.hpp>

#include "golden/releases.hpp"

using namespace mudi::golden;

namespace {

struct Field {
    std::string label; ///< "", "optional", "repeated"
    std::string type;
    std::string name;

    friend bool operator==(const Field&, const Field&) = default;
};
using Message = std::map<int, Field>;
using Schema = std::map<std::string, Message>;

/// As much of the language as mudi.proto uses: messages side by side, one field a line. Anything else fails,
/// so that nothing goes unchecked.
Schema read_schema(const std::string& text) {
    static const std::regex opens{R"(message (\w+) \{)"};
    static const std::regex field{R"((?:(optional|repeated) )?([\w.]+) (\w+) = (\d+);)"};
    static const std::regex aside{
        R"(syntax = "proto3";|package mudi\.wire;|option optimize_for = LITE_RUNTIME;|\}|)"};
    Schema schema;
    Message* message = nullptr;
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);) {
        line.erase(std::min(line.find("//"), line.size()));
        line.erase(0, line.find_first_not_of(' ') == std::string::npos ? line.size()
                                                                       : line.find_first_not_of(' '));
        line.erase(line.find_last_not_of(' ') + 1);
        std::smatch match;
        if (std::regex_match(line, match, opens)) {
            message = &schema[match[1]];
        } else if (std::regex_match(line, match, field)) {
            REQUIRE(message != nullptr);
            INFO(line);
            CHECK(message->emplace(std::stoi(match[4]), Field{match[1], match[2], match[3]}).second);
        } else {
            INFO(line);
            CHECK(std::regex_match(line, aside));
        }
    }
    return schema;
}

/// What of `old` is not in `now` as it was; empty when fields were only added.
std::vector<std::string> breaches(const Schema& old, const Schema& now) {
    std::vector<std::string> found;
    for (const auto& [name, fields] : old) {
        const auto message = now.find(name);
        if (message == now.end()) {
            found.push_back(name + " is gone");
            continue;
        }
        for (const auto& [number, field] : fields) {
            const auto same = message->second.find(number);
            if (same == message->second.end()) {
                found.push_back(name + "." + field.name + " is gone");
            } else if (!(same->second == field)) {
                found.push_back(name + "." + field.name + " became " + same->second.name);
            }
        }
    }
    return found;
}

std::string current() {
    Release tree;
    tree.folder = MUDI_SOURCE_DIR;
    return tree.file("sync/protocol/mudi.proto");
}

} // namespace

TEST_CASE("every field of a release is still there under its number, with its type and meaning") {
    const Schema now = read_schema(current());
    CHECK(now.size() >= 20);
    for (const Release& release : releases()) {
        const Schema old = read_schema(release.file("mudi.proto"));
        CHECK(old.size() >= 20);
        INFO(release.version);
        CHECK(breaches(old, now) == std::vector<std::string>{});
    }
}

TEST_CASE("the check of the schema sees a field that went, changed its type or took another's number") {
    const Schema old =
        read_schema("message Sale {\n  int64 till = 1;\n  repeated bytes body = 2;  // why\n}\n");
    CHECK(old.at("Sale").size() == 2);
    CHECK(breaches(old, read_schema("message Sale {\n  int64 till = 1;\n  repeated bytes body = 2;\n"
                                    "  bytes more = 3;\n}\nmessage New {\n}\n"))
              .empty());
    CHECK(breaches(old, read_schema("message Sale {\n  int64 till = 1;\n}\n")).size() == 1);
    CHECK(breaches(old, read_schema("message Sale {\n  sint64 till = 1;\n  repeated bytes body = 2;\n}\n"))
              .size() == 1);
    CHECK(breaches(old, read_schema("message Sale {\n  int64 till = 1;\n  bytes body = 2;\n}\n")).size() ==
          1);
    CHECK(breaches(old, read_schema("message Sale {\n  int64 store = 1;\n  repeated bytes body = 2;\n}\n"))
              .size() == 1);
    CHECK(breaches(old, read_schema("message Other {\n}\n")).size() == 1);
}
