#include <functional>
#include <memory>

#include <zstd.h>

#include <catch2/catch.hpp>

#include <mudi/base/hash.hpp>

#include "support/alloc_meter.hpp"
#include "sync/protocol/envelope.hpp"
#include "sync/protocol/frames.hpp"
#include "sync/protocol/packing.hpp"

using namespace mudi;
using namespace mudi::sync;

namespace {

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;
constexpr std::size_t raw_bytes_max = 2 * mib;

/// A zstd frame of `bytes` zeros, without its magic number, as pack() leaves it: 1 GiB takes some 32 KiB.
std::string bomb(std::size_t bytes) {
    const std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context{ZSTD_createCCtx(), ZSTD_freeCCtx};
    ZSTD_CCtx_setPledgedSrcSize(context.get(), bytes);
    const std::string zeros(mib, '\0');
    std::string packed(ZSTD_compressBound(bytes) / 100 + 64 * kib, '\0');
    ZSTD_outBuffer out{packed.data(), packed.size(), 0};
    for (std::size_t done = 0; done < bytes; done += zeros.size()) {
        ZSTD_inBuffer in{zeros.data(), std::min(zeros.size(), bytes - done), 0};
        const auto how = done + zeros.size() >= bytes ? ZSTD_e_end : ZSTD_e_continue;
        while (true) {
            const std::size_t left = ZSTD_compressStream2(context.get(), &out, &in, how);
            REQUIRE(ZSTD_isError(left) == 0);
            if (how == ZSTD_e_end ? left == 0 : in.pos == in.size) break;
        }
    }
    packed.resize(out.pos);
    return packed.substr(4);
}

/// The head of a frame that declares this size (8 bytes of it), and one empty last block.
std::string declares(std::uint64_t bytes) {
    std::string frame("\xe0", 1);
    for (int i = 0; i < 8; ++i) frame += static_cast<char>(bytes >> (8 * i) & 0xff);
    return frame + std::string("\x01\x00\x00", 3);
}

/// The head of a field of type bytes that says it is so long.
std::string field_head(unsigned number, std::uint64_t length) {
    std::string out(1, static_cast<char>(number << 3 | 2));
    for (; length > 0x7f; length >>= 7) out += static_cast<char>((length & 0x7f) | 0x80);
    return out += static_cast<char>(length);
}

std::string field(unsigned number, std::string_view bytes) {
    return field_head(number, bytes.size()).append(bytes);
}

/// So many fields of no size, packed.
std::string packed_nothings(unsigned number, std::size_t bytes) {
    std::string out;
    for (const std::string one = field(number, ""); out.size() + one.size() <= bytes;) out += one;
    return pack(out, nullptr);
}

std::string framed(FrameType type, std::string_view message) { return frame_of(type, message); }

/// A push of one till whose packed part is this, and whose ids and chain are `random`.
std::string push(const std::string& packed, const std::string& random = std::string(40, 'x')) {
    return framed(FrameType::push, std::string("\x08\x01\x10\x01", 4) + field(3, random) + field(4, packed));
}

std::string pull_answer(const std::string& rows, const std::string& learned = {}) {
    std::string message("\x10\x7f", 2);
    if (!rows.empty()) message += field(5, rows);
    if (!learned.empty()) message += field(6, learned) + std::string("\x38\x02", 2);
    return framed(FrameType::pull_answer, message);
}

struct Outcome {
    std::string error; ///< empty: taken
    std::size_t peak{};
    std::size_t largest{};
};

template <class Call>
Outcome metered(Call&& call) {
    Outcome outcome;
    const test::AllocMeter meter;
    {
        const auto result = call();
        if (!result) outcome.error = result.error().name;
    }
    outcome.peak = meter.peak();
    outcome.largest = meter.largest();
    return outcome;
}

Outcome unpacked(const std::string& packed) {
    return metered([&] { return unpack(packed, nullptr, raw_bytes_max); });
}
Outcome requested(const std::string& frame) {
    return metered([&] { return decode_request(frame, {}, {}); });
}
Outcome answered(const std::string& frame) {
    return metered([&] { return decode_answer(frame); });
}

} // namespace

TEST_CASE("the meter sees what is taken from the heap, libraries included") {
    if (!test::AllocMeter::counts()) return;
    const Outcome own = metered([]() -> Result<std::string> { return std::string(5 * mib, 'x'); });
    CHECK(own.peak >= 5 * mib);
    CHECK(own.largest >= 5 * mib);
    const Outcome foreign = metered([]() -> Result<std::string> {
        ZSTD_freeCCtx(ZSTD_createCCtx());
        return std::string{};
    });
    CHECK(foreign.peak > 1000);
}

