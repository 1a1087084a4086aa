#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include <catch2/catch.hpp>

#include "unit/sync/authority.hpp"
#include "unit/sync/transport_ends.hpp"

using namespace mudi;
using namespace mudi::sync;
using mudi::test::name_of;
using mudi::test::port_of;
using mudi::test::RawPeer;
using mudi::test::Server;
using mudi::test::Till;
using namespace std::chrono_literals;

namespace {

/// One request of the protocol below us, as a till's library would send it.
std::string raw_request(std::uint32_t number, const std::string& frame) {
    std::string out(7, '\0');
    out += static_cast<char>(4 + frame.size());
    for (const std::uint32_t part : {0x80U | (number >> 24), number >> 16, number >> 8, number})
        out += static_cast<char>(part & 0xff);
    return out + frame;
}

} // namespace

TEST_CASE("all requests of a connection carry its number, and no other connection has it", "[sync]") {
    test::Loop loop;
    Server server(loop);
    Till one(loop, server.transport->url());
    Till other(loop, server.transport->url());
    one.transport->send(1, Channel::push, "one push", 20s);
    one.transport->send(2, Channel::pull, "one pull", 20s);
    one.transport->send(3, Channel::ask, "one ask", 20s);
    other.transport->send(1, Channel::push, "other", 20s);
    REQUIRE(loop.run_until([&] { return one.has(1) && one.has(2) && one.has(3) && other.has(1); }));
    CHECK(name_of(one, 3) == "echo:one ask");
    CHECK(server.pipe_of("one push") != 0);
    CHECK(server.pipe_of("one pull") == server.pipe_of("one push"));
    CHECK(server.pipe_of("one ask") == server.pipe_of("one push"));
    CHECK(server.pipe_of("other") != 0);
    CHECK(server.pipe_of("other") != server.pipe_of("one push"));
    CHECK(server.gone.empty());
}

TEST_CASE("the three channels do not wait for each other", "[sync]") {
    test::Loop loop;
    Server server(loop);
    Till till(loop, server.transport->url());
    till.transport->send(1, Channel::pull, "hold", 60s);
    till.transport->send(2, Channel::push, "hold", 60s);
    REQUIRE(loop.run_until([&] { return server.held.size() == 2; }));
    till.transport->send(3, Channel::ask, "quick", 20s);
    REQUIRE(loop.run_until([&] { return till.has(3); }));
    CHECK(name_of(till, 3) == "echo:quick");
    CHECK_FALSE(till.has(1));
    CHECK_FALSE(till.has(2));
}

TEST_CASE("a question that times out does not cost the connection", "[sync]") {
    test::Loop loop;
    Server server(loop);
    Till till(loop, server.transport->url());
    REQUIRE(loop.run_until([&] { return till.up; }));
    till.transport->send(1, Channel::ask, "hold", 50ms);
    REQUIRE(loop.run_until([&] { return till.has(1); }));
    CHECK(name_of(till, 1) == "transport.timeout");
    till.transport->send(2, Channel::push, "sale", 20s);
    REQUIRE(loop.run_until([&] { return till.has(2); }));
    CHECK(till.changes == 1);
    till.transport->send(3, Channel::push, "hold", 50ms);
    REQUIRE(loop.run_until([&] { return till.changes >= 2; })); // this one does
}

TEST_CASE("the end of a connection is told once, and its next one has another number", "[sync]") {
    test::Loop loop;
    Server server(loop);
    auto till = std::make_unique<Till>(loop, server.transport->url());
    till->transport->send(1, Channel::push, "first life", 20s);
    REQUIRE(loop.run_until([&] { return till->has(1); }));
    const PipeId first = server.pipe_of("first life");
    till.reset();
    REQUIRE(loop.run_until([&] { return server.gone.contains(first); }));
    CHECK(server.transport->connections() == 0);

    till = std::make_unique<Till>(loop, server.transport->url());
    till->transport->send(1, Channel::push, "second life", 20s);
    REQUIRE(loop.run_until([&] { return till->has(1); }));
    CHECK(server.pipe_of("second life") != first);
    CHECK(server.strays == 0);
}

