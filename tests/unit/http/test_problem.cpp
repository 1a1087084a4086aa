#include <catch2/catch.hpp>

#include <mudi/http/json.hpp>
#include <mudi/http/problem.hpp>

using namespace mudi;
using namespace mudi::http;

TEST_CASE("each code of error has its status", "[http][problem]") {
    const auto status = [](Code code, std::string name) {
        return problem({code, std::move(name), "why"}).status;
    };
    CHECK(status(Code::invalid, "sale.total_mismatch") == 422);
    CHECK(status(Code::invalid, "json.syntax") == 400);
    CHECK(status(Code::not_found, "x") == 404);
    CHECK(status(Code::conflict, "x") == 409);
    CHECK(status(Code::corrupt, "x") == 500);
    CHECK(status(Code::busy, "x") == 503);
    CHECK(status(Code::unavailable, "x") == 503);
    CHECK(status(Code::denied, "x") == 403);
    CHECK(status(Code::io, "x") == 500);
    CHECK(problem({Code::busy, "x", ""}).headers.find("Retry-After") == "1");
    CHECK(!problem({Code::unavailable, "x", ""}).headers.has("Retry-After"));
}

TEST_CASE("a problem document has the standard's members and further ones", "[http][problem]") {
    const Error error{Code::invalid, "sale.total_mismatch", "the lines add up to another total"};
    const auto response = problem(error, {{"expected_minor", 1200}, {"code", "spoofed"}});
    CHECK(response.content_type == "application/problem+json");
    const auto body = parse_json(response.body).value();
    CHECK(body.at("type") == "urn:mudi:error:sale.total_mismatch");
    CHECK(body.at("title") == "Unprocessable Entity");
    CHECK(body.at("status") == 422);
    CHECK(body.at("detail") == error.what);
    CHECK(body.at("code") == error.name);
    CHECK(body.at("expected_minor") == 1200);
}

TEST_CASE("a client gets the error back that the server meant", "[http][problem]") {
    for (const Code code : {Code::invalid, Code::not_found, Code::conflict, Code::busy, Code::unavailable,
                            Code::denied, Code::io}) {
        const Error error{code, "till.some_reason", "a sentence"};
        CHECK(error_from(problem(error)) == error);
    }
    CHECK(!error_from({204, "", "", {}}));
    CHECK(error_from({502, "text/html", "<html>", {}})->name == "http.status");
    CHECK(error_from({500, "application/problem+json", "not json", {}})->name == "http.status");
}
