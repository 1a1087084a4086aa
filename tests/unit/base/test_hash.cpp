#include <catch2/catch.hpp>

#include <set>

#include <mudi/base/hash.hpp>
#include <mudi/base/random.hpp>

using namespace mudi;

TEST_CASE("hashes are BLAKE2b-128 as published") {
    // First 16-byte BLAKE2b digest of the empty string, from the reference implementation's parameters.
    CHECK(to_hex(hash128("")) == "cae66941d9efbd404e4d88758ea67670");
    CHECK(hash128("a") != hash128("b"));
    SeededRandom random(1);
    const Key256 key = random.key256();
    CHECK(hash128(key, "9830012345") != hash128("9830012345"));
    CHECK(hash128(key, "9830012345") != hash128(random.key256(), "9830012345"));
}

TEST_CASE("a chain depends on every body and on their order") {
    const Bits128 ab = chain_next(chain_next({}, "a"), "b");
    CHECK(ab != chain_next(chain_next({}, "b"), "a"));
    CHECK(ab != chain_next({}, "b"));
}

TEST_CASE("sealed data opens only whole and with its key") {
    SeededRandom random(7);
    const Key256 key = random.key256();
    const Bytes sealed = seal(key, random.nonce(), "কমলা");
    CHECK(open_sealed(key, sealed.data) == "কমলা");
    CHECK_FALSE(open_sealed(random.key256(), sealed.data));
    for (std::size_t i = 0; i < sealed.data.size(); ++i) {
        std::string damaged = sealed.data;
        damaged[i] = static_cast<char>(damaged[i] ^ 1);
        CHECK_FALSE(open_sealed(key, damaged));
    }
    CHECK_FALSE(open_sealed(key, "too short"));
}

TEST_CASE("seeded randomness replays and spreads") {
    SeededRandom a(42), b(42), c(43);
    CHECK(a.next() == b.next());
    CHECK(a.next() != c.next());
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 1000; ++i) {
        const auto value = a.below(10);
        REQUIRE(value < 10);
        seen.insert(value);
    }
    CHECK(seen.size() == 10);
}
