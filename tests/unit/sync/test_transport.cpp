#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

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

TEST_CASE("a request is answered over tcp, and the link is reported", "[sync]") {
    test::Loop loop;
    Server server(loop);
    CHECK(port_of(server.transport->url()) > 0);
    Till till(loop, server.transport->url());
    REQUIRE(loop.run_until([&] { return till.up; }));
    till.transport->send(1, Channel::push, "hello", 5s);
    till.transport->send(2, Channel::pull, std::string(1'000'000, 'x'), 5s);
    REQUIRE(loop.run_until([&] { return till.has(1) && till.has(2); }));
    CHECK(name_of(till, 1) == "echo:hello");
    CHECK(name_of(till, 2).size() == 1'000'005);
    CHECK(server.transport->connections() == 1);
}

TEST_CASE("a held request times out, and its late reply is nobody's", "[sync]") {
    test::Loop loop;
    Server server(loop);
    Till till(loop, server.transport->url());
    till.transport->send(1, Channel::push, "hold", 200ms);
    for (std::uint64_t request = 100; !till.has(1); ++request) {
        till.transport->send(request, Channel::pull, "alive", 5s);
        REQUIRE(loop.run_until([&] { return till.has(request); }));
    }
    REQUIRE(!server.held.empty());
    CHECK(name_of(till, 1) == "transport.timeout");
    server.transport->reply(server.held[0], "late");
    till.transport->send(3, Channel::push, "next", 5s);
    REQUIRE(loop.run_until([&] { return till.has(3); }));
    CHECK(name_of(till, 3) == "echo:next");
    CHECK(till.answers[1] == 1);
}

TEST_CASE("a request sent before the server is there reaches it once it is", "[sync]") {
    test::Loop loop;
    std::string url;
    {
        const Server only_for_its_port(loop);
        url = only_for_its_port.transport->url();
    }
    Till till(loop, url);
    till.transport->send(1, Channel::push, "early", 20s);
    Server server(loop, url);
    REQUIRE(loop.run_until([&] { return till.has(1); }));
    CHECK(name_of(till, 1) == "echo:early");
}

TEST_CASE("a server that restarts is found again, and what was under way is reported as closed", "[sync]") {
    test::Loop loop;
    auto server = std::make_unique<Server>(loop);
    const std::string url = server->transport->url();
    Till till(loop, url);
    till.transport->send(1, Channel::pull, "hold", 20s);
    REQUIRE(loop.run_until([&] { return till.up && !server->held.empty(); }));
    server->transport->stop();
    loop.drain();
    server.reset();
    REQUIRE(loop.run_until([&] { return !till.up && till.has(1); }));
    CHECK(name_of(till, 1) == "transport.closed");
    server = std::make_unique<Server>(loop, url);
    REQUIRE(loop.run_until([&] { return till.up; }));
    till.transport->send(2, Channel::push, "again", 5s);
    REQUIRE(loop.run_until([&] { return till.has(2); }));
    CHECK(name_of(till, 2) == "echo:again");
}

TEST_CASE("a second request on a busy channel cancels the first, each is answered once", "[sync]") {
    test::Loop loop;
    Server server(loop);
    Till till(loop, server.transport->url());
    for (std::uint64_t request = 1; request <= 50; ++request)
        till.transport->send(request, Channel::push, "hold", 20s);
    till.transport->send(51, Channel::push, "last", 20s);
    REQUIRE(loop.run_until([&] { return till.answers.size() == 51; }));
    CHECK(name_of(till, 51) == "echo:last");
    for (std::uint64_t request = 1; request <= 50; ++request)
        CHECK(name_of(till, request) == "transport.closed");
    CHECK(std::all_of(till.answers.begin(), till.answers.end(),
                      [](const auto& answer) { return answer.second == 1; }));
}

