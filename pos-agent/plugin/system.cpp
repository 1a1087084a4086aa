#include "system.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>

#include <sys/random.h>

#include <mudi/base/bytes.hpp>

namespace mudi::pos {

std::string random_id() {
    Bits128 bits;
    for (;;) {
        const ssize_t count = ::getrandom(&bits, sizeof bits, 0);
        if (count == static_cast<ssize_t>(sizeof bits) && !bits.is_zero()) return to_hex(bits);
        if (count < 0 && errno != EINTR) return {};
    }
}

std::int64_t now_us() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

} // namespace mudi::pos
