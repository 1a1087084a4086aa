#include <catch2/catch.hpp>

#include <mudi/http/message.hpp>
#include <mudi/http/static_file.hpp>

using namespace mudi;
using namespace mudi::http;

TEST_CASE("a request target is taken apart and decoded", "[http][message]") {
    Request request;
    REQUIRE(set_target(request, "/v1/txn/A%2F7?q=%E0%A6%B0%E0%A6%BE+x&after=12&flag&q=second"));
    CHECK(request.raw_path == "/v1/txn/A%2F7");
    CHECK(request.path == "/v1/txn/A/7");
    CHECK(request.query_value("q") == "রা x");
    CHECK(request.query_value("after") == "12");
    CHECK(request.query_value("flag") == "");
    CHECK(!request.query_value("missing"));
}

TEST_CASE("a target that is not a clean path is refused", "[http][message]") {
    const auto target =
        GENERATE("v1/hello", "http://evil.example/", "/a%2", "/a%zz", "/a%00b", "/%ff", "/a?x=%c3%28", "");
    Request request;
    const auto status = set_target(request, target);
    REQUIRE(!status);
    CHECK(status.error().name == "http.bad_target");
}

TEST_CASE("percent encoding goes there and back for every byte", "[http][message]") {
    std::string all;
    for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
    const auto encoded = percent_encode(all);
    CHECK(encoded.find_first_of("/?&+ #") == std::string::npos);
    CHECK(percent_decode(encoded) == all);
    CHECK(percent_decode("a+b") == "a+b");
    CHECK(percent_decode("a+b", true) == "a b");
}

TEST_CASE("header names do not care about case", "[http][message]") {
    Headers headers{{"Content-Type", "text/plain"}, {"X-Till", "1"}, {"x-till", "2"}};
    CHECK(headers.find("content-type") == "text/plain");
    CHECK(headers.find("X-TILL") == "1");
    CHECK(headers.count("x-Till") == 2);
    headers.set("X-Till", "3");
    CHECK(headers.find("x-till") == "3");
    CHECK(headers.size() == 2);
    CHECK(headers.find("absent").empty());
}

TEST_CASE("the token comes from the header, or on GET from the query", "[http][message]") {
    Request request;
    request.method = "GET";
    request.query["token"] = "from-query";
    CHECK(presented_token(request) == "from-query");
    request.headers.set("authorization", "bearer from-header");
    CHECK(presented_token(request) == "from-header");
    request.headers.set("authorization", "Basic abc");
    request.method = "POST";
    CHECK(presented_token(request).empty());
}

TEST_CASE("an embedded file is served with type and tag, and not twice to one browser", "[http][message]") {
    Request request;
    const auto first = serve_file(request, "app.js", "let a = 1;");
    CHECK(first.status == 200);
    CHECK(first.content_type == "text/javascript; charset=utf-8");
    CHECK(first.headers.find("Cache-Control") == "no-cache");
    CHECK(first.body == "let a = 1;");
    request.headers.set("If-None-Match", std::string(first.headers.find("ETag")));
    CHECK(serve_file(request, "app.js", "let a = 1;").status == 304);
    CHECK(serve_file(request, "app.js", "let a = 2;").status == 200);
    CHECK(serve_file(request, "gone.js", "").status == 404);
}