TEST_CASE("a packed part that declares gigabytes is refused before anything is taken for it") {
    for (const std::uint64_t size : {raw_bytes_max + 1, std::uint64_t{1} << 32, std::uint64_t{1} << 62}) {
        INFO(size);
        const Outcome outcome = unpacked(declares(size));
        CHECK(outcome.error == "wire.too_large");
        CHECK(outcome.peak < 4 * kib);
        CHECK(requested(push(declares(size))).error == "wire.too_large");
        CHECK(requested(push(declares(size))).peak < 8 * kib);
        const std::string answer =
            pull_answer(declares(std::max<std::uint64_t>(size, unpacked_bytes_max + 1)));
        CHECK(answered(answer).error == "wire.too_large");
        CHECK(answered(answer).peak < 8 * kib);
        CHECK(answered(pull_answer({}, declares(size))).error == "wire.too_large");
    }
}

TEST_CASE("a bomb is refused in the same memory, however much it would unpack to") {
    for (const std::size_t size : {8 * mib, 256 * mib, 1024 * mib}) {
        INFO(size);
        const std::string packed = bomb(size);
        REQUIRE(packed.size() < 128 * kib);
        const Outcome outcome = unpacked(packed);
        CHECK(outcome.error == "wire.too_large");
        CHECK(outcome.peak < packed.size() + 4 * kib);
        CHECK(requested(push(packed)).error == "wire.too_large");
        CHECK(requested(push(packed)).peak < 4 * packed.size() + 16 * kib);
    }
}

TEST_CASE("a bomb that declares less than it holds stops at what it declared") {
    std::string packed = bomb(256 * mib);
    REQUIRE((packed[0] & '\xe0') == '\x80'); // one byte for the window and four for the size follow
    packed.replace(2, 4, std::string("\x00\x00\x01\x00", 4));
    const Outcome outcome = unpacked(packed);
    CHECK(outcome.error == "wire.corrupt");
    CHECK(outcome.peak < 512 * kib);
}

TEST_CASE("a dictionary from the other side is taken in bounded memory") {
    std::string noise;
    for (int i = 0; noise.size() < 64 * kib; ++i) noise += to_bytes(hash128(std::to_string(i))).data;
    const Outcome outcome = metered([&]() -> Result<bool> {
        const auto dictionary = Dictionary::make(2, noise);
        return dictionary.has_value();
    });
    CHECK(outcome.error.empty());
    CHECK(outcome.peak < 8 * mib);
    CHECK(answered(pull_answer({}, pack(noise + noise, nullptr))).error == "wire.too_large");
}

TEST_CASE("a field of any frame that says it is gigabytes long costs nothing but the refusal") {
    for (const std::uint64_t length : {std::uint64_t{0x7fff'ffff}, std::uint64_t{0xffff'ffff},
                                       std::uint64_t{1} << 40, std::uint64_t{INT64_MAX}, ~std::uint64_t{0}}) {
        INFO(length);
        for (const FrameType type :
             {FrameType::hello, FrameType::push, FrameType::pull, FrameType::reserve}) {
            const Outcome outcome = requested(framed(type, field_head(3, length) + "abc"));
            CHECK(outcome.error == "wire.corrupt");
            CHECK(outcome.peak < 4 * kib);
        }
        for (const FrameType type : {FrameType::hello_answer, FrameType::push_answer, FrameType::pull_answer,
                                     FrameType::challenge, FrameType::reserve_answer, FrameType::refusal}) {
            const Outcome outcome = answered(framed(type, field_head(8, length) + "abc"));
            CHECK(outcome.error == "wire.corrupt");
            CHECK(outcome.peak < 4 * kib);
        }
    }
    // zstd's own word for "I do not say" is the largest number.
    CHECK(requested(push(declares(~std::uint64_t{0}))).error == "wire.corrupt");
}

TEST_CASE("a million parts of no size are refused before they become objects of their own") {
    // Each would be many times as large as the two bytes it came in.
    const auto refused = [](const Outcome& outcome, std::size_t unpacked_max) {
        CHECK(outcome.error == "wire.too_large");
        CHECK(outcome.peak < unpacked_max + 256 * kib);
    };
    for (const unsigned number : {2u, 3u, 4u, 5u})
        refused(requested(push(packed_nothings(number, raw_bytes_max))), raw_bytes_max);
    refused(answered(pull_answer(packed_nothings(1, unpacked_bytes_max))), unpacked_bytes_max);
    const std::size_t many = 900'000;
    const std::string clocks = push(pack(field(1, std::string(many, '\1')), nullptr));
    refused(requested(clocks), raw_bytes_max);
    const std::string ids = push(pack("x", nullptr), std::string(2 * many, 'r'));
    refused(requested(ids), 2 * ids.size());
    const std::string manifest = framed(FrameType::pull_answer, field(8, std::string(2 * many, 'd')));
    refused(answered(manifest), 2 * manifest.size());
}
