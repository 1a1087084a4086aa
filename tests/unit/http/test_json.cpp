#include <catch2/catch.hpp>

#include <mudi/http/json.hpp>

using namespace mudi;
using namespace mudi::http;

namespace {

std::string error_name(std::string_view text) {
    const auto parsed = parse_json(text);
    return parsed ? "parsed" : parsed.error().name;
}

std::string nested(int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']');
}

} // namespace

TEST_CASE("a document is read as it stands", "[http][json]") {
    const auto parsed =
        parse_json(R"( {"a":[1,-2,3.5,true,null,"\u09b0"],"b":{"c":{"a":18446744073709551615}}} )");
    REQUIRE(parsed);
    CHECK(parsed->at("a").size() == 6);
    CHECK(parsed->at("a").at(1) == -2);
    CHECK(parsed->at("a").at(5) == "র");
    CHECK(parsed->at("b").at("c").at("a") == 18446744073709551615ULL);
    CHECK(parse_json("7").value() == 7);
    CHECK(parse_json("[]").value().is_array());
    CHECK(parse_json("{}").value().is_object());
}

TEST_CASE("broken UTF-8 is refused before anything else", "[http][json]") {
    CHECK(error_name("{\"name\":\"\xc3\x28\"}") == "json.utf8");
    CHECK(error_name("\xff") == "json.utf8");
    CHECK(error_name("\"\xed\xa0\x80\"") == "json.utf8");
}

TEST_CASE("a syntax error names the byte", "[http][json]") {
    const auto parsed = parse_json(R"({"a":1,,})");
    REQUIRE(!parsed);
    CHECK(parsed.error().name == "json.syntax");
    CHECK(parsed.error().what == "not JSON at byte offset 7");
    CHECK(error_name("") == "json.syntax");
    CHECK(error_name("{") == "json.syntax");
    CHECK(error_name("[1] x") == "json.syntax");
    CHECK(error_name("{'a':1}") == "json.syntax");
    CHECK(error_name("1e999") == "json.syntax");
    CHECK(error_name(R"("\ud800")") == "json.syntax");
}

TEST_CASE("nesting is bounded", "[http][json]") {
    CHECK(error_name(nested(json_depth_max)) == "parsed");
    CHECK(error_name(nested(json_depth_max + 1)) == "json.depth");
    CHECK(error_name(std::string(1'000'000, '[')) == "json.depth");
    std::string objects;
    for (int i = 0; i <= json_depth_max; ++i) objects += R"({"a":)";
    CHECK(error_name(objects) == "json.depth");
}

TEST_CASE("a key may come only once in one object", "[http][json]") {
    CHECK(error_name(R"({"total":1,"total":2})") == "json.duplicate_key");
    CHECK(error_name(R"({"x":[{"a":1,"b":{},"a":2}]})") == "json.duplicate_key");
    CHECK(error_name(R"({"a":1,"\u0061":2})") == "json.duplicate_key");
    CHECK(error_name(R"({"a":{"a":1},"b":{"a":1}})") == "parsed");
}

TEST_CASE("writing never throws, even with bytes that are not text", "[http][json]") {
    CHECK(to_text(nlohmann::json("a\xff")) == "\"a\xEF\xBF\xBD\"");
}
