#include <algorithm>
#include <deque>
#include <map>

#include "unit/sync/server_rig.hpp"

using namespace mudi;
using namespace mudi::sync;
using namespace mudi::test;

namespace {

constexpr std::int64_t crowd = 5'000;
constexpr int pushes_each = 6;
constexpr std::int64_t turn_ms = 10;

/// All tills of a chain come back within a second with a backlog each, to a server whose disk takes so many
/// pushes in a turn. They do what they are told, as real ones.
class Crowd {
public:
    explicit Crowd(std::size_t pushes_per_turn)
        : per_turn_(pushes_per_turn), server_({{generation, 10}}, Access::enrolled, limits(), random_),
          tills_(crowd + 1) {
        for (std::int64_t till = 1; till <= crowd; ++till)
            due_.emplace(static_cast<std::int64_t>(random_.below(1000)), till);
    }

    static ServerLimits limits() {
        ServerLimits limits;
        limits.stores_under_way_max = 256;
        return limits;
    }

    /// Until all are through, or the time is over.
    void run(std::int64_t ms_max) {
        for (; now_ms_ < ms_max && done_ < crowd; now_ms_ += turn_ms) {
            while (!due_.empty() && due_.begin()->first <= now_ms_) {
                const std::int64_t till = due_.begin()->second;
                due_.erase(due_.begin());
                speak(till);
            }
            serve();
        }
    }

    std::size_t queue_most{};
    std::size_t lookups_most{};
    Duration credit_most{};
    Duration credit_last{};
    std::int64_t first_ack_last_ms{}; ///< when the last till had its first push through
    std::int64_t gap_most_ms{};       ///< longest that any till waited from one of its pushes to the next
    std::int64_t done_ms{};
    int refusals{};

private:
    struct Till {
        enum class Stage : std::uint8_t { hello, signing, pushing, done } stage{Stage::hello};
        int pushed{};
        std::int64_t last_ack_ms{};
    };

    void speak(std::int64_t till) {
        Till& of = tills_[static_cast<std::size_t>(till)];
        TillHello hello;
        hello.till.value = till;
        hello.store.value = "A";
        hello.incarnation.value = 1;
        switch (of.stage) {
        case Till::Stage::hello: return send(till, encode(hello));
        case Till::Stage::signing: return send(till, hello_frame(hello_fields(hello), "signature"));
        case Till::Stage::pushing: {
            PushedBatch batch{TillId{till}, Incarnation{1}, {}, {}};
            Event& event = batch.events.emplace_back();
            event.seq.value = of.pushed + 1;
            event.kind = 99;
            event.body = "sale";
            return send(till, encode(batch, nullptr));
        }
        case Till::Stage::done: return;
        }
    }

    void send(std::int64_t till, std::string frame) {
        const RequestToken token = ++last_token_;
        waiting_[token] = till;
        step(server_in::Request{token, static_cast<PipeId>(till), std::move(frame)});
    }

    void step(const ServerInput& in) {
        std::vector<ServerAction> out;
        server_.step(MonoTime{Duration{now_ms_}}, Time{}, in, out);
        for (const ServerAction& action : out) {
            if (const auto* reply = std::get_if<server_out::Reply>(&action)) answer(*reply);
            if (const auto* look = std::get_if<server_out::LookUpTill>(&action))
                lookups_.push_back(look->token);
            if (const auto* store = std::get_if<server_out::Store>(&action))
                stores_.emplace_back(store->token, store->batch.events.back().seq);
        }
        queue_most = std::max(queue_most, stores_.size());
        lookups_most = std::max(lookups_most, lookups_.size());
    }

    void serve() {
        for (std::size_t i = 0; i < per_turn_ && !lookups_.empty(); ++i) {
            const RequestToken token = lookups_.front();
            lookups_.pop_front();
            step(server_in::TillKnown{token, Standing{}, {}});
        }
        for (std::size_t i = 0; i < per_turn_ && !stores_.empty(); ++i) {
            const auto [token, seq] = stores_.front();
            stores_.pop_front();
            step(server_in::Stored{token, Standing{{seq, {}}, {}, 0}});
        }
    }

    void come(std::int64_t till, Duration later) { due_.emplace(now_ms_ + turn_ms + later.count(), till); }

    void answer(const server_out::Reply& reply) {
        const std::int64_t till = waiting_.at(reply.token);
        REQUIRE(waiting_.erase(reply.token) == 1);
        Till& of = tills_[static_cast<std::size_t>(till)];
        const auto frame = decode_answer(reply.frame);
        REQUIRE(frame);
        if (const auto* refusal = std::get_if<Refusal>(&*frame)) {
            REQUIRE(refusal->name == "server.busy");
            ++refusals;
            const auto half = static_cast<std::uint64_t>(refusal->retry_after.count() / 2);
            return come(till,
                        refusal->retry_after - Duration{static_cast<std::int64_t>(random_.below(half))});
        }
        if (std::holds_alternative<Challenge>(*frame)) {
            of.stage = Till::Stage::signing;
            return come(till, Duration{0});
        }
        if (std::holds_alternative<HelloAnswer>(*frame)) {
            of.stage = Till::Stage::pushing;
            of.last_ack_ms = now_ms_;
            return come(till, Duration{0});
        }
        const Duration credit = std::get<PushAnswer>(*frame).not_before;
        credit_most = std::max(credit_most, credit);
        credit_last = credit;
        if (of.pushed == 0) first_ack_last_ms = now_ms_;
        gap_most_ms = std::max(gap_most_ms, now_ms_ - of.last_ack_ms);
        of.last_ack_ms = now_ms_;
        if (++of.pushed == pushes_each) {
            of.stage = Till::Stage::done;
            done_ms = now_ms_;
            ++done_;
            return;
        }
        come(till, credit);
    }

    std::size_t per_turn_;
    SeededRandom random_{9};
    ServerSync server_;
    std::vector<Till> tills_;
    std::multimap<std::int64_t, std::int64_t> due_;
    std::deque<RequestToken> lookups_;
    std::deque<std::pair<RequestToken, EventSeq>> stores_;
    std::map<RequestToken, std::int64_t> waiting_;
    RequestToken last_token_{};
    std::int64_t now_ms_{};
    std::int64_t done_{};
};

} // namespace

TEST_CASE("5,000 tills that come back at once are all served, none of them last and least", "[sync]") {
    constexpr std::size_t per_turn = 20; // 2,000 pushes a second: 30,000 take 15 s at best
    Crowd tills(per_turn);
    tills.run(120'000);
    CAPTURE(tills.done_ms, tills.first_ack_last_ms, tills.gap_most_ms, tills.refusals,
            tills.credit_most.count());
    CHECK(tills.done_ms > 0);
    CHECK(tills.done_ms < 30'000);
    CHECK(tills.queue_most <= Crowd::limits().stores_under_way_max);
    CHECK(tills.lookups_most <= static_cast<std::size_t>(crowd));
    CHECK(tills.refusals > 0); // else there was no crowd
    CHECK(tills.first_ack_last_ms < 15'000);
    CHECK(tills.gap_most_ms < 12'000);
}

TEST_CASE("the credit grows with the queue and is nothing without one", "[sync]") {
    Crowd slow(5);
    slow.run(20'000);
    CHECK(slow.credit_most >= Duration{200});
    CHECK(slow.credit_most <= Duration{5'000});
    Crowd fast(2'000);
    fast.run(60'000);
    CHECK(fast.credit_last == Duration{0});
    CHECK(fast.done_ms < 8'000);
}
