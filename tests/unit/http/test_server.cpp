#include <catch2/catch.hpp>

#include <stdexcept>
#include <vector>

#include "support.hpp"

using namespace mudi;
using namespace mudi::http;
using namespace mudi::http::test;

namespace {

Router echo() {
    Router router;
    router.add("GET", "/hello", [](const Request&) { return text("hello"); })
        .add("POST", "/echo", [](const Request& request) { return text(request.body); })
        .add("PUT", "/v1/txn/{id}/basket",
             [](const Request& request) { return text(request.capture("id")); });
    return router;
}

} // namespace

TEST_CASE("one connection serves many requests", "[http][server]") {
    RunningServer server(echo());
    auto client = server.client();
    for (int i = 0; i < 20; ++i) {
        const auto answer = client.send(post("/echo", "body " + std::to_string(i)));
        REQUIRE(answer);
        CHECK(answer->body == "body " + std::to_string(i));
        CHECK(answer->content_type == "text/plain");
    }
    const auto stats = server.stats();
    CHECK(stats.requests == 20);
    CHECK(stats.connections == 1);
}

TEST_CASE("pipelined requests are answered in order, also when the first takes longer", "[http][server]") {
    std::vector<Responder> waiting;
    auto router = echo();
    router.add_deferred("GET", "/later",
                        [&](const Request&, Responder responder) { waiting.push_back(responder); });
    RunningServer server(std::move(router));
    RawConnection raw(server.port());
    raw.send("GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n"
             "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\ntwo"
             "GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    while (server.on_loop([&] { return waiting.empty(); })) {
    }
    server.on_loop([&] {
        waiting[0].answer(text("one"));
        waiting.clear();
    });
    const auto all = raw.read_all();
    const auto one = all.find("\r\n\r\none");
    const auto two = all.find("\r\n\r\ntwo");
    const auto three = all.find("\r\n\r\nhello");
    REQUIRE(three != std::string::npos);
    CHECK(one < two);
    CHECK(two < three);
    CHECK(!raw.reset());
}

TEST_CASE("a request may arrive byte by byte and in chunks", "[http][server]") {
    RunningServer server(echo());
    RawConnection raw(server.port());
    const std::string_view request =
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        "4\r\nwiki\r\n5\r\npedia\r\n0\r\n\r\n";
    for (const char c : request) REQUIRE(raw.send(std::string_view(&c, 1)));
    CHECK(raw.read_until("wikipedia").ends_with("\r\n\r\nwikipedia"));
}

