#include "unit/sync/till_rig.hpp"

using namespace mudi;
using namespace mudi::sync;
using namespace mudi::test;

using Till = TillRig;

TEST_CASE("a till says hello when the link comes, and only then", "[sync]") {
    Till till(captured(4));
    CHECK_FALSE(Till::sends(till.capture()));
    const TillHello hello = till.sent<HelloFrame>(till.step(till_in::LinkUp{})).hello;
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
    const auto done = till.answer(till.pushed(5));
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
    till.link();
    const auto batch = till.sent<PushedBatch>(till.capture());
    CHECK(batch.events.size() == 1);
    CHECK_FALSE(Till::sends(till.capture())); // one push at a time
    CHECK_FALSE(Till::sends(till.answer(till.pushed(1))));
    const auto next = till.sent<PushedBatch>(till.after(TillLimits{}.push_spacing));
    CHECK(next.events.front().seq == EventSeq{2});
}

TEST_CASE("sales that come fast share a push, one that comes later goes at once", "[sync]") {
    Till till;
    till.link();
    till.sent<PushedBatch>(till.capture());
    till.answer(till.pushed(1));
    for (int i = 0; i < 3; ++i) CHECK_FALSE(Till::sends(till.capture()));
    CHECK(till.sent<PushedBatch>(till.after(TillLimits{}.push_spacing)).events.size() == 3);
    till.answer(till.pushed(4));
    till.after(Duration{500});
    CHECK(till.sent<PushedBatch>(till.capture()).events.size() == 1);
}

TEST_CASE("the more sales a push had, the longer the next one waits for company", "[sync]") {
    const Duration spacing = TillLimits{}.push_spacing;
    Till till;
    till.link();
    till.sent<PushedBatch>(till.capture());
    for (int i = 0; i < 4; ++i) till.capture();
    CHECK_FALSE(Till::sends(till.answer(till.pushed(1))));
    CHECK_FALSE(Till::sends(till.after(spacing / 4 - Duration{1})));
    CHECK(till.sent<PushedBatch>(till.after(Duration{1})).events.size() == 4);
    till.capture();
    CHECK_FALSE(Till::sends(till.answer(till.pushed(5))));
    CHECK_FALSE(Till::sends(till.after(spacing - Duration{1})));
    CHECK(till.sent<PushedBatch>(till.after(Duration{1})).events.size() == 1);
}

TEST_CASE("a push holds no more events than the stricter of both sides allows", "[sync]") {
    Till till(captured(20));
    till.sent<HelloFrame>(till.step(till_in::LinkUp{}));
    HelloAnswer answer = till.hello_answer(till.mark(0));
    answer.events_max = 6;
    CHECK(till.sent<PushedBatch>(till.answer(answer)).events.size() == 6);
    const auto batch = till.sent<PushedBatch>(till.answer(till.pushed(6)));
    CHECK(batch.events.size() == 6);
    CHECK(batch.events.front().seq == EventSeq{7});
}

TEST_CASE(
    "a server that knows more of this life than the till, or another history, makes it begin a new life",
    "[sync]") {
    Till ahead(captured(3));
    ahead.sent<HelloFrame>(ahead.step(till_in::LinkUp{}));
    CHECK(Till::find<till_out::NewLife>(ahead.answer(ahead.hello_answer({EventSeq{4}, hash128("x")}))) !=
          nullptr);

    TillState acknowledged = captured(3);
    acknowledged.acked.value = 2;
    Till other(acknowledged);
    other.sent<HelloFrame>(other.step(till_in::LinkUp{}));
    CHECK(Till::find<till_out::NewLife>(other.answer(other.hello_answer({EventSeq{2}, hash128("x")}))) !=
          nullptr);
    CHECK_FALSE(other.core.linked());
    const TillHello hello =
        other.sent<HelloFrame>(other.step(till_in::LifeBegun{Incarnation{10}, EventSeq{3}})).hello;
    CHECK(hello.incarnation == Incarnation{10});
    CHECK(other.core.state().acked == EventSeq{0});

    Till refused(captured(3));
    refused.link();
    CHECK(Till::find<till_out::NewLife>(refused.answer(Refusal{"sync.fork", "", {}})) != nullptr);
}

