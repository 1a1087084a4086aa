#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <mudi/sync/identity.hpp>
#include <server/app/certificates.hpp>
#include <support/temp_dir.hpp>

#include "unit/sync/authority.hpp"

using namespace mudi;
using namespace mudi::server;

namespace {

const std::vector<std::string> names{"localhost"};
const Time start = *parse_time("2026-11-21T10:00:00Z");

struct Free {
    void operator()(BIO* bio) const { BIO_free(bio); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(X509_STORE* store) const { X509_STORE_free(store); }
    void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
};
using Certificate = std::unique_ptr<X509, Free>;

Certificate read(const std::string& pem) {
    const std::unique_ptr<BIO, Free> bio{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
    Certificate certificate{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)};
    REQUIRE(certificate);
    return certificate;
}

/// What `openssl verify -CAfile … -purpose … -attime …` says; X509_V_OK when it is good.
int verify(const std::string& pem, const std::string& ca, int purpose, Time at) {
    const Certificate certificate = read(pem);
    const Certificate authority = read(ca);
    const std::unique_ptr<X509_STORE, Free> store{X509_STORE_new()};
    REQUIRE(X509_STORE_add_cert(store.get(), authority.get()) == 1);
    const std::unique_ptr<X509_STORE_CTX, Free> context{X509_STORE_CTX_new()};
    REQUIRE(X509_STORE_CTX_init(context.get(), store.get(), certificate.get(), nullptr) == 1);
    X509_VERIFY_PARAM* wanted = X509_STORE_CTX_get0_param(context.get());
    X509_VERIFY_PARAM_set_flags(wanted, X509_V_FLAG_X509_STRICT);
    X509_VERIFY_PARAM_set_purpose(wanted, purpose);
    X509_VERIFY_PARAM_set_time(wanted, static_cast<time_t>(to_ms(at) / 1000));
    X509_verify_cert(context.get());
    return X509_STORE_CTX_get_error(context.get());
}

/// A server's tls folder after its first start, and a till's key.
struct Shop {
    Shop() { REQUIRE(tls_identity(folder.path(), names, start)); }
    [[nodiscard]] Result<std::string> sign(const std::string& request, std::int64_t till = 7,
                                           Time now = start) const {
        return sign_till(folder.path(), request, TillId{till}, now);
    }
    [[nodiscard]] std::string request(std::int64_t till = 7) const {
        return key.value().request(TillId{till}).value();
    }
    [[nodiscard]] std::string ca() const { return ca_pem(folder.path()).value(); }

