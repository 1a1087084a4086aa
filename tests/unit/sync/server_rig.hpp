#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <catch2/catch.hpp>

#include <mudi/base/hash.hpp>
#include <mudi/sync/server_sync.hpp>

#include "sync/protocol/frames.hpp"
#include "unit/sync/grocery.hpp"

namespace mudi::test {

inline constexpr std::uint64_t generation = 77;

/// A server without a driver: the test answers its actions. Versions up to 4 are of generation 75, up to 10
/// of 76.
class ServerRig {
public:
    explicit ServerRig(sync::ServerLimits limits = {}, sync::Access access = sync::Access::open)
        : core({{generation - 2, 0}, {generation - 1, 4}, {generation, 10}}, access, limits, random) {}

    std::vector<sync::ServerAction> step(const sync::ServerInput& in) {
        std::vector<sync::ServerAction> out;
        core.step(now, wall, in, out);
        return out;
    }
    template <class Frame>
    std::vector<sync::ServerAction> ask(sync::RequestToken token, const Frame& frame, sync::PipeId pipe = 1) {
        return step(sync::server_in::Request{token, pipe, encode(frame)});
    }
    std::vector<sync::ServerAction> ask(sync::RequestToken token, const sync::PushedBatch& batch,
                                        sync::PipeId pipe = 1, const sync::Dictionary* dictionary = nullptr) {
        return step(sync::server_in::Request{token, pipe, encode(batch, dictionary)});
    }

    /// Till `till` of store A, in its life 1, has said hello on `pipe`.
    void greet(std::int64_t till, sync::PipeId pipe = 1, const char* store = "A") {
        const sync::RequestToken token = 1'000'000 + ++greeted_;
        ask(token, hello_of(till, store), pipe);
        reply<sync::HelloAnswer>(step(sync::server_in::TillKnown{token, sync::Standing{}, {}}), token);
    }
    [[nodiscard]] sync::TillHello hello_of(std::int64_t till, const char* store = "A") const {
        sync::TillHello hello;
        hello.till = TillId{till};
        hello.store = StoreId{store};
        hello.workstation = WorkstationId{"T"};
        hello.incarnation = Incarnation{1};
        hello.wall = wall;
        hello.schema = 1;
        return hello;
    }

    template <class T>
    static const T* find(const std::vector<sync::ServerAction>& actions) {
        for (const sync::ServerAction& action : actions) {
            if (const auto* found = std::get_if<T>(&action)) return found;
        }
        return nullptr;
    }
    /// The one reply to this token among the actions.
    template <class Answer>
    static Answer reply(const std::vector<sync::ServerAction>& actions, sync::RequestToken token) {
        std::optional<Answer> answer;
        for (const sync::ServerAction& action : actions) {
            const auto* found = std::get_if<sync::server_out::Reply>(&action);
            if (found == nullptr || found->token != token) continue;
            REQUIRE_FALSE(answer);
            auto frame = sync::decode_answer(found->frame);
            REQUIRE(frame);
            REQUIRE(std::holds_alternative<Answer>(*frame));
            answer = std::get<Answer>(*frame);
        }
        REQUIRE(answer);
        return *answer;
    }
    static std::string refusal(const std::vector<sync::ServerAction>& actions, sync::RequestToken token) {
        return reply<sync::Refusal>(actions, token).name;
    }
    static bool replies(const std::vector<sync::ServerAction>& actions) {
        return find<sync::server_out::Reply>(actions) != nullptr;
    }

    SeededRandom random{4};
    MonoTime now{Duration{5'000}};
    Time wall{time_from_ms(1'798'785'000'000)};
    sync::ServerSync core;

private:
    sync::RequestToken greeted_{};
};

inline sync::Pull pull_of(std::int64_t till, sync::FeedCursor cursor = {generation, 10},
                          const char* store = "A") {
    sync::Pull pull;
    pull.till = TillId{till};
    pull.store = StoreId{store};
    pull.cursor = cursor;
    pull.wait = Duration{20'000};
    pull.bytes_max = 100'000;
    return pull;
}

inline sync::PushedBatch push_of(Grocery& shop, int events = 1, std::int64_t till = 1) {
    sync::PushedBatch batch{TillId{till}, Incarnation{1}, {}, {}};
    for (int i = 0; i < events; ++i) {
        batch.events.push_back(shop.sale());
        batch.events.back().seq.value = i + 1;
    }
    return batch;
}

inline sync::FeedRow row_of(std::int64_t version, std::string key = "k", std::string body = "body") {
    sync::FeedRow row;
    row.version = version;
    row.kind = 2;
    row.key = std::move(key);
    row.body = std::move(body);
    return row;
}

inline sync::server_in::FeedRead page_of(sync::RequestToken token, std::vector<sync::FeedRow> rows,
                                         std::int64_t newest, std::int64_t horizon = 0) {
    return {token, sync::server_in::FeedPage{std::move(rows), newest, horizon}};
}
inline sync::server_in::FeedRead nothing_new(sync::RequestToken token, std::int64_t newest = 10) {
    return page_of(token, {}, newest);
}

} // namespace mudi::test
