#include <catch2/catch.hpp>

#include <chrono>
#include <vector>

#include "support.hpp"

using namespace mudi;
using namespace mudi::http;
using namespace mudi::http::test;

namespace {

constexpr std::string_view answer_one = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none";
constexpr std::string_view answer_two = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo";

std::chrono::milliseconds since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
}

std::string error_name(const Result<Response>& result) { return result ? "answered" : result.error().name; }

} // namespace

TEST_CASE("a server that never answers costs the time-out and no more", "[http][client]") {
    std::vector<Responder> waiting;
    RunningServer server([&](const Request&, Responder responder) { waiting.push_back(responder); });
    auto call = get("/");
    call.timeout = Duration{150};
    const auto start = std::chrono::steady_clock::now();
    const auto answer = server.client().send(call);
    const auto took = since(start);
    CHECK(error_name(answer) == "http.timeout");
    CHECK(answer.error().code == Code::unavailable);
    CHECK(took.count() >= 150);
    CHECK(took.count() < 3000);
    server.on_loop([&] { waiting.clear(); });
}

TEST_CASE("a server that never stops answering is cut off at the time-out too", "[http][client]") {
    ScriptedServer server([](const auto& accept) {
        const auto connection = accept();
        connection->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        std::string chunks;
        for (int i = 0; i < 20'000; ++i) chunks += "1\r\nx\r\n";
        while (connection->send(chunks)) {
        } // never leaves the client a moment without bytes
    });
    Client client(server.target());
    auto call = get("/");
    call.timeout = Duration{150};
    const auto start = std::chrono::steady_clock::now();
    CHECK(error_name(client.send(call)) == "http.timeout");
    CHECK(since(start).count() < 3000);
}

TEST_CASE("nobody there is http.connect", "[http][client]") {
    std::uint16_t port = 0;
    {
        RunningServer server([](const Request&, Responder responder) { responder.answer(text("")); });
        port = server.port();
    }
    const auto answer = Client(Target::tcp("127.0.0.1", port)).send(get("/"));
    CHECK(error_name(answer) == "http.connect");
    CHECK(answer.error().code == Code::unavailable);
    CHECK(error_name(Client(Target::unix_socket("/nowhere/at/all")).send(get("/"))) == "http.connect");
    CHECK(error_name(Client(Target::tcp("not-a-number.example", 80)).send(get("/"))) == "http.connect");
}

TEST_CASE("a kept connection that the server closed meanwhile is replaced without a word", "[http][client]") {
    std::promise<void> closed;
    ScriptedServer server([&](const auto& accept) {
        auto first = accept();
        first->read_until("\r\n\r\n");
        first->send(answer_one);
        first->close();
        closed.set_value();
        auto second = accept();
        second->read_until("\r\n\r\n");
        second->send(answer_two);
    });
    Client client(server.target());
    CHECK(client.send(get("/"))->body == "one");
    closed.get_future().wait();
    auto call =
        post("/", ""); // not idempotent: nothing was sent on the dead connection, so this is no second try
    CHECK(client.send(call)->body == "two");
}

TEST_CASE("a kept connection that dies under the call is tried once more only if that is safe",
          "[http][client]") {
    const bool idempotent = GENERATE(true, false);
    ScriptedServer server([](const auto& accept) {
        auto first = accept();
        first->read_until("\r\n\r\n");
        first->send(answer_one);
        first->read_until("\r\n\r\n");
        first->close();
        if (const auto second = accept()) {
            second->read_until("\r\n\r\n");
            second->send(answer_two);
        }
    });
    Client client(server.target());
    auto call = get("/");
    call.idempotent = idempotent;
    REQUIRE(client.send(call)->body == "one");
    const auto answer = client.send(call);
    CHECK(error_name(answer) == (idempotent ? "answered" : "http.broken"));
    if (idempotent) CHECK(answer->body == "two");
}

TEST_CASE("no second try once a byte of the answer has come, nor on a fresh connection", "[http][client]") {
    const bool half_answer = GENERATE(true, false);
    ScriptedServer server([half_answer](const auto& accept) {
        auto first = accept();
        first->read_until("\r\n\r\n");
        if (half_answer) {
            first->send(answer_one);
            first->read_until("\r\n\r\n");
            first->send(answer_two.substr(0, 20));
        }
        first->close();
        if (const auto second = accept()) second->send(answer_two);
    });
    Client client(server.target());
    auto call = get("/");
    call.idempotent = true;
    if (half_answer) REQUIRE(client.send(call)->body == "one");
    CHECK(error_name(client.send(call)) == "http.broken");
}

TEST_CASE("answers of every framing are read", "[http][client]") {
    const auto [bytes, body] = GENERATE(table<std::string, std::string>({
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", "abc"},
        {"HTTP/1.1 200 OK\r\n\r\nabc", "abc"},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc"},
        {"HTTP/1.1 204 No Content\r\n\r\n", ""},
    }));
    CAPTURE(bytes);
    ScriptedServer server([answer = bytes](const auto& accept) {
        const auto connection = accept();
        connection->read_until("\r\n\r\n");
        connection->send(answer);
    });
    const auto answer = Client(server.target()).send(get("/"));
    REQUIRE(answer);
    CHECK(answer->body == body);
}

TEST_CASE("what is not an HTTP answer is bad, not a hang", "[http][client]") {
    ScriptedServer server([](const auto& accept) {
        const auto connection = accept();
        connection->read_until("\r\n\r\n");
        connection->send("SSH-2.0-OpenSSH_9.2\r\n\r\n");
    });
    const auto answer = Client(server.target()).send(get("/"));
    CHECK(error_name(answer) == "http.bad_answer");
    CHECK(answer.error().code == Code::corrupt);
}

TEST_CASE("a line end in target or header never reaches the wire", "[http][client]") {
    Client client(Target::tcp("127.0.0.1", 1));
    CHECK(error_name(client.send(get("/a b"))) == "http.bad_target");
    CHECK(error_name(client.send(get("/a\r\nX: y"))) == "http.bad_target");
    CHECK(error_name(client.send(get("a"))) == "http.bad_target");
    auto call = get("/");
    call.headers.add("X-Note", "a\r\nX-Evil: 1");
    CHECK(error_name(client.send(call)) == "http.bad_target");
}

TEST_CASE("large bodies go both ways", "[http][client]") {
    ServerOptions options;
    options.body_bytes_max = 20'000'000;
    RunningServer server(
        [](Request request, Responder responder) { responder.answer(text(std::move(request.body))); },
        options);
    std::string large(12'000'000, 'x');
    for (std::size_t i = 0; i < large.size(); i += 997) large[i] = static_cast<char>('a' + i % 26);
    auto client = server.client();
    auto call = post("/", large);
    call.timeout = Duration{60'000};
    const auto answer = client.send(call);
    REQUIRE(answer);
    CHECK(answer->body == large);
}