TEST_CASE("a new life that the disk could not begin is asked for again", "[sync]") {
    Till till(captured(3));
    till.link();
    till.answer(Refusal{"sync.fork", "", {}});
    CHECK(Till::find<till_out::NewLife>(till.after(Duration{50})) == nullptr);
    CHECK(Till::find<till_out::NewLife>(till.after(Duration{400})) != nullptr);
}

TEST_CASE("a gap, a foreign generation or a wrong chain in the answer lead to another hello", "[sync]") {
    Till till(captured(3));
    till.link();
    SECTION("gap") { till.sent<HelloFrame>(till.answer(Refusal{"sync.gap", "", {}})); }
    SECTION("generation") {
        till.sent<HelloFrame>(till.answer(PushAnswer{generation + 1, till.mark(3), {}, {}, 0}));
    }
    SECTION("chain") {
        till.sent<HelloFrame>(till.answer(PushAnswer{generation, {EventSeq{3}, hash128("x")}, {}, {}, 0}));
    }
    CHECK(till.core.unsent() == 3);
}

TEST_CASE("a refused till tries again, ever more slowly, within its bounds, and at once after success",
          "[sync]") {
    Till till(captured(1));
    till.sent<HelloFrame>(till.step(till_in::LinkUp{}));
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
        till.sent<HelloFrame>(till.after(Duration{1}));
    }
    CHECK(before > till.limits.retry_max / 3);
    till.answer(till.hello_answer(till.mark(1)));
    const auto out = till.capture();
    till.sent<PushedBatch>(out);
    const auto failed = till.step(till_in::NoAnswer{till.number_of(Channel::push)});
    const auto* timer = Till::find<till_out::SetTimer>(failed);
    REQUIRE(timer != nullptr);
    CHECK(timer->at - till.now <= till.limits.retry_min);
}

TEST_CASE("the server's patience is honoured: credit after a push, retry-after in a refusal", "[sync]") {
    Till till(captured(1));
    till.link();
    till.answer(till.pushed(1, Duration{700}));
    CHECK_FALSE(Till::sends(till.capture()));
    CHECK_FALSE(Till::sends(till.after(Duration{699})));
    till.sent<PushedBatch>(till.after(Duration{1}));
    till.answer(Refusal{"server.busy", "", Duration{9000}});
    CHECK_FALSE(Till::sends(till.after(Duration{4499})));
    till.sent<PushedBatch>(till.after(Duration{4501}));
}

TEST_CASE("answers to requests given up are passed over", "[sync]") {
    Till till(captured(1));
    till.link();
    const std::uint64_t old = till.number_of(Channel::push);
    till.step(till_in::NoAnswer{old});
    till.sent<PushedBatch>(till.after(Duration{300}));
    till.step(till_in::Answer{old, encode(till.pushed(1))});
    CHECK(till.core.unsent() == 1);
    till.step(till_in::NoAnswer{old});
    CHECK(till.core.unsent() == 1);
    till.answer(till.pushed(1));
    CHECK(till.core.unsent() == 0);
}

TEST_CASE("should the transport never report, the till gives a request up by itself", "[sync]") {
    Till till(captured(1));
    till.link();
    CHECK_FALSE(Till::sends(till.after(till.limits.push_timeout)));
    till.after(Duration{5000});
    till.sent<PushedBatch>(till.after(Duration{300}));
}

TEST_CASE("a broken answer or one to another question is not believed", "[sync]") {
    Till till(captured(1));
    till.link();
    const auto broken = till.step(till_in::Answer{till.number_of(Channel::push), "\x01rubbish"});
    REQUIRE(Till::find<till_out::Report>(broken) != nullptr);
    CHECK(Till::find<till_out::Report>(broken)->event == "sync.bad_answer");
    till.sent<PushedBatch>(till.after(Duration{300}));
    till.answer(till.hello_answer(till.mark(1)));
    CHECK(till.core.unsent() == 1);
}

