#include <algorithm>

#include <catch2/catch.hpp>

#include <mudi/base/hash.hpp>
#include <mudi/sync/till_sync.hpp>

#include "sync/protocol/frames.hpp"
#include "unit/sync/grocery.hpp"

using namespace mudi;
using namespace mudi::sync;

namespace {

constexpr std::uint64_t generation = 77;

/// A till with an outbox in memory and a server that says what the test tells it to.
class Till {
public:
    explicit Till(TillState from = {}) : state(std::move(from)), core((prepare(), state), limits, random) {}

    std::vector<TillAction> step(const TillInput& in) {
        std::vector<TillAction> out;
        core.step(now, wall, in, out);
        for (std::size_t i = 0; i < out.size(); ++i) {
            const auto* read = std::get_if<till_out::ReadOutbox>(&out[i]);
            if (read == nullptr) continue;
            std::vector<TillAction> more = step(outbox_from(*read));
            out.insert(out.end(), more.begin(), more.end());
        }
        return out;
    }

    std::vector<TillAction> capture() {
        events.push_back(shop.sale());
        chains.push_back(chain_next(chains.back(), events.back().body));
        return step(till_in::Captured{events.back().seq});
    }

    /// The newest request on that channel among the actions; its number and what it says.
    template <class Asked>
    Asked sent(const std::vector<TillAction>& actions, Channel channel = Channel::push) {
        for (auto action = actions.rbegin(); action != actions.rend(); ++action) {
            const auto* send = std::get_if<till_out::Send>(&*action);
            if (send == nullptr || send->channel != channel) continue;
            (channel == Channel::push ? request : pull_request) = send->request;
            auto frame = decode_request(send->frame, {}, {});
            REQUIRE(frame);
            REQUIRE(std::holds_alternative<Asked>(*frame));
            return std::get<Asked>(*frame);
        }
        FAIL("nothing was sent");
        throw 0;
    }
    static bool sends(const std::vector<TillAction>& actions, Channel channel = Channel::push) {
        return std::any_of(actions.begin(), actions.end(), [&](const TillAction& action) {
            const auto* send = std::get_if<till_out::Send>(&action);
            return send != nullptr && send->channel == channel;
        });
    }
    template <class T>
    static const T* find(const std::vector<TillAction>& actions) {
        for (const TillAction& action : actions) {
            if (const auto* found = std::get_if<T>(&action)) return found;
        }
        return nullptr;
    }

    template <class Answer>
    std::vector<TillAction> answer(const Answer& answer) {
        return step(till_in::Answer{request, encode(answer)});
    }
    std::vector<TillAction> answer_pull(const PullAnswer& answer) {
        return step(till_in::Answer{pull_request, encode(answer)});
    }

    [[nodiscard]] HighWater mark(std::size_t seq) const {
        return {EventSeq{static_cast<std::int64_t>(seq)}, chains.at(seq)};
    }
    [[nodiscard]] HelloAnswer hello_answer(HighWater mark) const {
        return {.generation = generation, .mark = mark, .wall = wall, .schema = 1};
    }
    /// Link up, hello answered: everything up to `acked` is at the server.
    std::vector<TillAction> link(std::size_t acked) {
        sent<TillHello>(step(till_in::LinkUp{}));
        auto out = answer(hello_answer(mark(acked)));
        sent<Pull>(out, Channel::pull);
        if (sends(out)) sent<PushedBatch>(out);
        return out;
    }
    std::vector<TillAction> after(Duration time) {
        now += time;
        wall += time;
        return step(till_in::Tick{});
    }

    MonoTime now{Duration{1'000'000}};
    Time wall{time_from_ms(1'798'785'000'000)};
    SeededRandom random{5};
    TillLimits limits;
    test::Grocery shop{1};
    std::vector<Event> events;
    std::vector<Bits128> chains{Bits128{}};
    TillState state;
    TillSync core;
    std::uint64_t request{};
    std::uint64_t pull_request{};

private:
    void prepare() {
        state.till.value = 3;
        state.store.value = "A";
        state.incarnation.value = 9;
        for (std::int64_t i = 0; i < state.last.value; ++i) {
            events.push_back(shop.sale());
            chains.push_back(chain_next(chains.back(), events.back().body));
        }
    }

    [[nodiscard]] till_in::OutboxRead outbox_from(const till_out::ReadOutbox& read) const {
        till_in::OutboxRead out{.after = read.after, .chain_before = {}, .events = {}, .failed = false};
        const auto from = static_cast<std::size_t>(read.after.value);
        out.chain_before = chains.at(from);
        for (std::size_t i = from; i < events.size() && out.events.size() < read.events_max; ++i)
            out.events.push_back(events[i]);
        return out;
    }
};

TillState captured(std::int64_t last) {
    TillState state;
    state.last.value = last;
    return state;
}

} // namespace

