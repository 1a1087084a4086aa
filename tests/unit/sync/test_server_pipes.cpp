#include "sync/protocol/envelope.hpp"
#include "unit/sync/server_rig.hpp"

using namespace mudi;
using namespace mudi::sync;
using namespace mudi::test;

using Rig = ServerRig;

namespace {

/// A server that wants signatures, and what tills say to it.
class Gate : public Rig {
public:
    explicit Gate(ServerLimits limits = {}) : Rig(limits, Access::enrolled) {}

    Bits128 challenge(const TillHello& hello, PipeId pipe = 1) {
        const RequestToken token = ++token_;
        return reply<Challenge>(ask(token, hello, pipe), token).nonce;
    }
    std::vector<ServerAction> sign(const TillHello& hello, PipeId pipe = 1) {
        return step(server_in::Request{++token_, pipe, hello_frame(hello_fields(hello), "signature")});
    }
    RequestToken last() const { return token_; }

private:
    RequestToken token_{100};
};

} // namespace

TEST_CASE("an unsigned hello is answered with a challenge, a signed one is looked up with its proof",
          "[sync]") {
    Gate server;
    const TillHello hello = server.hello_of(3);
    const Bits128 nonce = server.challenge(hello);
    const auto out = server.sign(hello);
    const auto* look = Rig::find<server_out::LookUpTill>(out);
    REQUIRE(look != nullptr);
    CHECK(look->hello.till == TillId{3});
    REQUIRE(look->credentials);
    CHECK(look->credentials->signature == "signature");
    const std::string said = std::string("mudi hello 1\0", 13) + to_bytes(nonce).data + hello_fields(hello);
    CHECK(look->credentials->signed_text == said);
    CHECK(server.core.pipes_of(TillId{3}) == 0); // not before it is found to be right
    server.step(server_in::TillKnown{server.last(), Standing{}, {}});
    CHECK(server.core.pipes_of(TillId{3}) == 1);
}

TEST_CASE("a challenge is good for one hello, on its own connection", "[sync]") {
    Gate server;
    const TillHello hello = server.hello_of(3);
    const Bits128 first = server.challenge(hello, 1);
    CHECK(server.challenge(hello, 2) != first);
    CHECK(Rig::find<server_out::LookUpTill>(server.sign(hello, 1)) != nullptr);
    const auto again = server.sign(hello, 1);
    CHECK(Rig::find<server_out::LookUpTill>(again) == nullptr);
    CHECK(Rig::reply<Challenge>(again, server.last()).nonce != first);
    const auto elsewhere = server.sign(hello, 3);
    CHECK(Rig::find<server_out::LookUpTill>(elsewhere) == nullptr);
    Rig::reply<Challenge>(elsewhere, server.last());
}

TEST_CASE("an open server takes a hello as it comes, without proof", "[sync]") {
    Rig server;
    const auto out = server.ask(1, server.hello_of(3));
    REQUIRE(Rig::find<server_out::LookUpTill>(out) != nullptr);
    CHECK_FALSE(Rig::find<server_out::LookUpTill>(out)->credentials);
}

TEST_CASE("a till too old to sign is told so instead of being asked for ever", "[sync]") {
    Gate server;
    // Written by 0.1.0: till 3, store A, workstation T, incarnation 9, 5 events.
    const std::string hello{"\x08\x03\x12\x01\x41\x1a\x01\x54\x21\x09\0\0\0\0\0\0\0\x28\x05\x38\x01", 21};
    const std::string frame = frame_of(FrameType::hello, std::string_view(hello));
    CHECK(Rig::refusal(server.step(server_in::Request{1, 1, frame}), 1) == "till.unsigned");
    Rig open;
    const auto taken = open.step(server_in::Request{1, 1, frame});
    REQUIRE(Rig::find<server_out::LookUpTill>(taken) != nullptr);
    CHECK(Rig::find<server_out::LookUpTill>(taken)->hello.incarnation == Incarnation{9});
}