TEST_CASE("a client that asks first is told to go on", "[http][server]") {
    RunningServer server(echo());
    RawConnection raw(server.port());
    raw.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    CHECK(raw.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
    raw.send("more");
    CHECK(raw.read_until("more").starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("HEAD gets the length and no body", "[http][server]") {
    RunningServer server(echo());
    RawConnection raw(server.port());
    raw.send("HEAD /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    const auto all = raw.read_all();
    CHECK(all.find("Content-Length: 5\r\n") != std::string::npos);
    CHECK(all.ends_with("\r\n\r\n"));

    auto client = server.client();
    auto head = get("/hello");
    head.method = "HEAD";
    REQUIRE(client.send(head));
    CHECK(client.send(get("/hello"))->body == "hello");
}

TEST_CASE("a transaction id with slashes reaches its handler", "[http][server]") {
    RunningServer server(echo());
    auto client = server.client();
    auto call = post("/v1/txn/" + percent_encode("S1/2026-11-21/77") + "/basket", "{}");
    call.method = "PUT";
    CHECK(client.send(call)->body == "S1/2026-11-21/77");
    const auto wrong = client.send(get("/v1/txn/7/basket"));
    CHECK(wrong->status == 405);
    CHECK(wrong->headers.find("Allow") == "PUT");
    CHECK(problem_code(*client.send(get("/nowhere"))) == "http.not_found");
}

TEST_CASE("what is not HTTP gets 400 and the connection ends", "[http][server]") {
    RunningServer server(echo());
    const auto [request, code] = GENERATE(table<std::string, std::string>({
        {"GARBAGE\r\n\r\n", "http.malformed"},
        {"GET /hello HTTP/9.9\r\n\r\n", "http.malformed"},
        {"GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "http.malformed"},
        {"POST /echo HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
         "http.malformed"},
        {"POST /echo HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\nabc", "http.malformed"},
        {"POST /echo HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "http.malformed"},
        {"GET /a%zz HTTP/1.1\r\nHost: localhost\r\n\r\n", "http.bad_target"},
        {"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n", "http.bad_target"},
    }));
    CAPTURE(request);
    RawConnection raw(server.port());
    raw.send(request);
    const auto all = raw.read_all();
    CHECK(all.starts_with("HTTP/1.1 400 Bad Request\r\n"));
    CHECK(all.find("\"code\":\"" + code + "\"") != std::string::npos);
    CHECK(all.find("Connection: close\r\n") != std::string::npos);
}

TEST_CASE("a deferred request is answered later, other clients do not wait", "[http][server]") {
    std::vector<Responder> waiting;
    auto router = echo();
    router.add_deferred("GET", "/later",
                        [&](const Request&, Responder responder) { waiting.push_back(responder); });
    RunningServer server(std::move(router));
    auto slow = std::async(std::launch::async, [&] { return server.client().send(get("/later")); });
    while (server.on_loop([&] { return waiting.empty(); })) {
    }
    auto other = server.client();
    CHECK(other.send(get("/hello"))->body == "hello");
    server.on_loop([&] {
        waiting[0].answer(text("done"));
        waiting.clear();
    });
    CHECK(slow.get()->body == "done");
}

TEST_CASE("a request dropped without an answer is 500", "[http][server]") {
    Router router;
    router.add_deferred("GET", "/dropped", [](const Request&, const Responder&) {});
    router.add("GET", "/throws",
               [](const Request&) -> Response { throw std::runtime_error("private text"); });
    RunningServer server(std::move(router));
    auto client = server.client();
    for (const auto* path : {"/dropped", "/throws"}) {
        const auto answer = client.send(get(path));
        REQUIRE(answer);
        CHECK(answer->status == 500);
        CHECK(problem_code(*answer) == "http.unanswered");
        CHECK(answer->body.find("private") == std::string::npos);
    }
}

TEST_CASE("answering a client that has gone is harmless", "[http][server]") {
    std::vector<Responder> waiting;
    Router router;
    router.add_deferred("GET", "/later",
                        [&](const Request&, Responder responder) { waiting.push_back(responder); });
    RunningServer server(std::move(router));
    {
        RawConnection raw(server.port());
        raw.send("GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n");
        while (server.on_loop([&] { return waiting.empty(); })) {
        }
        CHECK_FALSE(server.on_loop([&] { return waiting[0].gone(); }));
    }
    while (!server.on_loop([&] { return waiting[0].gone(); })) {
    }
    server.on_loop([&] {
        waiting[0].answer(text(std::string(1'000'000, 'x')));
        waiting.clear();
    });
    while (server.stats().connections > 0) {
    }
    CHECK(server.stats().connections == 0);
}

TEST_CASE("a responder outlives the server without harm", "[http][server]") {
    std::vector<Responder> waiting;
    {
        Router router;
        router.add_deferred("GET", "/later",
                            [&](const Request&, Responder responder) { waiting.push_back(responder); });
        RunningServer server(std::move(router));
        RawConnection raw(server.port());
        raw.send("GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n");
        while (server.on_loop([&] { return waiting.empty(); })) {
        }
        server.on_loop([&] { server.server().stop(); });
        CHECK(raw.read_all().empty());
    }
    waiting[0].answer(text("too late"));
}

TEST_CASE("the guard stands in front of the handler and its headers go on every answer", "[http][server]") {
    ServerOptions options;
    options.guard = GuardPolicy{};
    options.guard->origins = {"https://pos.example"};
    options.guard->tokens = {"pairing"};
    RunningServer server(echo(), std::move(options));
    auto client = server.client();
    CHECK(problem_code(*client.send(get("/hello"))) == "http.token");
    CHECK(client.send(get("/hello?token=pairing"))->body == "hello");

    auto call = get("/nowhere");
    call.headers = {{"Authorization", "Bearer pairing"}, {"Origin", "https://pos.example"}};
    const auto answer = client.send(call);
    CHECK(answer->status == 404);
    CHECK(answer->headers.find("Access-Control-Allow-Origin") == "https://pos.example");

    call.headers = {{"Host", "evil.example"}};
    CHECK(problem_code(*client.send(call)) == "http.host");
    call.headers = {{"Origin", "http://localhost:" + std::to_string(server.port())}};
    CHECK(problem_code(*client.send(call)) == "http.token");
    call.headers = {{"Origin", "https://pos.example"}, {"Access-Control-Request-Method", "GET"}};
    call.method = "OPTIONS";
    const auto preflight = client.send(call);
    REQUIRE(preflight);
    CHECK(preflight->status == 204);
    CHECK(!preflight->headers.has("Content-Length"));

    server.on_loop([&] { server.server().policy()->tokens.emplace_back("new-one"); });
    CHECK(client.send(get("/hello?token=new-one"))->status == 200);
}

TEST_CASE("data in a header cannot begin a header of its own", "[http][server]") {
    Router router;
    router.add("GET", "/", [](const Request&) {
        auto answer = text("x");
        answer.headers.add("Location", "/a\r\nSet-Cookie: evil=1");
        return answer;
    });
    RunningServer server(std::move(router));
    const auto answer = server.client().send(get("/"));
    REQUIRE(answer);
    CHECK(!answer->headers.has("Set-Cookie"));
}

TEST_CASE("a taken port is told by name", "[http][server]") {
    RunningServer server(echo());
    boost::asio::io_context io;
    ServerOptions options;
    options.tcp_port = server.port();
    const auto second = Server::start(io, options, echo());
    REQUIRE(!second);
    CHECK(second.error().name == "http.port_taken");
    CHECK(second.error().code == Code::io);
}
