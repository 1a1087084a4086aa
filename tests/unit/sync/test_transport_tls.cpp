#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include <catch2/catch.hpp>

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <mudi/sync/identity.hpp>

#include "unit/sync/authority.hpp"
#include "unit/sync/transport_ends.hpp"

using namespace mudi;
using namespace mudi::sync;
using mudi::test::name_of;
using mudi::test::port_of;
using mudi::test::Server;
using mudi::test::Till;
using namespace std::chrono_literals;

namespace {

struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* connection) const { SSL_free(connection); }
    void operator()(BIO* bio) const { BIO_free(bio); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

struct Pki {
    std::unique_ptr<X509, Free> certificate;
    std::unique_ptr<EVP_PKEY, Free> key;
};
Pki read(const test::Certificate& own) {
    const std::unique_ptr<BIO, Free> pem{BIO_new_mem_buf(own.pem.data(), static_cast<int>(own.pem.size()))};
    const std::unique_ptr<BIO, Free> key_pem{
        BIO_new_mem_buf(own.key_pem.data(), static_cast<int>(own.key_pem.size()))};
    return {
        std::unique_ptr<X509, Free>{PEM_read_bio_X509(pem.get(), nullptr, nullptr, nullptr)},
        std::unique_ptr<EVP_PKEY, Free>{PEM_read_bio_PrivateKey(key_pem.get(), nullptr, nullptr, nullptr)}};
}
void show(SSL_CTX* context, const test::Certificate& own) {
    const Pki pki = read(own);
    REQUIRE(SSL_CTX_use_certificate(context, pki.certificate.get()) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey(context, pki.key.get()) == 1);
}

/// Listens at a port of its own and hands each connection, one after the other, to `serve`.
class Acceptor {
public:
    explicit Acceptor(std::function<void(int peer)> serve) : serve_(std::move(serve)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(::listen(socket_, 8) == 0);
        socklen_t size = sizeof address;
        ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] {
            for (int peer = 0; (peer = ::accept(socket_, nullptr, nullptr)) >= 0;) {
                const timeval at_most{.tv_sec = 30, .tv_usec = 0};
                ::setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &at_most, sizeof at_most);
                serve_(peer);
                ::close(peer);
            }
        });
    }
    ~Acceptor() {
        ::shutdown(socket_, SHUT_RDWR);
        thread_.join();
        ::close(socket_);
    }
    Acceptor(const Acceptor&) = delete;
    Acceptor& operator=(const Acceptor&) = delete;

    [[nodiscard]] std::string url() const { return "tls+tcp://127.0.0.1:" + std::to_string(port_); }

private:
    std::function<void(int)> serve_;
    int socket_{::socket(AF_INET, SOCK_STREAM, 0)};
    int port_{};
    std::thread thread_;
};

std::unique_ptr<SSL_CTX, Free> server_context(const test::Certificate& own) {
    std::unique_ptr<SSL_CTX, Free> context{SSL_CTX_new(TLS_server_method())};
    show(context.get(), own);
    return context;
}

/// The handshake and the hello of the protocol below us.
bool let_in(SSL* connection) {
    std::array<char, 8> hello{};
    return SSL_accept(connection) == 1 && SSL_read(connection, hello.data(), 8) == 8 &&
           SSL_write(connection, "\0SP\0\0\x31\0\0", 8) == 8;
}

/// Lets one in, answers one request of the bytes "sale", and is done.
void serve_once(SSL_CTX* context, int peer) {
    constexpr int request_bytes = 8 + 4 + 4; // length, the request's number, its bytes
    const std::unique_ptr<SSL, Free> connection{SSL_new(context)};
    SSL_set_fd(connection.get(), peer);
    if (!let_in(connection.get())) return;
    std::array<char, request_bytes> bytes{};
    int count = 0;
    for (int more = 1; more > 0 && count < request_bytes; count += std::max(more, 0))
        more = SSL_read(connection.get(), bytes.data() + count, request_bytes - count);
    if (count == request_bytes) SSL_write(connection.get(), bytes.data(), count);
}

