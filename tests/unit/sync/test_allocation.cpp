#include <atomic>
#include <cstdlib>
#include <new>

#include <catch2/catch.hpp>
#include <zstd.h>

#include <mudi/base/bytes.hpp>

#include "sync/protocol/envelope.hpp"
#include "unit/sync/grocery.hpp"

/// Counts what the C++ side of this program allocates, so that a test can say how much a hostile frame costs.
namespace {

std::atomic<std::size_t> allocated{0};

} // namespace

void* operator new(std::size_t bytes) {
    allocated += bytes;
    if (void* memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
    throw std::bad_alloc{};
}
void* operator new[](std::size_t bytes) { return operator new(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

using namespace mudi;
using namespace mudi::sync;

namespace {

template <class What>
std::size_t cost_of(const What& what) {
    const std::size_t before = allocated;
    what();
    return allocated - before;
}

std::string varint(std::uint64_t value) {
    std::string out;
    for (; value > 0x7f; value >>= 7) out += static_cast<char>((value & 0x7f) | 0x80);
    return out += static_cast<char>(value);
}

std::string field(unsigned number, const std::string& content) {
    return varint(number << 3 | 2) + varint(content.size()) + content;
}

std::string times(std::size_t count, const std::string& what) {
    std::string out;
    out.reserve(count * what.size());
    for (std::size_t i = 0; i < count; ++i) out += what;
    return out;
}

std::string push_with(const std::string& packed, const std::string& random = std::string(40, 'r')) {
    const std::string message = "\x08\x01\x10\x01" + field(3, random) + field(4, packed);
    return frame_of(FrameType::push, std::string_view(message));
}

std::string error_of(const std::string& frame) {
    const auto request = decode_request(frame, {}, {});
    return request ? "" : request.error().name;
}
std::string error_of_answer(const std::string& frame) {
    const auto answer = decode_answer(frame);
    return answer ? "" : answer.error().name;
}

/// A frame of `content`, magic number left out.
std::string packed(const std::string& content) { return pack(content, nullptr); }

/// The head of a zstd frame that says it will be `bytes` large, and nothing behind it.
std::string declares(std::uint64_t bytes) {
    std::string out{static_cast<char>(0xc0)}; // content size of 8 bytes, a window
    out += '\x58';
    for (int i = 0; i < 8; ++i) out += static_cast<char>(bytes >> (8 * i) & 0xff);
    return out + std::string("\x01\0\0", 3); // a last block, empty
}

} // namespace

TEST_CASE("a length of 4 GB or more costs nothing but the refusal", "[sync]") {
    const std::uint64_t length =
        GENERATE(std::uint64_t{0xffff'ffff}, std::uint64_t{1} << 40, ~std::uint64_t{0},
                 std::uint64_t{INT64_MAX}, std::uint64_t{0x7fff'ffff});
    // A field that claims it, in every frame there is.
    for (const FrameType type : {FrameType::hello, FrameType::push, FrameType::pull, FrameType::reserve}) {
        const std::string frame =
            frame_of(type, std::string_view(varint(3 << 3 | 2) + varint(length) + "abc"));
        std::string name;
        CHECK(cost_of([&] { name = error_of(frame); }) < 4096);
        CHECK(name == "wire.corrupt");
    }
    for (const FrameType type : {FrameType::hello_answer, FrameType::push_answer, FrameType::pull_answer,
                                 FrameType::challenge, FrameType::reserve_answer, FrameType::refusal}) {
        const std::string frame =
            frame_of(type, std::string_view(varint(8 << 3 | 2) + varint(length) + "abc"));
        std::string name;
        CHECK(cost_of([&] { name = error_of_answer(frame); }) < 4096);
        CHECK(name == "wire.corrupt");
    }
    // A packed part that says it unpacks to it.
    std::string name;
    CHECK(cost_of([&] { name = error_of(push_with(declares(length))); }) < 16 * 1024);
    // zstd's own word for "I do not say" is the largest number.
    CHECK(name == (length == ~std::uint64_t{0} ? "wire.corrupt" : "wire.too_large"));
}

TEST_CASE("a bomb costs no more than what a frame may unpack to", "[sync]") {
    const std::string bomb = packed(std::string(std::size_t{64} * 1024 * 1024, '\0'));
    REQUIRE(bomb.size() < 100'000);
    std::string name;
    const std::string push = push_with(bomb);
    CHECK(cost_of([&] { name = error_of(push); }) < 1024 * 1024);
    CHECK(name == "wire.too_large");
    const std::string message = "\x10\x05" + field(5, bomb);
    const std::string pull = frame_of(FrameType::pull_answer, std::string_view(message));
    CHECK(cost_of([&] { name = error_of_answer(pull); }) < 1024 * 1024);
    CHECK(name == "wire.too_large");
    const std::string learned = frame_of(FrameType::pull_answer, std::string_view(field(6, bomb)));
    CHECK(cost_of([&] { name = error_of_answer(learned); }) < 1024 * 1024);
    CHECK(name == "wire.too_large");
}

TEST_CASE("a million things of no size are refused before they become objects", "[sync]") {
    const std::size_t many = 900'000;
    constexpr std::size_t cap = 8 * 1024 * 1024; // the unpacked bytes and what surrounds them
    std::string name;
    for (const unsigned number : {2u, 3u, 4u, 5u}) {
        const std::string push = push_with(packed(times(many, field(number, ""))));
        CHECK(cost_of([&] { name = error_of(push); }) < cap);
        CHECK(name == "wire.too_large");
    }
    const std::string clocks = push_with(packed(field(1, std::string(many, '\1'))));
    CHECK(cost_of([&] { name = error_of(clocks); }) < cap);
    CHECK(name == "wire.too_large");
    const std::string ids = push_with(packed("x"), std::string(1'900'000, 'r'));
    CHECK(cost_of([&] { name = error_of(ids); }) < cap);
    CHECK(name == "wire.too_large");
    const std::string rows = "\x10\x05" + field(5, packed(times(many, field(1, ""))));
    const std::string feed = frame_of(FrameType::pull_answer, std::string_view(rows));
    CHECK(cost_of([&] { name = error_of_answer(feed); }) < cap);
    CHECK(name == "wire.too_large");
    const std::string manifest =
        frame_of(FrameType::pull_answer, std::string_view(field(8, std::string(1'600'000, 'd'))));
    CHECK(cost_of([&] { name = error_of_answer(manifest); }) < cap);
    CHECK(name == "wire.too_large");
}

TEST_CASE("the largest push that is allowed is within the counts", "[sync]") {
    test::Grocery shop(1);
    PushedBatch batch{TillId{1}, Incarnation{1}, {}, {}};
    for (int i = 0; i < 500; ++i) {
        batch.events.push_back(shop.sale(1));
        batch.events.back().seq.value = i + 1;
        batch.events.back().kind = 0xffff'ffff;
        batch.events.back().schema = 0xffff'ffff;
        batch.events.back().hlc = (i % 2 == 0 ? (INT64_MAX >> 16) << 16 : 0) | 0xffff;
    }
    const auto request = decode_request(encode(batch, nullptr), {}, {});
    REQUIRE(request);
    CHECK(std::get<PushedBatch>(*request).events == batch.events);
}
