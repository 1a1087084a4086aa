#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include <mudi/base/hash.hpp>
#include <mudi/sync/event.hpp>

#include "sync/protocol/frames.hpp"

using namespace mudi;
using namespace mudi::sync;

namespace {

/// What a decoder lets through must come back the same from its encoder: else two sides would understand two
/// things.
void require(bool promise) {
    if (!promise) std::abort();
}

template <class T>
void require_same(const Result<T>& again, const T& value) {
    require(again.has_value());
    require(*again == value);
}

void body(std::string_view bytes) {
    for (const std::uint32_t kind : {1u, 2u}) {
        Event event{EventSeq{1}, {}, 0, kind, event_schema, std::string(bytes)};
        const auto decoded = decode(event);
        if (!decoded) continue;
        event.body = std::visit([](const auto& value) { return encode(value); }, *decoded);
        require_same(decode(event), *decoded);
    }
    if (const auto slice = decode_profile(bytes)) require_same(decode_profile(encode(*slice)), *slice);
    if (const auto product = decode_product(bytes)) require_same(decode_product(encode(*product)), *product);
    if (const auto settings = decode_settings(bytes))
        require_same(decode_settings(encode(*settings)), *settings);
}

void frames(std::string_view frame) {
    if (const auto request = decode_request(frame, {}, {})) {
        if (const auto* batch = std::get_if<PushedBatch>(&*request)) {
            require(!batch->events.empty() && batch->events.size() <= 500);
            for (const Event& event : batch->events) static_cast<void>(decode(event));
            static_cast<void>(plan_append(HighWater{}, *batch, std::nullopt));
            const auto again = decode_request(encode(*batch, nullptr), {}, {});
            require(again && std::get<PushedBatch>(*again).events == batch->events);
        }
    }
    if (const auto answer = decode_answer(frame)) {
        if (const auto* pulled = std::get_if<PullAnswer>(&*answer)) {
            static_cast<void>(Dictionary::make(pulled->learned_number, pulled->learned));
        }
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes{reinterpret_cast<const char*>(data), size};
    body(bytes);
    frames(bytes);
    // The check would keep nearly every mutation from the code behind it: make it right, as a malicious peer
    // would.
    if (size < 3) return 0;
    std::string frame(bytes);
    frame[2] = static_cast<char>(frame[2] & 1);
    const std::uint64_t fingerprint = frame[2] == 0 ? 0 : built_in().fingerprint();
    frame += to_bytes(chain_next(Bits128{0, fingerprint}, frame)).data.substr(0, 4);
    frames(frame);
    // The same bytes as the packed part of a push, unpacked already.
    if (const auto raw = unpack(bytes, nullptr, 65'536)) require(raw->size() <= 65'536);
    return 0;
}