/// Breaks off in the middle of letting one in, each time elsewhere.
void break_off(SSL_CTX* context, int peer, int time) {
    const std::unique_ptr<SSL, Free> connection{SSL_new(context)};
    SSL_set_fd(connection.get(), peer);
    std::array<char, 16> bytes{};
    switch (time % 4) {
    case 0: break;
    case 1: static_cast<void>(::recv(peer, bytes.data(), bytes.size(), 0)); break;
    case 2: SSL_accept(connection.get()); break;
    default: SSL_accept(connection.get()); SSL_read(connection.get(), bytes.data(), 8);
    }
    const linger at_once{.l_onoff = time / 4 % 2, .l_linger = 0};
    ::setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

/// Another TLS library than the till's, so that a refusal can only be the server's: true when the handshake
/// is completed and the server answers the first words of the protocol.
bool is_let_in(int port, const test::Certificate& own) {
    const std::unique_ptr<SSL_CTX, Free> context{SSL_CTX_new(TLS_client_method())};
    if (!own.pem.empty()) show(context.get(), own);
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    const timeval at_most{.tv_sec = 30, .tv_usec = 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &at_most, sizeof at_most);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    bool in = false;
    {
        const std::unique_ptr<SSL, Free> connection{SSL_new(context.get())};
        SSL_set_fd(connection.get(), socket);
        std::array<char, 8> answer{};
        in = SSL_connect(connection.get()) == 1 && SSL_write(connection.get(), "\0SP\0\0\x30\0\0", 8) == 8 &&
             SSL_read(connection.get(), answer.data(), 8) == 8;
    }
    ::close(socket);
    return in;
}

} // namespace

TEST_CASE("a server that asks for certificates lets in who has one of its authority, and nobody else",
          "[sync]") {
    test::Loop loop;
    const test::Authority authority;
    const test::Authority other; // calls itself the same
    const test::Certificate own = authority.issue("shop.example");
    Server server(loop, "tls+tcp://127.0.0.1:0", {own.pem, own.key_pem, authority.pem()});
    const int port = port_of(server.transport->url());

    auto key = TillKey::make();
    REQUIRE(key);
    const std::string pem = authority.sign(key->request(TillId{7}).value(), "till-7");
    CHECK(is_let_in(port, {pem, key->pem().value()}));
    CHECK_FALSE(is_let_in(port, {}));
    CHECK_FALSE(is_let_in(port, test::Authority::self_made("till-7")));
    CHECK_FALSE(is_let_in(port, other.issue("till-7")));
    CHECK_FALSE(is_let_in(port, authority.issue("till-7", {.key = {}, .seconds = -60})));
    CHECK_FALSE(
        is_let_in(port, authority.issue("till-7", {.key = {}, .seconds = 3600, .usage = "serverAuth"})));
    CHECK(is_let_in(port, authority.issue("till-8")));

    Till till(loop, server.transport->url(), {authority.pem(), "shop.example", pem, key->pem().value()});
    till.transport->send(1, Channel::push, "sale", 20s);
    REQUIRE(loop.run_until([&] { return till.has(1); }));
    CHECK(name_of(till, 1) == "echo:sale");
    // The two strangers of ours have gone; the others never counted.
    REQUIRE(loop.run_until([&] { return server.gone.size() == 2; }));
    CHECK(server.transport->connections() == 1);
    CHECK(server.seen.size() == 1);
}

TEST_CASE("a server shows another certificate from the next connection on, and lets go of none", "[sync]") {
    test::Loop loop;
    const test::Authority authority;
    const test::Certificate old = authority.issue("old.example");
    const test::Certificate own = authority.issue("shop.example");
    const test::Certificate till_own = authority.issue("till-7");
    Server server(loop, "tls+tcp://127.0.0.1:0", {old.pem, old.key_pem, authority.pem()});
    Till first(loop, server.transport->url(),
               {authority.pem(), "old.example", till_own.pem, till_own.key_pem});
    REQUIRE(loop.run_until([&] { return first.up; }));
    CHECK(server.transport->renew({"no certificate", own.key_pem, authority.pem()}).error().name ==
          "transport.tls");
    REQUIRE(server.transport->renew({own.pem, own.key_pem, authority.pem()}));
    // This one believes no other name.
    Till second(loop, server.transport->url(),
                {authority.pem(), "shop.example", till_own.pem, till_own.key_pem});
    REQUIRE(loop.run_until([&] { return second.up; }));
    CHECK_FALSE(is_let_in(port_of(server.transport->url()), {}));
    first.transport->send(1, Channel::push, "sale", 20s);
    REQUIRE(loop.run_until([&] { return first.has(1); }));
    CHECK(name_of(first, 1) == "echo:sale");
    CHECK(first.changes == 1);
    server.transport->stop();
    CHECK(server.transport->renew({own.pem, own.key_pem, {}}).error().name == "transport.closed");
}

