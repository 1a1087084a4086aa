#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <mudi/base/bytes.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>

#include "codec.hpp"
#include "dictionary.hpp"
#include "frames.hpp"
#include "wire_scan.hpp"

/// What every frame has around its protobuf.
namespace mudi::sync {

enum class FrameType : unsigned char {
    hello = 1,
    push = 2,
    pull = 3,
    reserve = 4,
    hello_answer = 65,
    push_answer = 66,
    pull_answer = 67,
    challenge = 68,
    reserve_answer = 69,
    refusal = 127,
};

/// A batch so large repeats enough within itself.
inline constexpr std::size_t dictionary_helps_bytes_max = 32 * 1024;

struct Payload {
    FrameType type{};
    std::string_view message;
    const Dictionary* dictionary{};
};

/// The protobuf within, once size, version and check are right.
Result<Payload> payload_of(std::string_view frame, std::span<const Dictionary> learned);
std::string frame_of(FrameType type, std::string_view message, const Dictionary* dictionary = nullptr);

template <class Message>
std::string frame_of(FrameType type, const Message& message,
                     const Dictionary* dictionary = nullptr) requires requires {
    message.SerializeAsString();
}
{ return frame_of(type, std::string_view(message.SerializeAsString()), dictionary); }

inline tl::unexpected<Error> wire_corrupt(const char* what) {
    return fail(Code::corrupt, "wire.corrupt", what);
}
inline tl::unexpected<Error> wire_too_large(const char* what) {
    return fail(Code::invalid, "wire.too_large", what);
}

/// Parses once the counts within are known to be harmless.
template <class Message>
Status parse(Message& message, std::string_view bytes, const char* what,
             std::initializer_list<FieldLimit> limits = {}) {
    const Scan found = scan(bytes, limits);
    if (found == Scan::too_large) return wire_too_large(what);
    if (found == Scan::damaged || !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
        return wire_corrupt(what);
    return {};
}

template <class T>
Result<T> checked(T value, const Checker& check) {
    if (check.fault() != nullptr) return wire_corrupt(check.fault());
    return value;
}

inline Duration milliseconds(std::uint32_t ms, Checker& check, const char* field) {
    constexpr std::uint32_t day_ms = 24 * 3600 * 1000;
    return Duration{check.range(ms, 0u, day_ms, field)};
}

inline std::uint32_t clamp_ms(Duration duration) {
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(duration.count(), 0, 24 * 3600 * 1000));
}

} // namespace mudi::sync