TEST_CASE("a connection that is cut ends at once, and its till comes back on another", "[sync]") {
    test::Loop loop;
    Server server(loop);
    Till till(loop, server.transport->url());
    Till bystander(loop, server.transport->url());
    bystander.transport->send(1, Channel::pull, "hold", 60s);
    till.transport->send(1, Channel::pull, "hold mine", 60s);
    REQUIRE(loop.run_until([&] { return till.up && server.held.size() == 2; }));
    const PipeId cut = server.pipe_of("hold mine");
    server.transport->close_pipe(cut);
    REQUIRE(loop.run_until([&] { return till.has(1) && server.gone.contains(cut); }));
    CHECK(name_of(till, 1) == "transport.closed");
    REQUIRE(loop.run_until([&] { return till.changes >= 2; }));

    till.transport->send(2, Channel::push, "back", 20s);
    REQUIRE(loop.run_until([&] { return till.has(2); }));
    CHECK(server.pipe_of("back") != cut);
    server.transport->close_pipe(cut); // long gone: nobody else is hit
    server.transport->close_pipe(0);
    till.transport->send(3, Channel::push, "still", 20s);
    REQUIRE(loop.run_until([&] { return till.has(3); }));
    CHECK(server.pipe_of("still") == server.pipe_of("back"));
    CHECK_FALSE(bystander.has(1));
    CHECK(server.gone.size() == 1);
}

TEST_CASE("what a connection asked after it was cut is not handed on", "[sync]") {
    test::Loop loop;
    Server server(loop);
    const RawPeer peer(port_of(server.transport->url()));
    peer.write(raw_request(1, "first"));
    REQUIRE(loop.run_until([&] { return server.seen.size() == 1; }));
    // All of these have come in before the loop looks at any of them.
    for (std::uint32_t number = 2; number <= 9; ++number) peer.write(raw_request(number, "late"));
    server.transport->close_pipe(server.seen[0].first);
    REQUIRE(loop.run_until([&] { return server.gone.size() == 1; }));
    CHECK(server.seen.size() == 1);
    // The places they took are free again.
    Till till(loop, server.transport->url());
    till.transport->send(1, Channel::push, "next", 20s);
    REQUIRE(loop.run_until([&] { return till.has(1); }));
    CHECK(name_of(till, 1) == "echo:next");
}

TEST_CASE("requests of a connection that went take no place from others", "[sync]") {
    test::Loop loop;
    Server server(loop, "tcp://127.0.0.1:0", {}, 3);
    std::vector<std::unique_ptr<Till>> gone;
    for (int i = 0; i < 3; ++i) {
        gone.push_back(std::make_unique<Till>(loop, server.transport->url()));
        gone.back()->transport->send(1, Channel::pull, "hold", 60s);
    }
    REQUIRE(loop.run_until([&] { return server.held.size() == 3; }));
    gone.clear();
    REQUIRE(loop.run_until([&] { return server.gone.size() == 3; }));
    Till till(loop, server.transport->url());
    for (std::uint64_t request = 1; request <= 5; ++request) {
        till.transport->send(request, Channel::push, "sale", 20s);
        REQUIRE(loop.run_until([&] { return till.has(request); }));
        CHECK(name_of(till, request) == "echo:sale");
    }
    for (const RequestToken token : server.held) server.transport->reply(token, "to nobody");
    till.transport->send(6, Channel::push, "after", 20s);
    REQUIRE(loop.run_until([&] { return till.has(6); }));
    CHECK(name_of(till, 6) == "echo:after");
}

TEST_CASE("a connection with too many open requests is cut, others go on", "[sync]") {
    test::Loop loop;
    Server server(loop);
    Till till(loop, server.transport->url());
    const RawPeer greedy(port_of(server.transport->url()));
    for (std::uint32_t number = 1; number <= requests_per_pipe_max; ++number)
        greedy.write(raw_request(number, "hold"));
    REQUIRE(loop.run_until([&] { return server.held.size() == requests_per_pipe_max; }));
    CHECK(server.gone.empty());
    greedy.write(raw_request(requests_per_pipe_max + 1, "hold"));
    REQUIRE(loop.run_until([&] { return server.gone.size() == 1; }));
    CHECK(greedy.read(1).empty());
    CHECK(server.held.size() == requests_per_pipe_max);
    till.transport->send(1, Channel::push, "fine", 20s);
    REQUIRE(loop.run_until([&] { return till.has(1); }));
    CHECK(name_of(till, 1) == "echo:fine");
}