TEST_CASE("nothing but a hello is taken from a connection that has not proved its till", "[sync]") {
    Gate server;
    Grocery shop(1);
    const auto refused_everything = [&] {
        CHECK(Rig::refusal(server.ask(1, push_of(shop)), 1) == "till.not_greeted");
        CHECK(Rig::refusal(server.ask(2, pull_of(1)), 2) == "till.not_greeted");
        const Reserve question{TillId{1}, HoldId{hash128("h")}, ProfileId{7}, Points{1}};
        CHECK(Rig::refusal(server.ask(3, question), 3) == "till.not_greeted");
    };
    refused_everything();
    server.challenge(server.hello_of(1));
    refused_everything();
    server.sign(server.hello_of(1));
    refused_everything();
    server.step(server_in::TillKnown{server.last(), fail(Code::denied, "till.signature", ""), {}});
    refused_everything();
}

TEST_CASE("a proved connection speaks for its till, store and life only", "[sync]") {
    Rig server;
    server.greet(1);
    Grocery shop(1);
    CHECK(Rig::refusal(server.ask(1, push_of(shop, 1, 2)), 1) == "till.other");
    PushedBatch other_life = push_of(shop);
    other_life.incarnation = Incarnation{2};
    CHECK(Rig::refusal(server.ask(2, other_life), 2) == "till.other_life");
    CHECK(Rig::refusal(server.ask(3, pull_of(2)), 3) == "till.other");
    CHECK(Rig::refusal(server.ask(4, pull_of(1, {generation, 10}, "B")), 4) == "till.other");
    const Reserve question{TillId{2}, HoldId{hash128("h")}, ProfileId{7}, Points{1}};
    CHECK(Rig::refusal(server.ask(5, question), 5) == "till.other");
    CHECK(Rig::find<server_out::Store>(server.ask(6, push_of(shop))) != nullptr);
}

TEST_CASE("a new life says hello on the same connection and speaks for itself from then on", "[sync]") {
    Rig server;
    server.greet(1);
    TillHello hello = server.hello_of(1);
    hello.incarnation = Incarnation{2};
    server.ask(1, hello);
    server.step(server_in::TillKnown{1, Standing{}, {}});
    CHECK(server.core.pipes_of(TillId{1}) == 1);
    Grocery shop(1);
    CHECK(Rig::refusal(server.ask(2, push_of(shop)), 2) == "till.other_life");
    PushedBatch batch = push_of(shop);
    batch.incarnation = Incarnation{2};
    CHECK(Rig::find<server_out::Store>(server.ask(3, batch)) != nullptr);
}

TEST_CASE("a hello that is refused ends what the connection had proved before", "[sync]") {
    Rig server;
    server.greet(1);
    server.ask(1, server.hello_of(2));
    server.step(server_in::TillKnown{1, fail(Code::denied, "till.unknown", ""), {}});
    Grocery shop(1);
    CHECK(Rig::refusal(server.ask(2, push_of(shop)), 2) == "till.not_greeted");
}

TEST_CASE("a revoked till is cut off at once, everywhere, and nobody else is", "[sync]") {
    Rig server;
    server.greet(1, 1);
    server.greet(1, 2);
    server.greet(2, 3);
    Grocery shop(1);
    server.ask(1, pull_of(1), 1);
    server.step(nothing_new(1));
    server.ask(2, push_of(shop), 2);
    server.ask(3, server.hello_of(1), 4); // its lookup may have been before the revocation
    server.ask(4, pull_of(2), 3);
    server.step(nothing_new(4));
    const auto out = server.step(server_in::Revoked{TillId{1}});
    CHECK(Rig::refusal(out, 1) == "till.revoked");
    CHECK(Rig::refusal(out, 2) == "till.revoked");
    CHECK(Rig::refusal(out, 3) == "till.revoked");
    std::set<PipeId> closed;
    for (const ServerAction& action : out) {
        if (const auto* close = std::get_if<server_out::ClosePipe>(&action)) closed.insert(close->pipe);
    }
    CHECK(closed == std::set<PipeId>{1, 2, 4});
    CHECK(server.core.pipes_of(TillId{1}) == 0);
    CHECK(server.core.pipes_of(TillId{2}) == 1);
    CHECK(server.core.waiting_pulls() == 1);
    // What was under way ends without a second answer, and the connection is worth nothing.
    CHECK(server.step(server_in::Stored{2, Standing{}}).empty());
    CHECK(server.step(server_in::TillKnown{3, Standing{}, {}}).empty());
    CHECK(Rig::refusal(server.ask(9, push_of(shop), 2), 9) == "till.not_greeted");
}
