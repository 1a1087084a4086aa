#include <catch2/catch.hpp>

#include <optional>

#include "support.hpp"

using namespace mudi;
using namespace mudi::http;
using namespace mudi::http::test;

namespace {

Response ask(const Router& router, std::string method, std::string_view target) {
    Request request;
    request.method = std::move(method);
    REQUIRE(set_target(request, target));
    std::optional<Response> answer;
    router(std::move(request), Responder::to([&](Response response) { answer = std::move(response); }));
    REQUIRE(answer);
    return *answer;
}

Router shop() {
    Router router;
    router.add("GET", "/", [](const Request&) { return text("root"); })
        .add("PUT", "/v1/txn/{id}/basket", [](const Request& r) { return text("basket " + r.capture("id")); })
        .add("GET", "/v1/txn/{id}/{part}",
             [](const Request& r) { return text(r.capture("id") + "|" + r.capture("part")); })
        .add("GET", "/v1/txn/{id}/offers", [](const Request& r) { return text("offers " + r.capture("id")); })
        .add("POST", "/v1/txn/{id}/offers", [](const Request&) { return text("posted"); });
    return router;
}

} // namespace

TEST_CASE("captures are decoded after the path is split", "[http][router]") {
    const auto router = shop();
    CHECK(ask(router, "PUT", "/v1/txn/S1%2F2026%2F77/basket").body == "basket S1/2026/77");
    CHECK(ask(router, "PUT", "/v1/txn/a+b%20c/basket").body == "basket a+b c");
    CHECK(ask(router, "PUT", "/v1/txn/S1/2026/basket").status == 404);
    CHECK(ask(router, "GET", "/").body == "root");
}

TEST_CASE("the earlier literal wins, whatever was added first", "[http][router]") {
    const auto router = shop();
    CHECK(ask(router, "GET", "/v1/txn/7/offers").body == "offers 7");
    CHECK(ask(router, "GET", "/v1/txn/7/tenders").body == "7|tenders");
}

TEST_CASE("an unknown path is 404", "[http][router]") {
    const auto router = shop();
    for (const auto* path : {"/nothing", "/v1/txn//basket", "/v1/txn/7/basket/", "/v1/txn/7", "//"}) {
        CAPTURE(path);
        const auto answer = ask(router, "PUT", path);
        CHECK(answer.status == 404);
        CHECK(problem_code(answer) == "http.not_found");
    }
}

TEST_CASE("a known path with another method is 405 and says what is allowed", "[http][router]") {
    const auto answer = ask(shop(), "DELETE", "/v1/txn/7/offers");
    CHECK(answer.status == 405);
    CHECK(problem_code(answer) == "http.method");
    CHECK(answer.headers.find("Allow") == "GET, HEAD, POST");
}

TEST_CASE("HEAD goes to the handler of GET", "[http][router]") {
    CHECK(ask(shop(), "HEAD", "/").status == 200);
}
