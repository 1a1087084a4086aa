#include "unit/sync/till_rig.hpp"

using namespace mudi;
using namespace mudi::sync;
using namespace mudi::test;

using Till = TillRig;

namespace {

till_in::Ask question(std::uint64_t id) {
    return {id, {TillId{3}, HoldId{hash128(std::to_string(id))}, ProfileId{8}, Points{50}}};
}

/// The answers among the actions; each test wants exactly one or none.
std::vector<till_out::Answered> answers(const std::vector<TillAction>& actions) {
    std::vector<till_out::Answered> found;
    for (const TillAction& action : actions) {
        if (const auto* answered = std::get_if<till_out::Answered>(&action)) found.push_back(*answered);
    }
    return found;
}

std::string error_of(const std::vector<TillAction>& actions, std::uint64_t id) {
    const auto found = answers(actions);
    REQUIRE(found.size() == 1);
    CHECK(found[0].id == id);
    REQUIRE_FALSE(found[0].answer);
    return found[0].answer.error().name;
}

} // namespace

TEST_CASE("a question goes out at once beside whatever else is under way, and its answer comes back",
          "[sync]") {
    Till till(captured(1));
    till.link(); // a push and a pull are under way
    const auto out = till.step(question(7));
    CHECK(till.sent<Reserve>(out, Channel::ask) == question(7).question);
    CHECK(Till::find<till_out::Send>(out)->timeout == till.limits.ask_timeout);
    CHECK(answers(out).empty());
    const ReserveAnswer granted{true, RightsHolder{5}, Points{0}, Duration{0}};
    const auto found = answers(till.answer(granted, Channel::ask));
    REQUIRE(found.size() == 1);
    CHECK(found[0].id == 7);
    CHECK(found[0].answer == granted);
    CHECK(answers(till.answer(granted, Channel::ask)).empty());
    till.sent<Reserve>(till.step(question(8)), Channel::ask);
}

TEST_CASE("without a link a question is answered at once", "[sync]") {
    Till till;
    CHECK(error_of(till.step(question(1)), 1) == "server.unreachable");
    till.sent<HelloFrame>(till.step(till_in::LinkUp{}));
    CHECK(error_of(till.step(question(2)), 2) == "server.unreachable"); // not greeted yet
    till.answer(till.hello_answer(till.mark(0)));
    till.sent<Reserve>(till.step(question(3)), Channel::ask);
}

TEST_CASE("one question at a time", "[sync]") {
    Till till;
    till.link();
    till.sent<Reserve>(till.step(question(1)), Channel::ask);
    const auto out = till.step(question(2));
    CHECK(error_of(out, 2) == "server.asked");
    CHECK(answers(out)[0].answer.error().code == Code::busy);
    CHECK(answers(till.answer(ReserveAnswer{}, Channel::ask))[0].id == 1);
}

TEST_CASE("a question ends, once, however its answer gets lost", "[sync]") {
    Till till;
    till.link();
    till.sent<Reserve>(till.step(question(1)), Channel::ask);
    SECTION("link down") { CHECK(error_of(till.step(till_in::LinkDown{}), 1) == "server.unreachable"); }
    SECTION("link up anew") { CHECK(error_of(till.step(till_in::LinkUp{}), 1) == "server.unreachable"); }
    SECTION("no answer") {
        CHECK(error_of(till.step(till_in::NoAnswer{till.number_of(Channel::ask)}), 1) ==
              "server.unreachable");
    }
    SECTION("time") {
        CHECK(answers(till.after(till.limits.ask_timeout - Duration{1})).empty());
        CHECK(error_of(till.after(Duration{1}), 1) == "server.unreachable");
    }
    SECTION("rubbish") {
        CHECK(error_of(till.step(till_in::Answer{till.number_of(Channel::ask), "rubbish"}), 1) ==
              "server.unreachable");
    }
    SECTION("another answer") {
        CHECK(error_of(till.answer(till.pushed(0), Channel::ask), 1) == "server.unreachable");
    }
    SECTION("refused") {
        const auto out = till.answer(Refusal{"profile.unknown", "who", {}}, Channel::ask);
        CHECK(error_of(out, 1) == "profile.unknown");
        CHECK(answers(out)[0].answer.error().code == Code::denied);
        CHECK(till.core.linked());
    }
    CHECK(answers(till.step(till_in::NoAnswer{till.number_of(Channel::ask)})).empty());
    CHECK(answers(till.answer(ReserveAnswer{}, Channel::ask)).empty());
    CHECK(answers(till.step(till_in::LinkDown{})).empty());
    CHECK(answers(till.after(till.limits.ask_timeout)).empty());
}

TEST_CASE("the timer is set for a question's end", "[sync]") {
    Till till(standing_at({generation, 1}));
    till.link();
    const auto out = till.step(question(1));
    const auto* timer = Till::find<till_out::SetTimer>(out);
    REQUIRE(timer != nullptr);
    CHECK(timer->at == till.now + till.limits.ask_timeout);
}