TEST_CASE("the server's clock is estimated from the middle of the round trip", "[sync]") {
    Till till;
    till.sent<HelloFrame>(till.step(till_in::LinkUp{}));
    CHECK_FALSE(till.core.server_clock_ahead());
    HelloAnswer answer = till.hello_answer(till.mark(0));
    answer.wall = till.wall + Duration{60'000};
    till.now += Duration{200};
    till.wall += Duration{200};
    till.answer(answer);
    CHECK(till.core.server_clock_ahead() == Duration{59'900});
}

TEST_CASE("a till uses the server's dictionary, and does without when the server has forgotten it",
          "[sync]") {
    Till till(standing_at({generation, 0}));
    till.link();
    DictionaryLearner learner;
    std::optional<Dictionary> learned;
    while (!learned) {
        const Event event = till.shop.sale();
        learned = learner.observe({&event, 1});
    }
    till.events.clear();
    till.shop = test::Grocery{1};
    PullAnswer brings;
    brings.cursor = {generation, 1};
    brings.learned_number = learned->number();
    brings.learned = learned->bytes();
    till.answer_pull(brings);
    till.step(till_in::FeedApplied{true});
    const auto packed_with = [](const std::vector<TillAction>& actions) {
        return static_cast<int>(Till::find<till_out::Send>(actions)->frame.at(2));
    };
    const auto out = till.capture();
    CHECK(packed_with(out) == learned->number());
    till.number_of(Channel::push) = Till::find<till_out::Send>(out)->request;
    const auto again = till.answer(Refusal{"wire.dictionary", "", {}});
    CHECK(packed_with(again) == built_in_number); // at once
    till.sent<PushedBatch>(again);
}

TEST_CASE("a busy server is taken at its word: no one falls behind for having been refused often", "[sync]") {
    Till till(captured(1));
    till.link();
    for (int i = 0; i < 30; ++i) {
        const auto out = till.answer(Refusal{"server.busy", "", Duration{1000}});
        const auto* timer = Till::find<till_out::SetTimer>(out);
        REQUIRE(timer != nullptr);
        CHECK(timer->at - till.now <= Duration{1000});
        CHECK(timer->at - till.now >= Duration{500});
        till.sent<PushedBatch>(till.after(timer->at - till.now));
    }
}

TEST_CASE("what a backup has and when an event arrived are remembered, also when they go back", "[sync]") {
    TillState state = captured(9);
    state.acked.value = 9;
    state.safe.value = 9;
    Till till(state);
    till.sent<HelloFrame>(till.step(till_in::LinkUp{}));
    HelloAnswer hello = till.hello_answer(till.mark(7));
    hello.safe.value = 3;
    hello.arrival = 41;
    const auto out = till.answer(hello);
    const auto* saved = Till::find<till_out::SaveAck>(out);
    REQUIRE(saved != nullptr);
    CHECK(saved->acked == EventSeq{7});
    CHECK(saved->safe == EventSeq{3});
    CHECK(saved->arrival == 41);
    CHECK(till.core.state().safe == EventSeq{3});
    till.sent<PushedBatch>(out);
    PushAnswer pushed = till.pushed(9);
    pushed.safe.value = 5;
    pushed.arrival = 55;
    const auto done = till.answer(pushed);
    REQUIRE(Till::find<till_out::SaveAck>(done) != nullptr);
    CHECK(Till::find<till_out::SaveAck>(done)->safe == EventSeq{5});
    CHECK(Till::find<till_out::SaveAck>(done)->arrival == 55);
}

TEST_CASE("an answer that calls safe what it has not is not believed", "[sync]") {
    Till till(captured(3));
    till.link();
    PushAnswer lies = till.pushed(3);
    lies.safe.value = 3;
    lies.mark.seq.value = 3;
    CHECK(Till::find<till_out::SaveAck>(till.answer(lies))->safe == EventSeq{3});
    HelloAnswer beyond = till.hello_answer(till.mark(2));
    beyond.safe.value = 3; // the encoder keeps it within the mark
    CHECK(std::get<HelloAnswer>(*decode_answer(encode(beyond))).safe == EventSeq{2});
}
