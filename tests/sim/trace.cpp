#include "trace.hpp"

#include <cstdio>
#include <cstring>

namespace mudi::sim {

void Trace::mix(std::uint64_t number) {
    hash_ ^= number;
    hash_ *= 0xff51afd7ed558ccdULL;
    hash_ ^= hash_ >> 32;
}

void Trace::mix(std::string_view text) {
    mix(text.size());
    for (; text.size() >= 8; text.remove_prefix(8)) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data(), 8);
        mix(word);
    }
    std::uint64_t rest = 0;
    if (!text.empty()) std::memcpy(&rest, text.data(), text.size());
    mix(rest);
}

void Trace::note(std::int64_t now_ms, std::string_view what, std::initializer_list<std::int64_t> numbers,
                 std::string_view text) {
    mix(static_cast<std::uint64_t>(now_ms));
    mix(what);
    for (const std::int64_t number : numbers) mix(static_cast<std::uint64_t>(number));
    mix(text);
    if (!print_) return;
    std::printf("%10.3f %-22.*s", static_cast<double>(now_ms) / 1000, static_cast<int>(what.size()),
                what.data());
    for (const std::int64_t number : numbers) std::printf(" %lld", static_cast<long long>(number));
    std::printf(" %.*s\n", static_cast<int>(text.size()), text.data());
}

} // namespace mudi::sim
