#include <catch2/catch.hpp>

#include <mudi/http/guard.hpp>

#include "support.hpp"

using namespace mudi;
using namespace mudi::http;
using namespace mudi::http::test;

namespace {

GuardPolicy policy() {
    GuardPolicy policy;
    policy.port = 8420;
    policy.origins = {"https://pos.example", "null", "*"}; // the last two must never work
    policy.tokens = {"secret-one", "secret-two"};
    policy.open_paths = {"/v1/hello", "/static/*"};
    return policy;
}

Request request(std::string path, Headers headers = {}, std::string method = "GET") {
    Request result;
    result.method = std::move(method);
    REQUIRE(set_target(result, path));
    result.headers = std::move(headers);
    if (!result.headers.has("Host")) result.headers.add("Host", "127.0.0.1:8420");
    return result;
}

/// "open" when the request may pass, otherwise status and name.
std::string verdict(const Request& asked, const GuardPolicy& rules = policy()) {
    const auto result = guard(rules, asked);
    if (!result.answer) return "open";
    return std::to_string(result.answer->status) + " " + problem_code(*result.answer);
}

} // namespace

TEST_CASE("only a Host that names this machine passes", "[http][guard]") {
    const auto with_host = [](std::string host) {
        return verdict(request("/v1/hello", {{"Host", std::move(host)}}));
    };
    for (const auto* host :
         {"127.0.0.1", "127.0.0.1:8420", "localhost", "LOCALHOST:8420", "[::1]", "[::1]:8420"}) {
        CAPTURE(host);
        CHECK(with_host(host) == "open");
    }
    for (const auto* host : {"evil.example", "evil.example:8420", "127.0.0.1.evil.example", "localhost:1",
                             "127.0.0.2", "localhost:8420.evil.example", "", "::1"}) {
        CAPTURE(host);
        CHECK(with_host(host) == "403 http.host");
    }
    auto rules = policy();
    rules.hosts = {"store-7.lan"};
    CHECK(verdict(request("/v1/hello", {{"Host", "store-7.lan:8420"}}), rules) == "open");
}

TEST_CASE("only a listed origin or our own passes", "[http][guard]") {
    const auto with_origin = [](std::string origin) {
        return verdict(request("/v1/hello", {{"Origin", std::move(origin)}}));
    };
    CHECK(with_origin("https://pos.example") == "open");
    CHECK(with_origin("http://127.0.0.1:8420") == "open");
    CHECK(with_origin("http://localhost:8420") == "open");
    for (const auto* origin :
         {"http://pos.example", "https://pos.example.evil", "https://pos.example:444", "null", "*", "",
          "http://127.0.0.1", "http://127.0.0.1:8421", "https://localhost:8420"}) {
        CAPTURE(origin);
        CHECK(with_origin(origin) == "403 http.origin");
    }
    const Headers two{{"Origin", "https://pos.example"}, {"Origin", "https://evil.example"}};
    CHECK(verdict(request("/v1/hello", two)) == "403 http.origin");
    const auto passed = guard(policy(), request("/v1/hello", {{"Origin", "https://pos.example"}}));
    CHECK(passed.headers.find("Access-Control-Allow-Origin") == "https://pos.example");
    CHECK(passed.headers.find("Vary") == "Origin");
}

TEST_CASE("a token is needed except on open paths", "[http][guard]") {
    CHECK(verdict(request("/v1/hello")) == "open");
    CHECK(verdict(request("/static/app.js")) == "open");
    CHECK(verdict(request("/v1/hello/more")) == "401 http.token");
    CHECK(verdict(request("/v1/customers")) == "401 http.token");
    CHECK(verdict(request("/v1/customers", {{"Authorization", "Bearer secret-two"}})) == "open");
    CHECK(verdict(request("/v1/customers", {{"Authorization", "Bearer secret-thr"}})) == "401 http.token");
    CHECK(verdict(request("/v1/customers", {{"Authorization", "Bearer "}})) == "401 http.token");
    CHECK(verdict(request("/v1/customers", {{"Authorization", "secret-one"}})) == "401 http.token");
    CHECK(verdict(request("/v1/events?token=secret-one")) == "open");
    CHECK(verdict(request("/v1/complete?token=secret-one", {}, "POST")) == "401 http.token");

    auto rules = policy();
    rules.tokens.clear();
    CHECK(verdict(request("/v1/customers", {{"Authorization", "Bearer "}}), rules) == "401 http.token");
    rules.token_known = [](std::string_view token) { return token == "kept-as-hash"; };
    CHECK(verdict(request("/v1/customers", {{"Authorization", "Bearer kept-as-hash"}}), rules) == "open");
}

TEST_CASE("an encoded path does not become an open one", "[http][guard]") {
    CHECK(verdict(request("/static%2F..%2Fv1")) == "401 http.token");
}

TEST_CASE("a preflight of a listed page is answered, without a token", "[http][guard]") {
    const Headers asked{{"Origin", "https://pos.example"},
                        {"Access-Control-Request-Method", "PUT"},
                        {"Access-Control-Request-Private-Network", "true"}};
    const auto result = guard(policy(), request("/v1/txn/7/basket", asked, "OPTIONS"));
    REQUIRE(result.answer);
    CHECK(result.answer->status == 204);
    CHECK(result.headers.find("Access-Control-Allow-Origin") == "https://pos.example");
    CHECK(result.headers.find("Vary") == "Origin");
    const auto& headers = result.answer->headers;
    CHECK(headers.find("Access-Control-Allow-Methods").find("PUT") != std::string_view::npos);
    CHECK(headers.find("Access-Control-Allow-Headers") == "Authorization, Content-Type, Idempotency-Key");
    CHECK(headers.find("Access-Control-Max-Age") == "600");
    CHECK(headers.find("Access-Control-Allow-Private-Network") == "true");
}

TEST_CASE("a preflight of a foreign page is refused", "[http][guard]") {
    const Headers asked{{"Origin", "https://evil.example"}, {"Access-Control-Request-Method", "PUT"}};
    CHECK(verdict(request("/v1/hello", asked, "OPTIONS")) == "403 http.origin");
}

TEST_CASE("private network access is granted only when asked for", "[http][guard]") {
    const Headers asked{{"Origin", "https://pos.example"}, {"Access-Control-Request-Method", "PUT"}};
    const auto result = guard(policy(), request("/v1/hello", asked, "OPTIONS"));
    REQUIRE(result.answer);
    CHECK(!result.answer->headers.has("Access-Control-Allow-Private-Network"));
}

TEST_CASE("over the Unix socket nothing is asked", "[http][guard]") {
    auto asked = request("/v1/customers", {{"Host", "whatever"}, {"Origin", "https://evil.example"}});
    asked.over_unix_socket = true;
    CHECK(verdict(asked) == "open");
    CHECK(guard(policy(), asked).headers.size() == 0);
}
