#include <catch2/catch.hpp>

#include <mudi/base/random.hpp>
#include <mudi/sync/identity.hpp>

#include "unit/sync/authority.hpp"

using namespace mudi;
using namespace mudi::sync;

namespace {

TillKey new_key() {
    auto key = TillKey::make();
    REQUIRE(key);
    return *std::move(key);
}

std::string name_of(const Result<CertificateFacts>& facts) { return facts ? "" : facts.error().name; }
std::string name_of(const Result<TillKey>& key) { return key ? "" : key.error().name; }

std::string random_bytes(Random& random, std::size_t size) {
    std::string bytes;
    while (bytes.size() < size) bytes += static_cast<char>(random.next());
    return bytes;
}

/// One character of the armour's alphabet where there was another: the bytes below are damaged, not the
/// armour.
void damage(std::string& pem, Random& random) {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const std::size_t begin = pem.find('\n') + 1;
    const std::size_t size = pem.find("\n-----END") - begin;
    char& one = pem[begin + random.below(size)];
    if (one != '\n') one = alphabet[random.below(alphabet.size())];
}

} // namespace

TEST_CASE("what a key signs is verified with its public half, and with no other", "[sync]") {
    const TillKey key = new_key();
    const TillKey other = new_key();
    CHECK(key.public_key() != other.public_key());
    for (const std::string& message : {std::string(), std::string("hello"), std::string(100'000, 'x')}) {
        const auto signature = key.sign(message);
        REQUIRE(signature);
        CHECK(signature->size() <= signature_bytes_max);
        CHECK(verify_signature(key.public_key(), message, *signature));
        CHECK_FALSE(verify_signature(other.public_key(), message, *signature));
        CHECK_FALSE(verify_signature(key.public_key(), message + "!", *signature));
    }
}

TEST_CASE("a key comes back from its text as the same key", "[sync]") {
    const TillKey key = new_key();
    const std::string pem = key.pem().value();
    const auto again = TillKey::from_pem(pem);
    REQUIRE(again);
    CHECK(again->public_key() == key.public_key());
    CHECK(verify_signature(key.public_key(), "sale", again->sign("sale").value()));
}

TEST_CASE("a text that is not a till's key is refused", "[sync]") {
    const std::string pem = new_key().pem().value();
    CHECK(name_of(TillKey::from_pem("")) == "identity.key");
    CHECK(name_of(TillKey::from_pem("nonsense")) == "identity.key");
    CHECK(name_of(TillKey::from_pem(pem.substr(0, pem.size() / 2))) == "identity.key");
    CHECK(name_of(TillKey::from_pem(pem + std::string(1, '\0') + "more")) == "identity.key");
    CHECK(name_of(TillKey::from_pem(std::string(identity_pem_bytes_max + 1, ' '))) == "identity.key");
    CHECK(name_of(TillKey::from_pem(test::make_key(test::KeyKind::p384))) == "identity.key");
    CHECK(name_of(TillKey::from_pem(test::make_key(test::KeyKind::rsa))) == "identity.key");
    // OpenSSL writes another form of the same thing.
    CHECK(TillKey::from_pem(test::make_key(test::KeyKind::p256)));
}

TEST_CASE("a damaged key is never taken for another key", "[sync]") {
    SeededRandom random(11);
    const TillKey key = new_key();
    const std::string pem = key.pem().value();
    for (int i = 0; i < 300; ++i) {
        std::string damaged = pem;
        damage(damaged, random);
        const auto read = TillKey::from_pem(damaged);
        // What says the same as before may stand.
        if (read) CHECK(read->public_key() == key.public_key());
    }
}

TEST_CASE("a signature or message with any one bit turned is refused", "[sync]") {
    const TillKey key = new_key();
    const std::string message = "mudi hello 1";
    const std::string signature = key.sign(message).value();
    const auto refused = [&](std::string_view text, std::string_view mark) {
        return !verify_signature(key.public_key(), text, mark);
    };
    for (std::size_t bit = 0; bit < signature.size() * 8; ++bit) {
        std::string turned = signature;
        turned[bit / 8] = static_cast<char>(turned[bit / 8] ^ (1 << (bit % 8)));
        INFO("bit " << bit << " of the signature");
        CHECK(refused(message, turned));
    }
    for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
        std::string turned = message;
        turned[bit / 8] = static_cast<char>(turned[bit / 8] ^ (1 << (bit % 8)));
        INFO("bit " << bit << " of the message");
        CHECK(refused(turned, signature));
    }
    for (std::size_t size = 0; size < signature.size(); ++size)
        CHECK(refused(message, std::string_view(signature).substr(0, size)));
    CHECK(refused(message, signature + '\0'));
    CHECK_FALSE(refused(message, signature));
}

TEST_CASE("hostile public keys and signatures are refused", "[sync]") {
    SeededRandom random(7);
    const TillKey key = new_key();
    const std::string signature = key.sign("x").value();
    CHECK_FALSE(verify_signature("", "x", signature));
    CHECK_FALSE(verify_signature(key.public_key(), "x", ""));
    CHECK_FALSE(verify_signature(std::string(1'000'000, 'x'), "x", signature));
    CHECK_FALSE(verify_signature(key.public_key(), "x", std::string(1'000'000, '\x30')));
    const std::string head = key.public_key().substr(0, 26);
    CHECK_FALSE(verify_signature(head + std::string(65, '\0'), "x", signature));
    CHECK_FALSE(verify_signature(head + '\x04' + std::string(64, '\0'), "x", signature));
    CHECK_FALSE(verify_signature(head + '\x04' + std::string(64, '\xff'), "x", signature));
    // r and s both 0, and both 1.
    CHECK_FALSE(verify_signature(key.public_key(), "x", std::string("\x30\x06\x02\x01\0\x02\x01\0", 8)));
    CHECK_FALSE(verify_signature(key.public_key(), "x", std::string("\x30\x06\x02\x01\x01\x02\x01\x01", 8)));
    for (int i = 0; i < 200; ++i) {
        CHECK_FALSE(
            verify_signature(head + '\x04' + random_bytes(random, 64), "x", signature)); // off the curve
        CHECK_FALSE(verify_signature(random_bytes(random, random.below(200)), "x", signature));
        CHECK_FALSE(verify_signature(key.public_key(), "x", random_bytes(random, random.below(80))));
        CHECK_FALSE(verify_signature(key.public_key(), "x", "\x30\x44" + random_bytes(random, 68)));
    }
}

TEST_CASE("a certificate says whose it is, and holds the key it was asked for", "[sync]") {
    const test::Authority authority;
    const TillKey key = new_key();
    const std::string pem = authority.sign(key.request(TillId{42}).value(), "till-42");
    const auto facts = read_certificate(pem);
    REQUIRE(facts);
    CHECK(facts->till == TillId{42});
    CHECK(facts->public_key == key.public_key());
    CHECK(facts->serial == "02");
    CHECK(facts->not_after - facts->not_before == std::chrono::hours{26});
    CHECK(verify_signature(facts->public_key, "sale", key.sign("sale").value()));
}

TEST_CASE("certificates of others than tills are refused", "[sync]") {
    const test::Authority authority;
    CHECK(name_of(read_certificate(authority.issue("till-9").pem)).empty());
    CHECK(name_of(read_certificate(authority.issue("till-9223372036854775807").pem)).empty());
    for (const char* name : {"till-", "till-0", "till-007", "till--7", "till-+7", "till-7x", "till- 7",
                             "Till-7", "shop.example", "till-9223372036854775808", "xtill-7"}) {
        INFO(name);
        CHECK(name_of(read_certificate(authority.issue(name).pem)) == "identity.certificate");
    }
    CHECK(name_of(read_certificate(authority.pem())) == "identity.certificate");
    for (const auto kind : {test::KeyKind::p384, test::KeyKind::rsa}) {
        const test::CertificateOptions options{.key = kind, .seconds = 3600};
        CHECK(name_of(read_certificate(authority.issue("till-7", options).pem)) == "identity.certificate");
    }
}

TEST_CASE("damaged certificates are refused or read as what they were", "[sync]") {
    const test::Authority authority;
    const test::Certificate own = authority.issue("till-7");
    CHECK(name_of(read_certificate("")) == "identity.certificate");
    CHECK(name_of(read_certificate("-----BEGIN CERTIFICATE-----\n")) == "identity.certificate");
    CHECK(name_of(read_certificate(own.key_pem)) == "identity.certificate");
    CHECK(name_of(read_certificate(own.pem + std::string(1, '\0'))) == "identity.certificate");
    CHECK(name_of(read_certificate(std::string(identity_pem_bytes_max + 1, '\n') + own.pem)) ==
          "identity.certificate");
    for (std::size_t size = 0; size + 2 < own.pem.size(); size += 7)
        CHECK(name_of(read_certificate(own.pem.substr(0, size))) == "identity.certificate");
    SeededRandom random(3);
    for (int i = 0; i < 2'000; ++i) {
        std::string damaged = own.pem;
        for (std::uint64_t n = random.below(4) + 1; n > 0; --n) damage(damaged, random);
        const auto facts = read_certificate(damaged); // only a crash would be wrong
        if (facts) CHECK(facts->till.value > 0);
    }
}
