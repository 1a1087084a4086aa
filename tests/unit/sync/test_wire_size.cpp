#include <catch2/catch.hpp>

#include "sync/protocol/frames.hpp"
#include "unit/sync/grocery.hpp"

using namespace mudi;
using namespace mudi::sync;

namespace {

/// What NNG adds: 8 bytes of length, 4 of its request number.
constexpr std::size_t framing = 12;

PushedBatch empty_batch() {
    return {TillId{17}, Incarnation{0xfedcba9876543210}, Bits128{1ULL << 63, 12345}, {}};
}

} // namespace

TEST_CASE("a purchase of eight lines takes at most 100 bytes in a backlog", "[sync]") {
    const auto seed = GENERATE(1u, 2u, 3u);
    test::Grocery shop(seed);
    PushedBatch batch = empty_batch();
    for (int i = 0; i < 500; ++i) batch.events.push_back(shop.sale());
    const double bytes = static_cast<double>(encode(batch, nullptr).size() + framing) / 500;
    CAPTURE(seed, bytes);
    CHECK(bytes <= 100);
    CHECK(bytes > 40); // the random parts alone: less would mean that something is missing
}

TEST_CASE("a single live purchase takes at most 180 bytes once the server has learned the shop's goods",
          "[sync]") {
    const auto seed = GENERATE(1u, 2u, 3u);
    test::Grocery shop(seed);
    DictionaryLearner learner;
    std::optional<Dictionary> learned;
    for (int i = 0; i < 600; ++i) {
        const Event event = shop.sale();
        if (auto newer = learner.observe({&event, 1})) learned = std::move(newer);
    }
    REQUIRE(learned);
    std::size_t bytes = 0;
    for (int i = 0; i < 200; ++i) {
        PushedBatch batch = empty_batch();
        batch.events.push_back(shop.sale());
        bytes += encode(batch, &*learned).size() + framing;
    }
    const double mean = static_cast<double>(bytes) / 200;
    CAPTURE(seed, mean);
    CHECK(mean <= 180);
    CHECK(mean > 80);
}