TEST_CASE("a hundred long polls wait at once while others are answered", "[sync]") {
    test::Loop loop;
    Server server(loop);
    std::vector<std::unique_ptr<Till>> tills;
    for (int i = 0; i < 100; ++i) tills.push_back(std::make_unique<Till>(loop, server.transport->url()));
    for (const auto& till : tills) till->transport->send(1, Channel::pull, "hold", 60s);
    REQUIRE(loop.run_until([&] { return server.held.size() == 100; }));
    for (const auto& till : tills) till->transport->send(2, Channel::push, "sale", 60s);
    const auto all = [&](std::uint64_t request) {
        return std::all_of(tills.begin(), tills.end(), [&](const auto& till) { return till->has(request); });
    };
    REQUIRE(loop.run_until([&] { return all(2); }));
    CHECK(server.transport->connections() == 100);
    for (std::size_t i = 0; i < 100; ++i) server.transport->reply(server.held[i], "news" + std::to_string(i));
    REQUIRE(loop.run_until([&] { return all(1); }));
    CHECK(name_of(*tills[0], 1).starts_with("news"));
}

TEST_CASE("requests beyond the limit wait their turn instead of being lost", "[sync]") {
    test::Loop loop;
    Server server(loop, "tcp://127.0.0.1:0", {}, 3);
    std::vector<std::unique_ptr<Till>> tills;
    for (int i = 0; i < 5; ++i) {
        tills.push_back(std::make_unique<Till>(loop, server.transport->url()));
        tills.back()->transport->send(1, Channel::push, "hold", 60s);
    }
    REQUIRE(loop.run_until([&] { return server.held.size() == 3; }));
    for (std::size_t i = 0; i < 5; ++i) {
        REQUIRE(loop.run_until([&] { return server.held.size() > i; }));
        server.transport->reply(server.held[i], "done");
    }
    REQUIRE(loop.run_until([&] {
        return std::all_of(tills.begin(), tills.end(), [](const auto& till) { return till->has(1); });
    }));
}

TEST_CASE("a frame larger than allowed is not sent, and not taken from a stranger", "[sync]") {
    test::Loop loop;
    Server server(loop);
    Till till(loop, server.transport->url());
    till.transport->send(1, Channel::push, std::string(frame_bytes_max + 1, 'x'), 5s);
    REQUIRE(loop.run_until([&] { return till.has(1); }));
    CHECK(name_of(till, 1) == "transport.too_large");

    const RawPeer stranger(port_of(server.transport->url()));
    stranger.write(std::string("\0\0\0\0\0\x30\0\0", 8)); // announces 3 MiB
    CHECK(stranger.read(1).empty());                      // closed at once
    till.transport->send(2, Channel::push, "fine", 5s);
    REQUIRE(loop.run_until([&] { return till.has(2); }));
    CHECK(name_of(till, 2) == "echo:fine");
}

