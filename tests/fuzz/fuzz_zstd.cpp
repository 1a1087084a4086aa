#include "sync/protocol/dictionary.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace mudi;
using namespace mudi::sync;
using mudi::fuzz::require;

namespace {

constexpr std::size_t raw_bytes_max = 64 * 1024;

void unpack_it(std::string_view packed, const Dictionary* dictionary) {
    const auto raw = unpack(packed, dictionary, raw_bytes_max);
    if (!raw) return;
    require(raw->size() <= raw_bytes_max);
    fuzz::require_same(unpack(pack(*raw, dictionary), dictionary, raw_bytes_max), *raw);
}

} // namespace

/// First byte: with which dictionary. 0: none, 1: the one both sides bring along, else one that the other
/// side sent: two bytes of length, its bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input{data, size};
    const std::uint8_t which = input.byte() % 3;
    if (which == 0) {
        unpack_it(input.rest(), nullptr);
    } else if (which == 1) {
        unpack_it(input.rest(), &built_in());
    } else if (const auto dictionary = Dictionary::make(2, std::string(input.take(input.below(8192))))) {
        require(dictionary->fingerprint() != 0);
        unpack_it(input.rest(), &*dictionary);
    }
    return 0;
}