TEST_CASE("a till says hello when the link comes, and only then", "[sync]") {
    Till till(captured(4));
    CHECK_FALSE(Till::sends(till.capture()));
    const auto hello = till.sent<TillHello>(till.step(till_in::LinkUp{}));
    CHECK(hello.till == TillId{3});
    CHECK(hello.incarnation == Incarnation{9});
    CHECK(hello.last == EventSeq{5});
    CHECK_FALSE(till.core.linked());
}

TEST_CASE("what the server misses is pushed right after the hello, from its mark on", "[sync]") {
    Till till(captured(5));
    const auto out = till.link(2);
    CHECK(till.core.linked());
    const auto batch = till.sent<PushedBatch>(out);
    CHECK(batch.chain_before == till.chains[2]);
    CHECK(batch.events.size() == 3);
    CHECK(batch.events.front().seq == EventSeq{3});
    CHECK(till.core.unsent() == 3);
    const auto done = till.answer(PushAnswer{generation, till.mark(5), {}});
    const auto* saved = Till::find<till_out::SaveAck>(done);
    REQUIRE(saved != nullptr);
    CHECK(saved->acked == EventSeq{5});
    CHECK(saved->generation == generation);
    CHECK(till.core.unsent() == 0);
}

TEST_CASE("a server restored from a backup gets again what it lost", "[sync]") {
    TillState state = captured(9);
    state.acked.value = 9;
    state.ack_generation = 5;
    Till till(state);
    CHECK(till.sent<PushedBatch>(till.link(4)).events.front().seq == EventSeq{5});
    CHECK(till.core.state().acked == EventSeq{4});
}

TEST_CASE("a sale captured while nothing is under way leaves at once, and alone", "[sync]") {
    Till till;
    till.link(0);
    const auto batch = till.sent<PushedBatch>(till.capture());
    CHECK(batch.events.size() == 1);
    CHECK_FALSE(Till::sends(till.capture())); // one push at a time
    CHECK_FALSE(Till::sends(till.answer(PushAnswer{generation, till.mark(1), {}})));
    const auto next = till.sent<PushedBatch>(till.after(TillLimits{}.push_spacing));
    CHECK(next.events.front().seq == EventSeq{2});
}

TEST_CASE("sales that come fast share a push, one that comes later goes at once", "[sync]") {
    Till till;
    till.link(0);
    till.sent<PushedBatch>(till.capture());
    till.answer(PushAnswer{generation, till.mark(1), {}});
    for (int i = 0; i < 3; ++i) CHECK_FALSE(Till::sends(till.capture()));
    CHECK(till.sent<PushedBatch>(till.after(TillLimits{}.push_spacing)).events.size() == 3);
    till.answer(PushAnswer{generation, till.mark(4), {}});
    till.after(Duration{500});
    CHECK(till.sent<PushedBatch>(till.capture()).events.size() == 1);
}

TEST_CASE("a push holds no more events than the stricter of both sides allows", "[sync]") {
    Till till(captured(20));
    till.sent<TillHello>(till.step(till_in::LinkUp{}));
    HelloAnswer answer = till.hello_answer(till.mark(0));
    answer.events_max = 6;
    CHECK(till.sent<PushedBatch>(till.answer(answer)).events.size() == 6);
    const auto batch = till.sent<PushedBatch>(till.answer(PushAnswer{generation, till.mark(6), {}}));
    CHECK(batch.events.size() == 6);
    CHECK(batch.events.front().seq == EventSeq{7});
}

TEST_CASE(
    "a server that knows more of this life than the till, or another history, makes it begin a new life",
    "[sync]") {
    Till ahead(captured(3));
    ahead.sent<TillHello>(ahead.step(till_in::LinkUp{}));
    CHECK(Till::find<till_out::NewLife>(ahead.answer(ahead.hello_answer({EventSeq{4}, hash128("x")}))) !=
          nullptr);

    TillState acknowledged = captured(3);
    acknowledged.acked.value = 2;
    Till other(acknowledged);
    other.sent<TillHello>(other.step(till_in::LinkUp{}));
    CHECK(Till::find<till_out::NewLife>(other.answer(other.hello_answer({EventSeq{2}, hash128("x")}))) !=
          nullptr);
    CHECK_FALSE(other.core.linked());
    const auto hello = other.sent<TillHello>(other.step(till_in::LifeBegun{Incarnation{10}, EventSeq{3}}));
    CHECK(hello.incarnation == Incarnation{10});
    CHECK(other.core.state().acked == EventSeq{0});

    Till refused(captured(3));
    refused.link(0);
    CHECK(Till::find<till_out::NewLife>(refused.answer(Refusal{"sync.fork", "", {}})) != nullptr);
}

