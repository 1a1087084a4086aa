#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <catch2/catch.hpp>

#include <mudi/base/hash.hpp>
#include <mudi/sync/till_sync.hpp>

#include "sync/protocol/frames.hpp"
#include "unit/sync/grocery.hpp"

namespace mudi::test {

inline constexpr std::uint64_t generation = 77;

/// A till with an outbox in memory and a server that says what the test tells it to.
class TillRig {
public:
    explicit TillRig(sync::TillState from = {})
        : state(std::move(from)), core((prepare(), state), limits, random) {}

    std::vector<sync::TillAction> step(const sync::TillInput& in) {
        std::vector<sync::TillAction> out;
        core.step(now, wall, in, out);
        for (std::size_t i = 0; i < out.size(); ++i) {
            std::vector<sync::TillAction> more;
            if (const auto* read = std::get_if<sync::till_out::ReadOutbox>(&out[i]))
                more = step(outbox_from(*read));
            if (const auto* sign = std::get_if<sync::till_out::Sign>(&out[i])) {
                asked_to_sign = sign->text;
                more = step(sync::till_in::Signed{signature});
            }
            out.insert(out.end(), more.begin(), more.end());
        }
        return out;
    }

    std::vector<sync::TillAction> capture() {
        events.push_back(shop.sale());
        chains.push_back(chain_next(chains.back(), events.back().body));
        return step(sync::till_in::Captured{events.back().seq});
    }

    /// The newest request on that channel among the actions; its number and what it says.
    template <class Asked>
    Asked sent(const std::vector<sync::TillAction>& actions, sync::Channel channel = sync::Channel::push) {
        for (auto action = actions.rbegin(); action != actions.rend(); ++action) {
            const auto* send = std::get_if<sync::till_out::Send>(&*action);
            if (send == nullptr || send->channel != channel) continue;
            number_of(channel) = send->request;
            auto frame = sync::decode_request(send->frame, {}, {});
            REQUIRE(frame);
            REQUIRE(std::holds_alternative<Asked>(*frame));
            return std::get<Asked>(*frame);
        }
        FAIL("nothing was sent");
        throw 0;
    }
    sync::Pull pulled(const std::vector<sync::TillAction>& actions) {
        return sent<sync::Pull>(actions, sync::Channel::pull);
    }
    static bool sends(const std::vector<sync::TillAction>& actions,
                      sync::Channel channel = sync::Channel::push) {
        return std::any_of(actions.begin(), actions.end(), [&](const sync::TillAction& action) {
            const auto* send = std::get_if<sync::till_out::Send>(&action);
            return send != nullptr && send->channel == channel;
        });
    }
    template <class T>
    static const T* find(const std::vector<sync::TillAction>& actions) {
        for (const sync::TillAction& action : actions) {
            if (const auto* found = std::get_if<T>(&action)) return found;
        }
        return nullptr;
    }
    static bool reports(const std::vector<sync::TillAction>& actions, std::string_view event) {
        return std::any_of(actions.begin(), actions.end(), [&](const sync::TillAction& action) {
            const auto* report = std::get_if<sync::till_out::Report>(&action);
            return report != nullptr && report->event == event;
        });
    }

    template <class Answer>
    std::vector<sync::TillAction> answer(const Answer& answer, sync::Channel channel = sync::Channel::push) {
        return step(sync::till_in::Answer{number_of(channel), encode(answer)});
    }
    std::vector<sync::TillAction> answer_pull(const sync::PullAnswer& pulled) {
        return answer(pulled, sync::Channel::pull);
    }

    [[nodiscard]] sync::HighWater mark(std::size_t seq) const {
        return {EventSeq{static_cast<std::int64_t>(seq)}, chains.at(seq)};
    }
    [[nodiscard]] sync::HelloAnswer hello_answer(sync::HighWater mark) const {
        sync::HelloAnswer answer;
        answer.generation = generation;
        answer.mark = mark;
        answer.wall = wall;
        answer.schema = 1;
        return answer;
    }
    [[nodiscard]] sync::PushAnswer pushed(std::size_t seq, Duration not_before = {}) const {
        return {generation, mark(seq), not_before, {}, 0};
    }
    /// Link up, hello answered: everything up to `acked` is at the server.
    std::vector<sync::TillAction> link(std::size_t acked = 0) {
        sent<sync::HelloFrame>(step(sync::till_in::LinkUp{}));
        auto out = answer(hello_answer(mark(acked)));
        if (sends(out, sync::Channel::pull)) pulled(out);
        if (sends(out)) sent<sync::PushedBatch>(out);
        return out;
    }
    std::vector<sync::TillAction> after(Duration time) {
        now += time;
        wall += time;
        return step(sync::till_in::Tick{});
    }
    std::uint64_t& number_of(sync::Channel channel) { return requests_[static_cast<std::size_t>(channel)]; }

    MonoTime now{Duration{1'000'000}};
    Time wall{time_from_ms(1'798'785'000'000)};
    SeededRandom random{5};
    sync::TillLimits limits;
    Grocery shop{1};
    std::vector<sync::Event> events;
    std::vector<Bits128> chains{Bits128{}};
    sync::TillState state;
    sync::TillSync core;
    std::string signature{"signature"};
    std::string asked_to_sign;

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

    [[nodiscard]] sync::till_in::OutboxRead outbox_from(const sync::till_out::ReadOutbox& read) const {
        sync::till_in::OutboxRead out{.after = read.after, .chain_before = {}, .events = {}, .failed = false};
        const auto from = static_cast<std::size_t>(read.after.value);
        out.chain_before = chains.at(from);
        for (std::size_t i = from; i < events.size() && out.events.size() < read.events_max; ++i)
            out.events.push_back(events[i]);
        return out;
    }

    std::uint64_t requests_[3]{};
};

inline sync::TillState captured(std::int64_t last) {
    sync::TillState state;
    state.last.value = last;
    return state;
}
inline sync::TillState standing_at(sync::FeedCursor cursor) {
    sync::TillState state;
    state.cursor = cursor;
    return state;
}

} // namespace mudi::test