TEST_CASE("a connection that asks and never reads is cut, and stops nobody", "[sync]") {
    test::Loop loop;
    Server server(loop);
    Till till(loop, server.transport->url());
    const RawPeer deaf(port_of(server.transport->url()));
    std::uint64_t asked = 0;
    while (server.gone.empty() && asked < 2'000) {
        ++asked;
        if (!deaf.write(raw_request(static_cast<std::uint32_t>(asked), "hold"))) break;
        REQUIRE(loop.run_until([&] { return server.held.size() == asked || !server.gone.empty(); }));
        server.transport->reply(server.held.back(), std::string(60'000, 'x'));
        if (asked % 100 != 0) continue;
        till.transport->send(asked, Channel::push, "fine", 20s);
        REQUIRE(loop.run_until([&] { return till.has(asked); }));
        CHECK(name_of(till, asked) == "echo:fine");
    }
    REQUIRE(loop.run_until([&] { return server.gone.size() == 1; }));
    CHECK(asked > requests_per_pipe_max);
    CHECK(asked < 2'000);
}

TEST_CASE("a stranger of another protocol never counts as a connection", "[sync]") {
    test::Loop loop;
    Server server(loop);
    const RawPeer stranger(port_of(server.transport->url()), '\x20'); // publishes
    CHECK(stranger.read(1).empty());                                  // closed at once
    Till till(loop, server.transport->url());
    till.transport->send(1, Channel::push, "fine", 20s);
    REQUIRE(loop.run_until([&] { return till.has(1) && server.transport->connections() <= 1; }));
    CHECK(server.transport->connections() == 1);
}

TEST_CASE("no request of a connection comes after its end, however they come and go", "[sync]") {
    test::Loop loop;
    Server server(loop);
    std::uint64_t request = 0;
    for (int round = 0; round < 20; ++round) {
        std::array<std::unique_ptr<Till>, 6> tills;
        for (auto& till : tills) till = std::make_unique<Till>(loop, server.transport->url());
        const std::size_t before = server.seen.size();
        for (auto& till : tills)
            for (const Channel channel : {Channel::push, Channel::pull, Channel::ask})
                till->transport->send(++request, channel, "sale", 20s);
        // Gone while requests are in every state between the wire and the loop.
        loop.run_until([&] { return server.seen.size() > before + static_cast<std::size_t>(round % 6); });
        if (round % 2 == 0) server.transport->close_pipe(server.seen.back().first);
    }
    REQUIRE(loop.run_until([&] { return server.transport->connections() == 0 && !server.gone.empty(); }));
    loop.drain();
    CHECK(server.strays == 0);
    for (const auto& [pipe, frame] : server.seen) CHECK(server.gone.contains(pipe));
}

TEST_CASE("a renewed certificate is shown at the next connection, without a restart", "[sync]") {
    test::Loop loop;
    const test::Authority authority;
    const test::Certificate server_own = authority.issue("shop.example");
    const test::Certificate old = test::Authority().issue("till-7");
    const test::Certificate renewed = authority.issue("till-7");
    Server server(loop, "tls+tcp://127.0.0.1:0", {server_own.pem, server_own.key_pem, authority.pem()});
    Till till(loop, server.transport->url(), {authority.pem(), "shop.example", old.pem, old.key_pem});
    till.transport->send(1, Channel::push, "refused", 500ms);
    REQUIRE(loop.run_until([&] { return till.has(1); }));
    CHECK_FALSE(till.up);

    const TlsClient with{authority.pem(), "shop.example", renewed.pem, renewed.key_pem};
    REQUIRE(till.transport->renew(with));
    till.transport->send(2, Channel::push, "let in", 20s);
    REQUIRE(loop.run_until([&] { return till.has(2) && till.up; }));
    CHECK(name_of(till, 2) == "echo:let in");
    CHECK(server.pipe_of("refused") == 0);

    // On a link that stands nothing is noticed, until the next.
    till.transport->send(3, Channel::pull, "hold", 60s);
    REQUIRE(loop.run_until([&] { return !server.held.empty(); }));
    const PipeId before = server.pipe_of("hold");
    REQUIRE(till.transport->renew({authority.pem(), "shop.example", old.pem, old.key_pem}));
    server.transport->reply(server.held[0], "news");
    REQUIRE(loop.run_until([&] { return till.has(3); }));
    CHECK(name_of(till, 3) == "news");
    server.transport->close_pipe(before);
    REQUIRE(loop.run_until([&] { return server.gone.contains(before) && !till.up; }));
    till.transport->send(4, Channel::push, "with the old one", 500ms);
    REQUIRE(loop.run_until([&] { return till.has(4); }));
    CHECK(name_of(till, 4) == "transport.timeout");
    CHECK(server.transport->connections() == 0);
}

TEST_CASE("a certificate that cannot be read changes nothing", "[sync]") {
    test::Loop loop;
    const test::Authority authority;
    const test::Certificate own = authority.issue("shop.example");
    Server server(loop, "tls+tcp://127.0.0.1:0", {own.pem, own.key_pem, {}});
    Till till(loop, server.transport->url(), {authority.pem(), "shop.example", {}, {}});
    REQUIRE(loop.run_until([&] { return till.up; }));
    const auto refused = till.transport->renew({authority.pem(), "shop.example", "no PEM", "no key"});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().name == "transport.tls");
    till.transport->send(1, Channel::push, "as before", 20s);
    REQUIRE(loop.run_until([&] { return till.has(1); }));
    CHECK(name_of(till, 1) == "echo:as before");
    CHECK(till.changes == 1);
    const Server plain(loop);
    const Till without(loop, plain.transport->url());
    CHECK(without.transport->renew({authority.pem(), {}, {}, {}}).error().name == "transport.tls");
    till.transport->stop();
    CHECK(till.transport->renew({authority.pem(), "shop.example", {}, {}}).error().name ==
          "transport.closed");
}

TEST_CASE("connections can be cut in any state, as often as one likes", "[sync]") {
    test::Loop loop;
    Server server(loop);
    Till till(loop, server.transport->url());
    std::uint64_t request = 0;
    for (int round = 0; round < 100; ++round) {
        const std::size_t before = server.seen.size();
        till.transport->send(++request, Channel::push, std::string(20'000, 'x'), 20s);
        till.transport->send(++request, Channel::pull, "poll", 20s);
        till.transport->send(++request, Channel::ask, "ask", 20s);
        REQUIRE(loop.run_until([&] { return server.seen.size() > before; }));
        server.transport->close_pipe(server.seen.back().first);
        const std::size_t ends = static_cast<std::size_t>(round) + 1;
        REQUIRE(loop.run_until([&] { return server.gone.size() == ends && till.answers.size() == request; }));
    }
    till.transport->send(++request, Channel::push, "last", 20s);
    REQUIRE(loop.run_until([&] { return till.has(request); }));
    CHECK(name_of(till, request) == "echo:last");
    CHECK(std::all_of(till.answers.begin(), till.answers.end(),
                      [](const auto& answer) { return answer.second == 1; }));
    CHECK(server.strays == 0);
}

TEST_CASE("a connection that keeps sending is cut in the middle of it", "[sync]") {
    test::Loop loop;
    Server server(loop);
    for (int round = 0; round < 30; ++round) {
        std::atomic<bool> enough{false};
        const RawPeer peer(port_of(server.transport->url()));
        std::thread flood([&] {
            for (std::uint32_t number = 1; !enough && peer.write(raw_request(number, "flood")); ++number) {
            }
        });
        const std::size_t before = server.seen.size();
        const bool came = loop.run_until([&] { return server.seen.size() >= before + 50; });
        const PipeId pipe = server.seen.back().first;
        const std::size_t seen = server.seen.size();
        server.transport->close_pipe(pipe);
        const bool gone = loop.run_until([&] { return server.gone.contains(pipe); });
        enough = true;
        peer.hang_up();
        flood.join();
        REQUIRE((came && gone));
        CHECK(server.seen.size() == seen);
    }
}
