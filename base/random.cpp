#include <mudi/base/random.hpp>

#include <bit>

#include <mudi/base/assert.hpp>

namespace mudi {
namespace {

template <std::size_t size>
std::array<unsigned char, size> fill(Random& random) {
    static_assert(size % 8 == 0);
    std::array<std::uint64_t, size / 8> words{};
    for (std::uint64_t& word : words) word = random.next();
    return std::bit_cast<std::array<unsigned char, size>>(words);
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