TEST_CASE("a new life that the disk could not begin is asked for again", "[sync]") {
    Till till(captured(3));
    till.link(0);
    till.answer(Refusal{"sync.fork", "", {}});
    CHECK(Till::find<till_out::NewLife>(till.after(Duration{50})) == nullptr);
    CHECK(Till::find<till_out::NewLife>(till.after(Duration{400})) != nullptr);
}

TEST_CASE("a gap, a foreign generation or a wrong chain in the answer lead to another hello", "[sync]") {
    Till till(captured(3));
    till.link(0);
    SECTION("gap") { till.sent<TillHello>(till.answer(Refusal{"sync.gap", "", {}})); }
    SECTION("generation") { till.sent<TillHello>(till.answer(PushAnswer{generation + 1, till.mark(3), {}})); }
    SECTION("chain") {
        till.sent<TillHello>(till.answer(PushAnswer{generation, {EventSeq{3}, hash128("x")}, {}}));
    }
    CHECK(till.core.unsent() == 3);
}

TEST_CASE("a refused till tries again, ever more slowly, within its bounds, and at once after success",
          "[sync]") {
    Till till(captured(1));
    till.sent<TillHello>(till.step(till_in::LinkUp{}));
    Duration before{0};
    for (int i = 0; i < 20; ++i) {
        const auto out = till.answer(Refusal{"till.unknown", "", {}});
        const auto* timer = Till::find<till_out::SetTimer>(out);
        REQUIRE(timer != nullptr);
        const Duration wait = timer->at - till.now;
        CAPTURE(i, wait.count());
        CHECK(wait >= std::max(till.limits.retry_min / 2, before / 4));
        CHECK(wait <= till.limits.retry_max);
        before = std::max(before, wait);
        CHECK_FALSE(Till::sends(till.after(wait - Duration{1})));
        till.sent<TillHello>(till.after(Duration{1}));
    }
    CHECK(before > till.limits.retry_max / 3);
    till.answer(till.hello_answer(till.mark(1)));
    const auto out = till.capture();
    till.sent<PushedBatch>(out);
    const auto failed = till.step(till_in::NoAnswer{till.request});
    const auto* timer = Till::find<till_out::SetTimer>(failed);
    REQUIRE(timer != nullptr);
    CHECK(timer->at - till.now <= till.limits.retry_min);
}

TEST_CASE("the server's patience is honoured: credit after a push, retry-after in a refusal", "[sync]") {
    Till till(captured(1));
    till.link(0);
    till.answer(PushAnswer{generation, till.mark(1), Duration{700}});
    CHECK_FALSE(Till::sends(till.capture()));
    CHECK_FALSE(Till::sends(till.after(Duration{699})));
    till.sent<PushedBatch>(till.after(Duration{1}));
    till.answer(Refusal{"server.busy", "", Duration{9000}});
    CHECK_FALSE(Till::sends(till.after(Duration{4499})));
    till.sent<PushedBatch>(till.after(Duration{4501}));
}

TEST_CASE("answers to requests given up are passed over", "[sync]") {
    Till till(captured(1));
    till.link(0);
    const std::uint64_t old = till.request;
    till.step(till_in::NoAnswer{old});
    till.sent<PushedBatch>(till.after(Duration{300}));
    till.step(till_in::Answer{old, encode(PushAnswer{generation, till.mark(1), {}})});
    CHECK(till.core.unsent() == 1);
    till.step(till_in::NoAnswer{old});
    CHECK(till.core.unsent() == 1);
    till.answer(PushAnswer{generation, till.mark(1), {}});
    CHECK(till.core.unsent() == 0);
}

TEST_CASE("should the transport never report, the till gives a request up by itself", "[sync]") {
    Till till(captured(1));
    till.link(0);
    CHECK_FALSE(Till::sends(till.after(till.limits.push_timeout)));
    till.after(Duration{5000});
    till.sent<PushedBatch>(till.after(Duration{300}));
}

TEST_CASE("a broken answer or one to another question is not believed", "[sync]") {
    Till till(captured(1));
    till.link(0);
    const auto broken = till.step(till_in::Answer{till.request, "\x01rubbish"});
    REQUIRE(Till::find<till_out::Report>(broken) != nullptr);
    CHECK(Till::find<till_out::Report>(broken)->event == "sync.bad_answer");
    till.sent<PushedBatch>(till.after(Duration{300}));
    till.answer(till.hello_answer(till.mark(1)));
    CHECK(till.core.unsent() == 1);
}

