#include "unit/sync/till_rig.hpp"

using namespace mudi;
using namespace mudi::sync;
using namespace mudi::test;

using Till = TillRig;

TEST_CASE("a hello says all that the till knows of itself", "[sync]") {
    TillState state = captured(4);
    state.acked.value = 2;
    state.ack_generation = 6;
    state.cursor = {7, 8};
    state.version = "0.2.0";
    state.holder = RightsHolder{9};
    state.machine = hash128("machine");
    state.lead_url = "http://10.0.0.3:8077";
    Till till(state);
    const TillHello hello = till.sent<HelloFrame>(till.step(till_in::LinkUp{})).hello;
    CHECK(hello.acked == EventSeq{2});
    CHECK(hello.ack_generation == 6);
    CHECK(hello.cursor == FeedCursor{7, 8});
    CHECK(hello.version == "0.2.0");
    CHECK(hello.holder == RightsHolder{9});
    CHECK(hello.machine == state.machine);
    CHECK(hello.lead_url == state.lead_url);
    CHECK(hello.certificate_request.empty());
}

TEST_CASE("a challenge is answered at once with the same hello, signed", "[sync]") {
    Till till(captured(2));
    const auto unsigned_hello = till.sent<HelloFrame>(till.step(till_in::LinkUp{}));
    CHECK(unsigned_hello.signature.empty());
    const Bits128 nonce = hash128("nonce");
    const auto hello = till.sent<HelloFrame>(till.answer(Challenge{nonce}));
    CHECK(till.asked_to_sign == signed_text(nonce, unsigned_hello.fields));
    CHECK(hello.fields == unsigned_hello.fields);
    CHECK(hello.signature == "signature");
    CHECK_FALSE(till.core.linked());
    till.answer(till.hello_answer(till.mark(2)));
    CHECK(till.core.linked());
}

TEST_CASE("what is on hold is said as it stands after the challenge, not before", "[sync]") {
    Till till(captured(2));
    till.core.on_hold(OnHold::nothing);
    CHECK(till.sent<HelloFrame>(till.step(till_in::LinkUp{})).hello.on_hold == OnHold::nothing);
    till.core.on_hold(OnHold::borrowed);
    const auto hello = till.sent<HelloFrame>(till.answer(Challenge{hash128("nonce")}));
    CHECK(hello.hello.on_hold == OnHold::borrowed);
    CHECK(till.asked_to_sign == signed_text(hash128("nonce"), hello.fields));
    Till silent(captured(2));
    CHECK(silent.sent<HelloFrame>(silent.step(till_in::LinkUp{})).hello.on_hold == OnHold::not_said);
}

TEST_CASE("a challenge that comes for a signed hello is signed anew, but not for ever", "[sync]") {
    Till till;
    till.sent<HelloFrame>(till.step(till_in::LinkUp{}));
    int signed_hellos = 0;
    for (;;) {
        const auto out = till.answer(Challenge{hash128(std::to_string(signed_hellos))});
        if (!Till::sends(out)) {
            CHECK(Till::reports(out, "sync.bad_answer"));
            break;
        }
        REQUIRE(++signed_hellos < 20);
        till.sent<HelloFrame>(out);
    }
    CHECK(signed_hellos >= 2);
    CHECK(till.sent<HelloFrame>(till.after(Duration{300})).signature.empty()); // from the start
}

TEST_CASE("a till that cannot sign tries again later", "[sync]") {
    Till till;
    till.signature.clear();
    till.sent<HelloFrame>(till.step(till_in::LinkUp{}));
    const auto out = till.answer(Challenge{hash128("nonce")});
    CHECK_FALSE(Till::sends(out));
    CHECK(Till::reports(out, "sync.no_key"));
    till.signature = "found it";
    till.sent<HelloFrame>(till.after(Duration{300}));
    CHECK(till.sent<HelloFrame>(till.answer(Challenge{hash128("other")})).signature == "found it");
}

TEST_CASE("a challenge to anything but a hello is no answer", "[sync]") {
    Till till(captured(1));
    till.link();
    const auto out = till.answer(Challenge{hash128("nonce")});
    CHECK(Till::reports(out, "sync.bad_answer"));
    CHECK(till.asked_to_sign.empty());
}

TEST_CASE("a link that stands is greeted again from time to time, without being given up", "[sync]") {
    Till till(captured(1));
    till.link(1);
    CHECK_FALSE(Till::sends(till.after(till.limits.hello_every / 2)));
    const auto out = till.after(till.limits.hello_every / 2);
    CHECK(till.sent<HelloFrame>(out).hello.last == EventSeq{1});
    CHECK(till.core.linked());
    HelloAnswer answer = till.hello_answer(till.mark(1));
    answer.safe.value = 1;
    const auto answered = till.answer(answer);
    REQUIRE(Till::find<till_out::SaveAck>(answered) != nullptr);
    CHECK(Till::find<till_out::SaveAck>(answered)->safe == EventSeq{1});
    CHECK_FALSE(Till::reports(answered, "sync.linked")); // it never was not
    CHECK_FALSE(Till::sends(till.after(till.limits.hello_every / 2)));
}

TEST_CASE("the timer is set for the next hello when there is nothing else to do", "[sync]") {
    Till till(standing_at({generation, 3}));
    till.link();
    till.step(till_in::NoAnswer{till.number_of(Channel::pull)});
    std::optional<MonoTime> latest;
    for (int i = 0; i < 2000 && !latest; ++i) {
        const auto out = till.after(till.limits.pull_timeout);
        if (Till::sends(out)) latest = till.now;
        if (Till::sends(out, Channel::pull)) till.pulled(out);
        PullAnswer nothing;
        nothing.cursor = {generation, 3};
        nothing.complete = true;
        till.answer_pull(nothing);
        till.step(till_in::FeedApplied{true});
    }
    CHECK(latest);
}