TEST_CASE("a connection that is up but mute is dropped after a time-out and made anew", "[sync]") {
    // Takes connections and says the right hello, then nothing ever again: a half-open line.
    const int mute = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(mute, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(mute, 8) == 0);
    socklen_t size = sizeof address;
    ::getsockname(mute, reinterpret_cast<sockaddr*>(&address), &size);
    std::atomic<int> taken{0};
    std::array<int, 2> peers{};
    std::thread acceptor([&] {
        for (int& peer : peers) {
            peer = ::accept(mute, nullptr, nullptr);
            ++taken;
            ::send(peer, "\0SP\0\0\x31\0\0", 8, MSG_NOSIGNAL);
        }
    });
    test::Loop loop;
    {
        Till till(loop, "tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port)));
        REQUIRE(loop.run_until([&] { return till.up; }));
        till.transport->send(1, Channel::push, "anybody?", 50ms);
        CHECK(loop.run_until([&] { return till.has(1) && till.changes >= 3; }));
        CHECK(name_of(till, 1) == "transport.timeout");
        CHECK(taken == 2);
    }
    ::shutdown(mute, SHUT_RDWR);
    acceptor.join();
    for (const int peer : peers) ::close(peer);
    ::close(mute);
}

TEST_CASE("a connection that falls mute is dropped although something came just before", "[sync]") {
    test::Loop loop;
    Server server(loop);
    Till till(loop, server.transport->url());
    till.transport->send(1, Channel::push, "hold for ever", 600ms);
    till.transport->send(2, Channel::pull, "last words", 5s);
    REQUIRE(loop.run_until([&] { return till.has(2); }));
    CHECK(name_of(till, 2) == "echo:last words");
    CHECK(loop.run_until([&] { return till.has(1) && till.changes >= 3; }, 5s));
    CHECK(name_of(till, 1) == "transport.timeout");
}

TEST_CASE("a connection on which answers come is kept although one of them does not", "[sync]") {
    test::Loop loop;
    Server server(loop);
    Till till(loop, server.transport->url());
    till.transport->send(1, Channel::push, "hold for ever", 600ms);
    for (std::uint64_t request = 2; !till.has(1); ++request) {
        till.transport->send(request, Channel::pull, "news?", 5s);
        REQUIRE(loop.run_until([&] { return till.has(request); }));
    }
    CHECK(name_of(till, 1) == "transport.timeout");
    till.transport->send(1'000'000, Channel::push, "still there", 5s);
    REQUIRE(loop.run_until([&] { return till.has(1'000'000); }));
    CHECK(till.changes == 1);
}

TEST_CASE("a server that can be reached again is found at once, however long nobody answered", "[sync]") {
    // Connections to a listener whose queue is full are not answered at all, as in a network that swallows
    // them.
    const int full = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const where = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(full, where, sizeof address) == 0);
    REQUIRE(::listen(full, 0) == 0);
    socklen_t size = sizeof address;
    ::getsockname(full, where, &size);
    std::array<int, 2> fillers{};
    for (int& filler : fillers) {
        filler = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        ::connect(filler, where, sizeof address);
    }
    test::Loop loop;
    std::thread acceptor;
    {
        Till till(loop, "tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port)));
        // The system asks after 1, 3, 7 and 15 s.
        CHECK_FALSE(loop.run_until([&] { return till.up; }, 8s));
        acceptor = std::thread([full] {
            for (int peer = 0; (peer = ::accept(full, nullptr, nullptr)) >= 0;)
                ::send(peer, "\0SP\0\0\x31\0\0", 8, MSG_NOSIGNAL); // closed with the process
        });
        CHECK(loop.run_until([&] { return till.up; }, 4s));
    }
    for (const int filler : fillers) ::close(filler);
    ::shutdown(full, SHUT_RDWR);
    acceptor.join();
    ::close(full);
}

TEST_CASE("over TLS, a till of our authority is answered; one that trusts another does not connect",
          "[sync]") {
    test::Loop loop;
    const test::Authority authority;
    const test::Authority stranger;
    const test::Certificate certificate = authority.issue("shop.example");
    Server server(loop, "tls+tcp://127.0.0.1:0", {certificate.pem, certificate.key_pem, {}});
    REQUIRE(server.transport->url().starts_with("tls+tcp://127.0.0.1:"));
    CHECK(port_of(server.transport->url()) > 0);

    Till till(loop, server.transport->url(), {authority.pem(), "shop.example", {}, {}});
    Till misled(loop, server.transport->url(), {stranger.pem(), "shop.example", {}, {}});
    Till elsewhere(loop, server.transport->url(), {authority.pem(), "other.example", {}, {}});
    till.transport->send(1, Channel::push, std::string(300'000, 'x'), 20s);
    misled.transport->send(1, Channel::push, "secret", 500ms);
    elsewhere.transport->send(1, Channel::push, "secret", 500ms);
    REQUIRE(loop.run_until([&] { return till.has(1) && misled.has(1) && elsewhere.has(1); }));
    CHECK(name_of(till, 1).size() == 300'005);
    CHECK(name_of(misled, 1) == "transport.timeout");
    CHECK(name_of(elsewhere, 1) == "transport.timeout");
    CHECK_FALSE(misled.up);
    CHECK_FALSE(elsewhere.up);
}

TEST_CASE("a server that asks for certificates refuses tills without one of its authority", "[sync]") {
    test::Loop loop;
    const test::Authority authority;
    const test::Authority stranger;
    const test::Certificate certificate = authority.issue("shop.example");
    Server server(loop, "tls+tcp://127.0.0.1:0", {certificate.pem, certificate.key_pem, authority.pem()});
    const test::Certificate own = authority.issue("till-7");
    const test::Certificate foreign = stranger.issue("till-7");
    Till known(loop, server.transport->url(), {authority.pem(), "shop.example", own.pem, own.key_pem});
    Till nobody(loop, server.transport->url(), {authority.pem(), "shop.example", {}, {}});
    Till forged(loop, server.transport->url(),
                {authority.pem(), "shop.example", foreign.pem, foreign.key_pem});
    for (Till* till : {&known, &nobody, &forged})
        till->transport->send(1, Channel::push, "x", till == &known ? 20s : 1s);
    REQUIRE(loop.run_until([&] { return known.has(1) && nobody.has(1) && forged.has(1); }));
    CHECK(name_of(known, 1) == "echo:x");
    CHECK(name_of(nobody, 1).starts_with("transport."));
    CHECK(name_of(forged, 1).starts_with("transport."));
}

TEST_CASE("a TLS server that restarts is found again", "[sync]") {
    test::Loop loop;
    const test::Authority authority;
    const test::Certificate certificate = authority.issue("127.0.0.1");
    const TlsServer tls{certificate.pem, certificate.key_pem, {}};
    auto server = std::make_unique<Server>(loop, "tls+tcp://127.0.0.1:0", tls);
    const std::string url = server->transport->url();
    Till till(loop, url, {authority.pem(), {}, {}, {}}); // the name is taken from the address
    REQUIRE(loop.run_until([&] { return till.up; }));
    server.reset();
    REQUIRE(loop.run_until([&] { return !till.up; }));
    server = std::make_unique<Server>(loop, url, tls);
    till.transport->send(1, Channel::push, "again", 20s);
    REQUIRE(loop.run_until([&] { return till.has(1); }));
    CHECK(name_of(till, 1) == "echo:again");
}

TEST_CASE("what cannot be started says why", "[sync]") {
    test::Loop loop;
    const test::Authority authority;
    const auto server_error = [&](const std::string& url, const TlsServer& tls = {}) {
        const auto started =
            ServerTransport::start(url, tls, 10, loop.post(), [](RequestToken, PipeId, std::string) {});
        return started ? "" : started.error().name;
    };
    const auto till_error = [&](const std::string& url, const TlsClient& tls = {}) {
        const auto started = TillTransport::start(url, tls, loop.post(),
                                                  {[](bool) {}, [](std::uint64_t, Result<std::string>) {}});
        return started ? "" : started.error().name;
    };
    const Server server(loop);
    CHECK(server_error(server.transport->url()) == "transport.port_taken");
    CHECK(server_error("udp://127.0.0.1:1") == "transport.url");
    CHECK(server_error("tcp://nonsense") == "transport.url");
    CHECK(server_error("tls+tcp://127.0.0.1:0") == "transport.tls");
    CHECK(server_error("tls+tcp://127.0.0.1:0", {"no PEM", "no key", {}}) == "transport.tls");
    CHECK(till_error("http://127.0.0.1:1") == "transport.url");
    CHECK(till_error("tls+tcp://127.0.0.1:1") == "transport.tls");
    CHECK(till_error("tls+tcp://127.0.0.1:1", {"no PEM", {}, {}, {}}) == "transport.tls");
    CHECK(till_error("tls+tcp://127.0.0.1:1", {authority.pem(), {}, {}, {}}).empty());
}

TEST_CASE("both ends can be stopped and destroyed with anything under way", "[sync]") {
    for (int round = 0; round < 20; ++round) {
        test::Loop loop;
        auto server = std::make_unique<Server>(loop);
        std::vector<std::unique_ptr<Till>> tills;
        for (int i = 0; i < 4; ++i) {
            tills.push_back(std::make_unique<Till>(loop, server->transport->url()));
            tills.back()->transport->send(1, Channel::pull, "hold", 5s);
            tills.back()->transport->send(2, Channel::push, "sale", 5s);
        }
        if (round % 2 == 0) loop.run_until([&] { return tills[0]->has(2); });
        tills[1]->transport->stop();
        if (round % 3 == 0) server.reset();
        tills.clear();
        server.reset();
        loop.drain(); // what was posted meets nobody
    }
    SUCCEED();
}
