#include <memory>

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

/// Another TLS library than the till's, so that a refusal can only be the server's: true when the handshake
/// is completed and the server answers the first words of the protocol.
bool is_let_in(int port, const test::Certificate& own) {
    const std::unique_ptr<SSL_CTX, Free> context{SSL_CTX_new(TLS_client_method())};
    if (!own.pem.empty()) {
        const std::unique_ptr<BIO, Free> pem{
            BIO_new_mem_buf(own.pem.data(), static_cast<int>(own.pem.size()))};
        const std::unique_ptr<BIO, Free> key_pem{
            BIO_new_mem_buf(own.key_pem.data(), static_cast<int>(own.key_pem.size()))};
        const std::unique_ptr<X509, Free> certificate{
            PEM_read_bio_X509(pem.get(), nullptr, nullptr, nullptr)};
        const std::unique_ptr<EVP_PKEY, Free> key{
            PEM_read_bio_PrivateKey(key_pem.get(), nullptr, nullptr, nullptr)};
        REQUIRE(SSL_CTX_use_certificate(context.get(), certificate.get()) == 1);
        REQUIRE(SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1);
    }
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
