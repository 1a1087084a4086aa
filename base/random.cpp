#include <mudi/base/random.hpp>

#include <cstring>

#include <mudi/base/assert.hpp>

namespace mudi {
namespace {

template <std::size_t size>
std::array<unsigned char, size> fill(Random& random) {
    static_assert(size % 8 == 0);
    std::array<unsigned char, size> out{};
    for (std::size_t i = 0; i < size; i += 8) {
        const std::uint64_t bits = random.next();
        std::memcpy(out.data() + i, &bits, sizeof bits);
    }
    return out;
}

} // namespace

std::uint64_t Random::below(std::uint64_t bound) {
    MUDI_ASSERT(bound > 0);
    // Refuse the incomplete last block of values, which would make small results likelier.
    const std::uint64_t reject_below = (std::uint64_t{0} - bound) % bound;
    std::uint64_t value = next();
    while (value < reject_below) value = next();
    return value % bound;
}

std::array<unsigned char, 24> Random::nonce() { return fill<24>(*this); }

Key256 Random::key256() { return Key256{fill<32>(*this)}; }

std::uint64_t SeededRandom::next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

} // namespace mudi
