#include <catch2/catch.hpp>

#include <optional>
#include <vector>

#include <mudi/http/event_reader.hpp>

#include "base/http/event_parser.hpp"
#include "support.hpp"

using namespace mudi;
using namespace mudi::http;
using namespace mudi::http::test;

namespace {

/// A server whose /events opens a stream into `streams` (loop thread only).
struct StreamServer {
    explicit StreamServer(ServerOptions options = {}) : server(routes(), std::move(options)) {}
    ~StreamServer() {
        server.on_loop([this] { streams.clear(); });
    }

    Router routes() {
        Router router;
        router.add_deferred("GET", "/events", [this](const Request&, Responder responder) {
            auto stream = responder.open_stream();
            if (stream) streams.push_back(*stream);
        });
        return router;
    }
    bool send(std::string_view id, std::string_view event, std::string_view data) {
        return server.on_loop([&] { return streams.at(0).send(id, event, data); });
    }
    void wait_for_stream() {
        while (server.on_loop([this] { return streams.empty(); })) {
        }
    }

    std::vector<EventStream> streams;
    RunningServer server;
};

constexpr Duration patience{10'000};

} // namespace

TEST_CASE("events arrive as they were sent", "[http][streams]") {
    StreamServer world;
    auto reader = EventReader::open(world.server.target(), get("/events"));
    REQUIRE(reader);
    REQUIRE(world.send("17", "scan", R"({"a":1})"));
    REQUIRE(world.send("", "", "first line\nsecond\r\n\nfifth"));
    auto event = reader->next(patience).value();
    REQUIRE(event);
    CHECK(event->id == "17");
    CHECK(event->event == "scan");
    CHECK(event->data == R"({"a":1})");
    event = reader->next(patience).value();
    REQUIRE(event);
    CHECK(event->id == "17");
    CHECK(event->event == "message");
    CHECK(event->data == "first line\nsecond\n\nfifth");
    CHECK(!reader->next(Duration{0}).value());

    world.server.on_loop([&] { world.streams[0].close(); });
    const auto end = reader->next(patience);
    REQUIRE(!end);
    CHECK(end.error().name == "http.stream_ended");
}

TEST_CASE("a stream's bytes are those of the standard", "[http][streams]") {
    StreamServer world;
    RawConnection raw(world.server.port());
    raw.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const auto head = raw.read_until("\r\n\r\n");
    CHECK(head.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"));
    CHECK(head.find("Content-Length") == std::string::npos);
    world.wait_for_stream();
    REQUIRE(world.send("5\n6", "sale", "x"));
    CHECK(raw.read_until("\n\n") == "id: 5 6\nevent: sale\ndata: x\n\n");
}

TEST_CASE("a silent stream gets a comment as heartbeat", "[http][streams]") {
    ServerOptions options;
    options.heartbeat = Duration{40};
    StreamServer world(options);
    RawConnection raw(world.server.port());
    raw.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    raw.read_until("\r\n\r\n");
    CHECK(raw.read_until("\n\n") == ":\n\n");
    CHECK(raw.read_until("\n\n") == ":\n\n");

    auto reader = EventReader::open(world.server.target(), get("/events"));
    REQUIRE(reader);
    while (reader->comments() < 2) REQUIRE(!reader->next(Duration{20}).value());
}

TEST_CASE("a client that goes is noticed without sending", "[http][streams]") {
    StreamServer world;
    {
        auto reader = EventReader::open(world.server.target(), get("/events"));
        REQUIRE(reader);
        CHECK(world.server.stats().streams == 1);
    }
    while (!world.server.on_loop([&] { return world.streams[0].closed(); })) {
    }
    CHECK(!world.send("1", "late", "x"));
    CHECK(world.server.stats().connections == 0);
}

TEST_CASE("a client that does not read is dropped when its queue is full", "[http][streams]") {
    StreamServer world;
    RawConnection raw(world.server.port());
    raw.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    raw.read_until("\r\n\r\n");
    world.wait_for_stream();
    const std::string data(16 * 1024, 'x');
    int sent = 0;
    while (world.send("1", "flood", data) && sent < 10'000)
        ++sent; // the kernel's buffers take some megabytes first
    CHECK(sent >= 15);
    CHECK(sent < 10'000);
    CHECK(world.server.on_loop([&] { return world.streams[0].closed(); }));
    CHECK(world.server.stats().streams_dropped == 1);
    CHECK(world.server.stats().connections == 0);
}

TEST_CASE("what is queued below the limit is not lost when the stream ends", "[http][streams]") {
    StreamServer world;
    auto reader = EventReader::open(world.server.target(), get("/events"));
    REQUIRE(reader);
    const std::string data(1000, 'x');
    world.server.on_loop([&] {
        for (int i = 0; i < 200; ++i) REQUIRE(world.streams[0].send(std::to_string(i), "", data));
        world.streams.clear(); // the last handle goes while bytes are waiting
    });
    for (int i = 0; i < 200; ++i) {
        const auto event = reader->next(patience).value();
        REQUIRE(event);
        CHECK(event->id == std::to_string(i));
    }
    CHECK(reader->next(patience).error().name == "http.stream_ended");
}

TEST_CASE("one stream too many is refused by name", "[http][streams]") {
    ServerOptions options;
    options.streams_max = 1;
    StreamServer world(options);
    auto first = EventReader::open(world.server.target(), get("/events"));
    REQUIRE(first);
    const auto second = EventReader::open(world.server.target(), get("/events"));
    REQUIRE(!second);
    CHECK(second.error().name == "http.too_many_streams");
    CHECK(second.error().code == Code::busy);
}

TEST_CASE("a refused stream tells the problem's own name", "[http][streams]") {
    StreamServer world;
    const auto reader = EventReader::open(world.server.target(), get("/elsewhere"));
    REQUIRE(!reader);
    CHECK(reader.error().name == "http.not_found");
    CHECK(reader.error().code == Code::not_found);
}

TEST_CASE("events are the same however the bytes are cut", "[http][streams]") {
    const std::string stream =
        ": hello\r\n\r\nid: 1\rdata:a\r\ndata: b\r\n\nevent:x\ndata\n\nevent: none\n\nid\ndata: c\n\n";
    const auto read = [&](std::size_t cut) {
        EventParser parser;
        std::string seen;
        for (std::size_t at = 0; at < stream.size(); at += cut) {
            parser.feed(std::string_view(stream).substr(at, cut));
            for (auto event = parser.next(); event.value(); event = parser.next()) {
                seen += (*event)->id + "/" + (*event)->event + "/" + (*event)->data + ";";
            }
        }
        return seen + std::to_string(parser.comments());
    };
    for (std::size_t cut = 1; cut <= stream.size(); ++cut) {
        CAPTURE(cut);
        CHECK(read(cut) == "1/message/a\nb;1/x/;/message/c;1");
    }
}

TEST_CASE("an event without end is refused", "[http][streams]") {
    EventParser parser;
    parser.feed("data: " + std::string(event_bytes_max + 1, 'x'));
    CHECK(parser.next().error().name == "http.bad_answer");

    EventParser lines;
    const std::string line = "data: " + std::string(1000, 'x') + "\n";
    Result<std::optional<Event>> result = std::optional<Event>{};
    for (std::size_t i = 0; i < 2 * event_bytes_max / line.size() && result; ++i) {
        lines.feed(line);
        result = lines.next();
    }
    CHECK(!result);
}