TEST_CASE("the server's clock is estimated from the middle of the round trip", "[sync]") {
    Till till;
    till.sent<TillHello>(till.step(till_in::LinkUp{}));
    CHECK_FALSE(till.core.server_clock_ahead());
    HelloAnswer answer = till.hello_answer(till.mark(0));
    answer.wall = till.wall + Duration{60'000};
    till.now += Duration{200};
    till.wall += Duration{200};
    till.answer(answer);
    CHECK(till.core.server_clock_ahead() == Duration{59'900});
}

TEST_CASE("feed rows are applied, then the next are asked for at once from the new cursor", "[sync]") {
    Till till;
    till.link(0);
    const PullAnswer page{.cursor = {generation, 7},
                          .replace = true,
                          .complete = false,
                          .rows = {{7, 1, "a", false, "x"}},
                          .learned_number = 0,
                          .learned = {}};
    const auto out = till.answer_pull(page);
    const auto* apply = Till::find<till_out::ApplyFeed>(out);
    REQUIRE(apply != nullptr);
    CHECK(apply->replace);
    CHECK_FALSE(apply->complete);
    CHECK(apply->rows == page.rows);
    CHECK_FALSE(Till::sends(out, Channel::pull)); // not before it is applied
    const auto next = till.sent<Pull>(till.step(till_in::FeedApplied{true}), Channel::pull);
    CHECK(next.cursor == FeedCursor{generation, 7});
}

TEST_CASE("a page that could not be applied is asked for again after a while", "[sync]") {
    Till till;
    till.link(0);
    till.answer_pull({.cursor = {generation, 7},
                      .replace = true,
                      .complete = true,
                      .rows = {{7, 1, "a", false, "x"}},
                      .learned_number = 0,
                      .learned = {}});
    CHECK_FALSE(Till::sends(till.step(till_in::FeedApplied{false}), Channel::pull));
    CHECK(till.sent<Pull>(till.after(Duration{300}), Channel::pull).cursor == FeedCursor{});
}

TEST_CASE("a feed that does not go on from the cursor is not applied", "[sync]") {
    TillState state;
    state.cursor = {generation, 10};
    Till till(state);
    till.link(0);
    const auto refused = [&](FeedCursor cursor, std::vector<FeedRow> rows) {
        const auto out = till.answer_pull({.cursor = cursor,
                                           .replace = false,
                                           .complete = true,
                                           .rows = std::move(rows),
                                           .learned_number = 0,
                                           .learned = {}});
        CHECK(Till::find<till_out::ApplyFeed>(out) == nullptr);
        till.sent<Pull>(till.after(Duration{200'000}), Channel::pull);
    };
    refused({generation, 9}, {});
    refused({generation, 12}, {{10, 1, "a", false, "x"}, {12, 1, "b", false, "x"}});
    refused({generation + 1, 12}, {{12, 1, "a", false, "x"}});
}

TEST_CASE("empty answers that come at once do not make a till spin", "[sync]") {
    TillState state;
    state.cursor = {generation, 10};
    Till till(state);
    till.link(0);
    const PullAnswer empty{.cursor = {generation, 10},
                           .replace = false,
                           .complete = false,
                           .rows = {},
                           .learned_number = 0,
                           .learned = {}};
    CHECK_FALSE(Till::sends(till.answer_pull(empty), Channel::pull));
    till.sent<Pull>(till.after(Duration{300}), Channel::pull);
    till.now += Duration{25'000};
    till.sent<Pull>(till.answer_pull(empty), Channel::pull);
}

TEST_CASE("a till uses the server's dictionary, and does without when the server has forgotten it",
          "[sync]") {
    Till till;
    till.link(0);
    DictionaryLearner learner;
    std::optional<Dictionary> learned;
    while (!learned) {
        const Event event = till.shop.sale();
        learned = learner.observe({&event, 1});
    }
    till.events.clear();
    till.shop = test::Grocery{1};
    PullAnswer brings{.cursor = {generation, 1},
                      .replace = true,
                      .complete = true,
                      .rows = {},
                      .learned_number = learned->number(),
                      .learned = learned->bytes()};
    till.answer_pull(brings);
    till.step(till_in::FeedApplied{true});
    const auto packed_with = [](const std::vector<TillAction>& actions) {
        return static_cast<int>(Till::find<till_out::Send>(actions)->frame.at(2));
    };
    const auto out = till.capture();
    CHECK(packed_with(out) == learned->number());
    till.request = Till::find<till_out::Send>(out)->request;
    const auto again = till.answer(Refusal{"wire.dictionary", "", {}});
    CHECK(packed_with(again) == built_in_number); // at once
    till.sent<PushedBatch>(again);
}
