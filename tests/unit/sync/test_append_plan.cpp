#include <catch2/catch.hpp>

#include <mudi/base/hash.hpp>
#include <mudi/sync/hlc.hpp>
#include <mudi/sync/server_sync.hpp>

using namespace mudi;
using namespace mudi::sync;
using Verdict = AppendPlan::Verdict;

namespace {

std::string body(std::int64_t seq) { return "sale " + std::to_string(seq); }

/// Chain of one till's honest history.
Bits128 chain(std::int64_t seq) {
    Bits128 value;
    for (std::int64_t i = 1; i <= seq; ++i) value = chain_next(value, body(i));
    return value;
}

PushedBatch batch(std::int64_t first, std::int64_t last) {
    PushedBatch out{TillId{1}, Incarnation{1}, chain(first - 1), {}};
    for (std::int64_t seq = first; seq <= last; ++seq) {
        Event event;
        event.seq.value = seq;
        event.body = body(seq);
        out.events.push_back(event);
    }
    return out;
}

HighWater mark(std::int64_t seq) { return {EventSeq{seq}, chain(seq)}; }

} // namespace

TEST_CASE("a batch that follows the mark is appended whole", "[sync]") {
    const std::int64_t before = GENERATE(0, 1, 10);
    const AppendPlan plan = plan_append(mark(before), batch(before + 1, before + 5), std::nullopt);
    CHECK(plan.verdict == Verdict::append);
    CHECK(plan.first == 0);
    CHECK(plan.after == mark(before + 5));
    REQUIRE(plan.chains.size() == 5);
    for (std::size_t i = 0; i < 5; ++i)
        CHECK(plan.chains[i] == chain(before + 1 + static_cast<std::int64_t>(i)));
}

TEST_CASE("what a batch repeats is left out", "[sync]") {
    const AppendPlan plan = plan_append(mark(10), batch(8, 12), chain(10));
    CHECK(plan.verdict == Verdict::append);
    CHECK(plan.first == 3);
    CHECK(plan.after == mark(12));
    CHECK(plan.chains == std::vector{chain(11), chain(12)});
}

TEST_CASE("a batch that only repeats brings nothing new", "[sync]") {
    CHECK(plan_append(mark(10), batch(6, 10), chain(10)).verdict == Verdict::nothing_new);
    const AppendPlan old = plan_append(mark(10), batch(3, 5), chain(5));
    CHECK(old.verdict == Verdict::nothing_new);
    CHECK(old.after == mark(10));
    CHECK(old.chains.empty());
    // The row is deleted by now: there is nothing to hold against it.
    CHECK(plan_append(mark(10), batch(3, 5), std::nullopt).verdict == Verdict::nothing_new);
}

TEST_CASE("a batch beyond the next seq is a gap", "[sync]") {
    const AppendPlan plan = plan_append(mark(10), batch(12, 13), std::nullopt);
    CHECK(plan.verdict == Verdict::gap);
    CHECK(plan.after == mark(10));
}

TEST_CASE("another history under the same seqs is a fork, wherever it shows", "[sync]") {
    PushedBatch follows = batch(11, 12);
    follows.chain_before.low ^= 1;
    CHECK(plan_append(mark(10), follows, std::nullopt).verdict == Verdict::fork);

    PushedBatch overlaps = batch(9, 12);
    overlaps.events[1].body += "!"; // seq 10
    CHECK(plan_append(mark(10), overlaps, chain(10)).verdict == Verdict::fork);

    PushedBatch repeats = batch(3, 5);
    repeats.events[0].body += "!";
    CHECK(plan_append(mark(10), repeats, chain(5)).verdict == Verdict::fork);

    PushedBatch begins = batch(1, 2);
    begins.chain_before.high = 1;
    CHECK(plan_append(HighWater{}, begins, std::nullopt).verdict == Verdict::fork);
    // Even when nothing stored is left to compare with.
    CHECK(plan_append(mark(10), begins, std::nullopt).verdict == Verdict::fork);
}

TEST_CASE("the hybrid clock never goes back and stays near the wall", "[sync]") {
    Hlc clock;
    const Time wall = time_from_ms(1'000'000);
    const std::int64_t first = clock.next(wall);
    CHECK(hlc_time(first) == wall);
    CHECK(clock.next(wall) == first + 1);
    CHECK(clock.next(wall - std::chrono::hours{1}) == first + 2);
    CHECK(hlc_time(clock.next(wall + Duration{5})) == wall + Duration{5});
    CHECK(Hlc{first + 100}.next(wall) == first + 101); // goes on after a restart
}

TEST_CASE("the hybrid clock follows a remote one, unless that is off by more than five minutes", "[sync]") {
    const Time wall = time_from_ms(1'000'000);
    Hlc clock;
    Hlc near{0};
    near.observe((to_ms(wall) + 299'000) << 16, wall);
    CHECK(hlc_time(near.last()) == wall + Duration{299'000});
    clock.observe((to_ms(wall) + 301'000) << 16, wall);
    CHECK(clock.last() == 0);
    near.observe(1, wall);
    CHECK(hlc_time(near.last()) == wall + Duration{299'000});
}