TEST_CASE("a certificate is asked for at once, and again until it comes", "[sync]") {
    Till till(captured(1));
    till.link(1);
    const auto renew = till.step(till_in::Renew{"request"});
    CHECK(till.sent<HelloFrame>(renew).hello.certificate_request == "request");
    CHECK(Till::find<till_out::SaveCertificate>(till.answer(till.hello_answer(till.mark(1)))) == nullptr);
    CHECK_FALSE(Till::sends(till.after(std::chrono::minutes{1})));
    const auto again = till.after(std::chrono::minutes{10});
    CHECK(till.sent<HelloFrame>(again).hello.certificate_request == "request");
    HelloAnswer brings = till.hello_answer(till.mark(1));
    brings.certificate = "certificate";
    const auto out = till.answer(brings);
    REQUIRE(Till::find<till_out::SaveCertificate>(out) != nullptr);
    CHECK(Till::find<till_out::SaveCertificate>(out)->pem == "certificate");
    CHECK_FALSE(Till::sends(till.after(std::chrono::minutes{30})));
    CHECK(till.sent<HelloFrame>(till.after(till.limits.hello_every)).hello.certificate_request.empty());
}

TEST_CASE("another memory of rights is told at once, on the link that stands", "[sync]") {
    TillState state = captured(1);
    state.holder = RightsHolder{5};
    Till till(state);
    till.link(1);
    const auto out = till.step(till_in::HolderChanged{RightsHolder{6}});
    CHECK(till.sent<HelloFrame>(out).hello.holder == RightsHolder{6});
    CHECK(till.core.linked());
    CHECK(till.core.state().holder == RightsHolder{6});
    SECTION("and once") { CHECK_FALSE(Till::sends(till.answer(till.hello_answer(till.mark(1))))); }
    SECTION("and again when it changed while that was under way") {
        CHECK_FALSE(Till::sends(till.step(till_in::HolderChanged{RightsHolder{7}})));
        const auto next = till.answer(till.hello_answer(till.mark(1)));
        CHECK(till.sent<HelloFrame>(next).hello.holder == RightsHolder{7});
    }
}

TEST_CASE("a renewal asked for while the link is down goes up with the next hello", "[sync]") {
    Till till;
    CHECK_FALSE(Till::sends(till.step(till_in::Renew{"request"})));
    CHECK(till.sent<HelloFrame>(till.step(till_in::LinkUp{})).hello.certificate_request == "request");
}

TEST_CASE("a renewal asked for while a hello is under way goes up with its signed half, or the next at once",
          "[sync]") {
    Till till(captured(1));
    till.sent<HelloFrame>(till.step(till_in::LinkUp{}));
    std::vector<TillAction> carrier;
    SECTION("before the challenge") {
        CHECK_FALSE(Till::sends(till.step(till_in::Renew{"request"})));
        carrier = till.answer(Challenge{hash128("nonce")});
    }
    SECTION("after it") {
        till.sent<HelloFrame>(till.answer(Challenge{hash128("nonce")}));
        CHECK_FALSE(Till::sends(till.step(till_in::Renew{"request"})));
        carrier = till.answer(till.hello_answer(till.mark(1)));
        CHECK(till.core.linked());
    }
    CHECK(till.sent<HelloFrame>(carrier).hello.certificate_request == "request");
    // And then as patiently as any other.
    CHECK_FALSE(Till::sends(till.answer(till.hello_answer(till.mark(1)))));
    CHECK_FALSE(Till::sends(till.after(std::chrono::minutes{5})));
}

TEST_CASE("a revoked till says so and comes back as seldom as it may", "[sync]") {
    Till till(captured(1));
    till.link();
    const auto out = till.answer(Refusal{"till.revoked", "", {}});
    CHECK(Till::reports(out, "sync.refused"));
    CHECK_FALSE(till.core.linked());
    const auto* timer = Till::find<till_out::SetTimer>(out);
    CHECK_FALSE(Till::sends(till.after(till.limits.retry_max / 2 - Duration{1})));
    till.sent<HelloFrame>(till.after(till.limits.retry_max));
    CHECK(timer != nullptr);
    CHECK(till.core.unsent() == 1); // nothing is given up
}

TEST_CASE("any refusal of the till itself, on any channel, leads to a new hello", "[sync]") {
    Till till(captured(1));
    till.link();
    SECTION("push") {
        till.answer(Refusal{"till.not_greeted", "", {}});
        till.sent<HelloFrame>(till.after(Duration{300}));
    }
    SECTION("pull") {
        till.answer(Refusal{"till.other", "", {}}, Channel::pull);
        till.step(till_in::NoAnswer{till.number_of(Channel::push)});
        till.sent<HelloFrame>(till.after(Duration{300}));
    }
    SECTION("ask") {
        const auto asked =
            till.step(till_in::Ask{1, {TillId{3}, HoldId{hash128("h")}, ProfileId{1}, Points{5}}});
        till.sent<Reserve>(asked, Channel::ask);
        till.answer(Refusal{"till.not_greeted", "", {}}, Channel::ask);
        till.step(till_in::NoAnswer{till.number_of(Channel::push)});
        till.sent<HelloFrame>(till.after(Duration{300}));
    }
}