TEST_CASE("a server that asks for no certificates takes anybody", "[sync]") {
    test::Loop loop;
    const test::Authority authority;
    const test::Certificate own = authority.issue("shop.example");
    const Server server(loop, "tls+tcp://127.0.0.1:0", {own.pem, own.key_pem, {}});
    CHECK(is_let_in(port_of(server.transport->url()), {}));
}

TEST_CASE("a connection over TLS that breaks off unread is found dead, live ones stay", "[sync]") {
    test::Loop loop;
    const test::Authority authority;
    const test::Certificate own = authority.issue("shop.example");
    Server server(loop, "tls+tcp://127.0.0.1:0", {own.pem, own.key_pem, {}});
    Till till(loop, server.transport->url(), {authority.pem(), "shop.example", {}, {}});
    till.transport->send(1, Channel::pull, "hold", 60s);
    REQUIRE(loop.run_until([&] { return !server.held.empty(); }));
    // Each breaks off in the moment it is let in, before the server waits for its first request.
    for (int i = 0; i < 20; ++i) CHECK(is_let_in(port_of(server.transport->url()), {}));
    REQUIRE(loop.run_until([&] { return server.gone.size() == 20; }));
    CHECK(server.transport->connections() == 1);
    CHECK(server.strays == 0);
    CHECK(till.changes == 1);
    server.transport->reply(server.held[0], "news");
    REQUIRE(loop.run_until([&] { return till.has(1); }));
    CHECK(name_of(till, 1) == "news");
}

TEST_CASE("a till finds out that its server died, however soon behind an answer", "[sync]") {
    // One in two to twenty is lost by NNG and found only by looking, which takes 4 s.
    constexpr int deaths = 12;
    const test::Authority authority;
    const test::Certificate own = authority.issue("shop.example");
    test::Loop loop;
    const auto context = server_context(own);
    const Acceptor server([&](int peer) { serve_once(context.get(), peer); });
    const Till till(loop, server.url(), {authority.pem(), "shop.example", {}, {}});
    for (int death = 0; death < deaths; ++death) {
        REQUIRE(loop.run_until([&] { return till.changes > 2 * death; }));
        till.transport->send(static_cast<std::uint64_t>(2 * death + 1), Channel::push, "sale", 60s);
        till.transport->send(static_cast<std::uint64_t>(2 * death + 2), Channel::pull, "news", 60s);
        REQUIRE(loop.run_until([&] { return till.changes > 2 * death + 1; }));
    }
}

TEST_CASE("a till goes on dialing whatever became of its attempts", "[sync]") {
    constexpr int attempts = 40;
    const test::Authority authority;
    const test::Certificate own = authority.issue("shop.example");
    const auto context = server_context(own);
    std::atomic<int> broken{0};
    test::Loop loop;
    const Acceptor server([&](int peer) {
        if (broken < attempts)
            break_off(context.get(), peer, broken++);
        else
            serve_once(context.get(), peer);
    });
    Till till(loop, server.url(), {authority.pem(), "shop.example", {}, {}},
              {.min = 10ms, .max = 50ms, .attempt_max = 250ms});
    const auto is_answered = [&] {
        till.transport->send(1, Channel::push, "sale", 60s);
        return loop.run_until([&] { return till.has(1); }, 120s);
    };
    CHECK(is_answered());
    CHECK(name_of(till, 1) == "sale");
    CHECK(broken == attempts);
}
