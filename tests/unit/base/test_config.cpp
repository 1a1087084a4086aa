#include <catch2/catch.hpp>

#include <mudi/base/config.hpp>

using namespace mudi;

namespace {

struct Sample {
    std::string folder{"/var/lib/sample"};
    int port{7070};
    bool loud{false};
    std::string colour{"green"};
    std::vector<std::string> origins{"https://a.example"};

    void visit(config::Visitor& v) {
        v.text("folder", folder, {1, 20}, "Where things are.");
        v.choice("colour", colour, {"green", "red"}, "What it looks like.");
        v.section("http", "The web side.");
        v.integer("port", port, {0, 65'535}, "0 takes a free one.");
        v.flag("loud", loud, "");
        v.texts("origins", origins, {2, {1, 30}}, "");
    }

    friend bool operator==(const Sample&, const Sample&) = default;
};

Result<Sample> read(std::string_view toml) {
    Sample sample;
    MUDI_CHECK(config::read_text(toml, "sample.toml", [&](config::Visitor& v) { sample.visit(v); }));
    return sample;
}

void refused(std::string_view toml, std::string_view name, std::string_view part) {
    const auto sample = read(toml);
    INFO(toml);
    REQUIRE(!sample);
    CHECK(sample.error().name == name);
    CHECK_THAT(sample.error().what, Catch::Contains(std::string(part)));
}

} // namespace

TEST_CASE("what a config file leaves out keeps its default") {
    CHECK(read("").value() == Sample{});
    const auto sample = read("colour = \"red\"\n[http]\nport = 0\nloud = true\norigins = []\n");
    REQUIRE(sample);
    CHECK(sample->folder == "/var/lib/sample");
    CHECK(sample->colour == "red");
    CHECK(sample->port == 0);
    CHECK(sample->loud);
    CHECK(sample->origins.empty());
}

TEST_CASE("an unknown config key is refused with its name and line") {
    refused("\nfodler = \"/x\"\n", "config.unknown_key", "sample.toml line 2: fodler");
    refused("[http]\nport = 1\nprot = 2\n", "config.unknown_key", "line 3: http.prot");
    refused("[htpt]\nport = 1\n", "config.unknown_key", "htpt");
    refused("port = 1\n", "config.unknown_key", "line 1: port");
}

TEST_CASE("a config value of the wrong type or range is refused with its key and line") {
    refused("folder = 7", "config.type", "line 1: folder");
    refused("[http]\nport = 1.0", "config.type", "line 2: http.port");
    refused("[http]\nport = \"7070\"", "config.type", "http.port");
    refused("[http]\nloud = 1", "config.type", "http.loud");
    refused("[http]\norigins = [1]", "config.type", "http.origins");
    refused("http = 3", "config.type", "http");
    refused("[http]\nport = 65536", "config.range", "from 0 to 65535");
    refused("[http]\nport = -1", "config.range", "http.port");
    refused("folder = \"\"", "config.range", "folder");
    refused("folder = \"/a/very/long/folder/name\"", "config.range", "folder");
    refused("folder = \"a\\nb\"", "config.range", "folder");
    refused("colour = \"blue\"", "config.range", "\"green\", \"red\"");
    refused("[http]\norigins = [\"a\", \"b\", \"c\"]", "config.range", "http.origins");
}

TEST_CASE("a config file that is no TOML is refused with its line") {
    refused("folder = \"/x\"\nport = = 3\n", "config.syntax", "line 2");
    refused("folder = \"\xff\"", "config.syntax", "UTF-8");
    refused(std::string(300 * 1024, ' '), "config.range", "too large");
    CHECK(config::load<Sample>("/nonexistent/sample.toml").error().name == "config.missing");
}

TEST_CASE("the printed config reads back as the same values") {
    Sample sample{"/a\"b\\c", 1, true, "red", {"x", "y\"z"}};
    const std::string text = config::print("A sample.", sample);
    INFO(text);
    CHECK(read(text).value() == sample);
    CHECK_THAT(text, Catch::StartsWith("# A sample.\n"));
}