    mudi::test::TempDir folder;
    Result<sync::TillKey> key = sync::TillKey::make();
};

std::string name_of(const Result<std::string>& result) { return result ? "" : result.error().name; }

} // namespace

TEST_CASE("a till's certificate is for its key, its number and 397 days") {
    const Shop shop;
    const auto pem = shop.sign(shop.request());
    REQUIRE(pem);
    const auto facts = sync::read_certificate(*pem);
    REQUIRE(facts);
    CHECK(facts->till == TillId{7});
    CHECK(facts->public_key == shop.key->public_key());
    CHECK(facts->not_before == *parse_time("2000-01-01T00:00:00Z"));
    CHECK(facts->not_after == start + std::chrono::days{397});
    CHECK(till_certificate_life == std::chrono::days{397});
}

TEST_CASE("OpenSSL verifies a till's certificate against ca.pem, for either end, while it lasts") {
    const Shop shop;
    const std::string pem = shop.sign(shop.request()).value();
    const auto says = [&](int purpose, Time at) { return verify(pem, shop.ca(), purpose, at); };
    for (const int purpose : {X509_PURPOSE_SSL_CLIENT, X509_PURPOSE_SSL_SERVER}) {
        CHECK(says(purpose, start) == X509_V_OK);
        CHECK(says(purpose, start + std::chrono::days{396}) == X509_V_OK);
        CHECK(says(purpose, start + std::chrono::days{398}) == X509_V_ERR_CERT_HAS_EXPIRED);
        // A clock that fell back to its factory setting.
        CHECK(says(purpose, *parse_time("2001-01-01T00:00:00Z")) == X509_V_OK);
    }
    CHECK(says(X509_PURPOSE_CRL_SIGN, start) != X509_V_OK);
    const Shop other;
    CHECK(verify(pem, other.ca(), X509_PURPOSE_SSL_CLIENT, start) != X509_V_OK);
    // The server's own is no till's.
    std::ifstream file(shop.folder.path() / "server.pem");
    const std::string server{std::istreambuf_iterator<char>(file), {}};
    CHECK(verify(server, shop.ca(), X509_PURPOSE_SSL_SERVER, start) == X509_V_OK);
    CHECK(verify(server, shop.ca(), X509_PURPOSE_SSL_CLIENT, start) != X509_V_OK);
}

TEST_CASE("a till's certificate has the name the server gives, whatever the request asks for") {
    const Shop shop;
    const std::string key = mudi::test::make_key(mudi::test::KeyKind::p256);
    for (const std::string& asked : {std::string("till-1"), std::string("shop.example"), std::string("")}) {
        const std::string request = asked.empty() ? shop.request(1) : mudi::test::make_request(key, asked);
        const auto pem = shop.sign(request, 4711);
        REQUIRE(pem);
        CHECK(sync::read_certificate(*pem)->till == TillId{4711});
        const Certificate certificate = read(*pem);
        CHECK(X509_check_host(certificate.get(), "till-4711", 0, 0, nullptr) == 1);
        for (const char* other : {"till-1", "shop.example", "till-471"})
            CHECK(X509_check_host(certificate.get(), other, 0, 0, nullptr) == 0);
        CHECK(X509_check_ca(certificate.get()) == 0);
    }
}

TEST_CASE("every certificate has a number of its own") {
    const Shop shop;
    const auto first = sync::read_certificate(shop.sign(shop.request()).value());
    const auto second = sync::read_certificate(shop.sign(shop.request()).value());
    REQUIRE((first && second));
    CHECK(first->serial != second->serial);
    CHECK(first->serial.size() >= 24);
    CHECK(first->public_key == second->public_key);
}

TEST_CASE("requests that are damaged, not signed with their own key or of another kind of key are refused") {
    using mudi::test::KeyKind;
    const Shop shop;
    const std::string mine = mudi::test::make_key(KeyKind::p256);
    const std::string other = mudi::test::make_key(KeyKind::p256);
    CHECK(name_of(shop.sign(mudi::test::make_request(mine, "till-7"))).empty());
    CHECK(name_of(shop.sign(mudi::test::make_request(mine, "till-7", other))) == "tls.csr");
    for (const KeyKind kind : {KeyKind::p384, KeyKind::rsa}) {
        const std::string request = mudi::test::make_request(mudi::test::make_key(kind), "till-7");
        CHECK(name_of(shop.sign(request)) == "tls.csr");
    }
    const std::string request = shop.request();
    CHECK(name_of(shop.sign("")) == "tls.csr");
    CHECK(name_of(shop.sign("nonsense")) == "tls.csr");
    CHECK(name_of(shop.sign(shop.ca())) == "tls.csr");
    CHECK(name_of(shop.sign(request.substr(0, request.size() / 2))) == "tls.csr");
    CHECK(name_of(shop.sign(std::string(1'000'000, '\n') + request)) == "tls.csr");
    // Any one character of the armour: what is still read is what was asked.
    for (std::size_t at = request.find('\n') + 1; at < request.find("\n-----END"); ++at) {
        if (request[at] == '\n') continue;
        std::string changed = request;
        changed[at] = changed[at] == 'A' ? 'B' : 'A';
        const auto pem = shop.sign(changed);
        if (pem) CHECK(sync::read_certificate(*pem)->public_key == shop.key->public_key());
    }
    for (const std::int64_t till : {0, -1}) CHECK(name_of(shop.sign(request, till)) == "tls.till");
}

TEST_CASE("signing needs the authority's key, and never makes an authority") {
    const Shop shop;
    std::filesystem::remove(shop.folder.path() / "ca.key");
    CHECK(name_of(shop.sign(shop.request())) == "tls.ca_key");
    CHECK(name_of(ca_pem(shop.folder.path())).empty());
    const mudi::test::TempDir empty;
    CHECK(name_of(sign_till(empty.path(), shop.request(), TillId{7}, start)) == "tls.ca_key");
    CHECK(name_of(ca_pem(empty.path())) == "file.missing");
    CHECK(std::filesystem::is_empty(empty.path()));
    const Shop old;
    CHECK(name_of(old.sign(old.request(), 7, start + std::chrono::days{3660})) == "tls.ca_expired");
    std::ofstream(old.folder.path() / "ca.pem") << "nonsense";
    CHECK(name_of(old.sign(old.request())) == "tls.ca");
    CHECK(name_of(ca_pem(old.folder.path())) == "tls.ca");
}
