#include <catch2/catch.hpp>

#include <vector>

#include "support.hpp"

using namespace mudi;
using namespace mudi::http;
using namespace mudi::http::test;

namespace {

Router sizes() {
    Router router;
    router.add("POST", "/", [](const Request& request) { return text(std::to_string(request.body.size())); });
    router.add("GET", "/", [](const Request&) { return text("ok"); });
    return router;
}

} // namespace

TEST_CASE("a body at the limit passes, one byte more does not", "[http][limits]") {
    ServerOptions options;
    options.body_bytes_max = 5000;
    RunningServer server(sizes(), options);
    auto client = server.client();
    CHECK(client.send(post("/", std::string(5000, 'a')))->body == "5000");
    const auto refused = client.send(post("/", std::string(5001, 'a')));
    REQUIRE(refused);
    CHECK(refused->status == 413);
    CHECK(problem_code(*refused) == "http.body_too_large");
    CHECK(client.send(post("/", "again"))->body == "5");
}

TEST_CASE("the limit holds for chunked bodies too", "[http][limits]") {
    ServerOptions options;
    options.body_bytes_max = 10;
    RunningServer server(sizes(), options);
    RawConnection raw(server.port());
    raw.send("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
             "8\r\n12345678\r\n8\r\n12345678\r\n0\r\n\r\n");
    CHECK(raw.read_all().starts_with("HTTP/1.1 413 "));
}

TEST_CASE("a body of 10 MB is refused cleanly while the client still sends", "[http][limits]") {
    RunningServer server(sizes());
    const std::string huge(10'000'000, 'a');
    RawConnection raw(server.port());
    REQUIRE(raw.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000000\r\n\r\n"));
    REQUIRE(raw.send(huge));
    const auto all = raw.read_all();
    CHECK(all.starts_with("HTTP/1.1 413 "));
    CHECK(all.find("http.body_too_large") != std::string::npos);
    CHECK(!raw.reset());

    const auto answer = server.client().send(post("/", huge));
    REQUIRE(answer);
    CHECK(answer->status == 413);
}

TEST_CASE("a header above 16 KiB is 431", "[http][limits]") {
    RunningServer server(sizes());
    RawConnection raw(server.port());
    raw.send("GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + std::string(header_bytes_max, 'x') +
             "\r\n\r\n");
    const auto all = raw.read_all();
    CHECK(all.starts_with("HTTP/1.1 431 "));
    CHECK(all.find("http.header_too_large") != std::string::npos);
}

TEST_CASE("one connection too many is told so, and there is room again when one leaves", "[http][limits]") {
    ServerOptions options;
    options.connections_max = 2;
    RunningServer server(sizes(), options);
    auto first = server.client();
    auto second = server.client();
    REQUIRE(first.send(get("/")));
    REQUIRE(second.send(get("/")));
    const auto refused = server.client().send(get("/"));
    REQUIRE(refused);
    CHECK(refused->status == 503);
    CHECK(problem_code(*refused) == "http.too_many_connections");
    CHECK(refused->headers.find("Retry-After") == "1");
    CHECK(server.stats().refused == 1);
    first.disconnect();
    while (server.stats().connections > 1) {
    }
    CHECK(server.client().send(get("/"))->status == 200);
}

TEST_CASE("a request that dawdles is 408, a silent connection is closed", "[http][limits]") {
    ServerOptions options;
    options.read_timeout = Duration{60};
    RunningServer server(sizes(), options);
    RawConnection dawdler(server.port());
    RawConnection silent(server.port());
    dawdler.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc");
    const auto all = dawdler.read_all();
    CHECK(all.starts_with("HTTP/1.1 408 "));
    CHECK(all.find("http.slow_request") != std::string::npos);
    CHECK(silent.read_all().empty());
    CHECK(!silent.reset());
}

TEST_CASE("a client that does not read its answer is let go", "[http][limits]") {
    ServerOptions options;
    options.write_timeout = Duration{60};
    Router router;
    router.add("GET", "/big", [](const Request&) { return text(std::string(64'000'000, 'x')); });
    RunningServer server(std::move(router), options);
    RawConnection raw(server.port());
    raw.send("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(raw.read_until("\r\n\r\n").starts_with("HTTP/1.1 200 "));
    while (server.stats().connections > 0) {
    }
    CHECK(raw.read_all().size() < 64'000'000);
}
