#include <mudi/base/random.hpp>

#include <sodium.h>

namespace mudi {

std::uint64_t SystemRandom::next() {
    std::uint64_t bits = 0;
    randombytes_buf(&bits, sizeof bits);
    return bits;
}

} // namespace mudi
