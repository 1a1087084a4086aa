#include <deque>
#include <utility>
#include <variant>

#include <mudi/sync/till_sync.hpp>

#include "bench/bench.hpp"
#include "bench/grocery.hpp"

namespace mudi::bench {
namespace {

/// What NNG adds to a frame: 8 bytes of length, 4 of its request number.
constexpr double framing_bytes = 12;
constexpr double backlog_bytes_max = 100;
constexpr double live_bytes_max = 180;
constexpr std::int64_t till = 1;
constexpr sync::PipeId pipe = 1;
/// All of them within the time after which a till says hello again.
constexpr Duration between_sales{20'000};

/// Both real ends of the conversation with nothing but memory between them.
class Line {
public:
    explicit Line(Outbox& outbox)
        : outbox_(outbox), client_(state_of(outbox), {}, random_),
          server_({{99, 0}}, sync::Access::open, {}, random_) {
        to_till(sync::till_in::LinkUp{});
    }

    /// A sale was captured; runs until neither side has anything to say.
    void captured() { to_till(sync::till_in::Captured{outbox_.last()}); }
    /// So much later, both clocks have been heard.
    void later(Duration time) {
        now_ += time;
        to_server(sync::server_in::Tick{});
        to_till(sync::till_in::Tick{});
    }
    [[nodiscard]] bool all_acked() const { return client_.unsent() == 0; }
    /// Frames of the channel for hello and pushes since the last call, in bytes.
    std::vector<double> take_pushes() { return std::exchange(pushes_, {}); }

private:
    static sync::TillState state_of(const Outbox& outbox) {
        sync::TillState state;
        state.till = TillId{till};
        state.store = store_of(till);
        state.workstation = workstation_of(till);
        state.incarnation = Outbox::incarnation;
        state.last = outbox.last();
        return state;
    }

    template <class Input>
    void to_till(Input input) {
        till_inputs_.emplace_back(std::move(input));
        if (!running_) run();
    }
    template <class Input>
    void to_server(Input input) {
        server_inputs_.emplace_back(std::move(input));
        if (!running_) run();
    }
    void run() {
        running_ = true;
        while (!till_inputs_.empty() || !server_inputs_.empty()) {
            if (!till_inputs_.empty()) {
                const sync::TillInput input = std::move(till_inputs_.front());
                till_inputs_.pop_front();
                std::vector<sync::TillAction> actions;
                client_.step(now_, wall(), input, actions);
                for (auto& action : actions) std::visit([this](auto& each) { act(each); }, action);
            } else {
                const sync::ServerInput input = std::move(server_inputs_.front());
                server_inputs_.pop_front();
                std::vector<sync::ServerAction> actions;
                server_.step(now_, wall(), input, actions);
                for (auto& action : actions) std::visit([this](auto& each) { act(each); }, action);
            }
        }
        running_ = false;
    }

    void act(sync::till_out::Send& send) {
        if (send.channel == sync::Channel::push)
            pushes_.push_back(static_cast<double>(send.frame.size()) + framing_bytes);
        to_server(sync::server_in::Request{send.request, pipe, std::move(send.frame)});
    }
    void act(const sync::till_out::ReadOutbox& read) {
        to_till(sync::till_in::OutboxRead{read.after, outbox_.chain_at(read.after),
                                          outbox_.events_after(read.after, read.events_max)});
    }
    void act(const sync::till_out::ApplyFeed&) { to_till(sync::till_in::FeedApplied{true}); }
    void act(const sync::till_out::CompareManifest&) { to_till(sync::till_in::Compared{}); }
    template <class Other>
    void act(const Other&) {} // timers are replaced by later(); the rest needs no answer

    void act(sync::server_out::Reply& reply) {
        to_till(sync::till_in::Answer{reply.token, std::move(reply.frame)});
    }
    void act(const sync::server_out::LookUpTill& look) {
        to_server(sync::server_in::TillKnown{look.token, standing_, {}});
    }
    void act(const sync::server_out::Store& store) {
        const EventSeq last = store.batch.events.back().seq;
        standing_.mark = {last, outbox_.chain_at(last)};
        standing_.arrival = last.value;
        to_server(sync::server_in::Stored{store.token, standing_});
    }
    void act(const sync::server_out::ReadFeed& read) {
        to_server(sync::server_in::FeedRead{read.token, sync::server_in::FeedPage{}});
    }
    void act(const sync::server_out::ReadManifest& read) {
        to_server(sync::server_in::ManifestRead{read.token, sync::Manifest{{0}}, 0});
    }

    [[nodiscard]] Time wall() const { return time_from_ms(1'795'240'800'000) + now_.time_since_epoch(); }

    Outbox& outbox_;
    SeededRandom random_{7};
    MonoTime now_{std::chrono::hours{1}};
    sync::TillSync client_;
    sync::ServerSync server_;
    sync::Standing standing_;
    std::deque<sync::TillInput> till_inputs_;
    std::deque<sync::ServerInput> server_inputs_;
    std::vector<double> pushes_;
    bool running_{false};
};

double sum(const std::vector<double>& values) {
    double all = 0;
    for (const double value : values) all += value;
    return all;
}

double body_bytes(const Outbox& outbox, EventSeq after) {
    double all = 0;
    const auto events = outbox.events_after(after, static_cast<std::size_t>(outbox.last().value));
    for (const sync::Event& event : events) all += static_cast<double>(event.body.size());
    return all / static_cast<double>(events.size());
}

Figure figure(std::string what, double bytes, double bare, double target) {
    return {.group = "wire",
            .what = std::move(what),
            .value = bytes,
            .unit = "bytes",
            .anchor = bare,
            .anchor_what = "the event's body, unpacked",
            .aim = target > 0 ? Aim::at_most : Aim::none,
            .target = target,
            .budget = target > 0};
}

Status backlog(std::size_t pushes, Sheet& sheet) {
    Grocery grocery{5, time_from_ms(1'795'240'800'000)};
    Outbox outbox{till};
    const std::size_t events = pushes * sync::TillLimits{}.events_per_push_max;
    for (std::size_t i = 0; i < events; ++i) outbox.capture(grocery.sale(till));
    Line line{outbox};
    auto frames = line.take_pushes();
    if (!line.all_acked() || frames.size() != pushes + 1)
        return fail(Code::invalid, "bench.wire", "the backlog did not go out in full batches");
    frames.erase(frames.begin()); // the hello
    const double bytes = sum(frames) / static_cast<double>(events);
    sheet.add(figure("a purchase in a backlog", bytes, body_bytes(outbox, {}), backlog_bytes_max));
    return {};
}

Status live(std::size_t learning, std::size_t measured, Sheet& sheet) {
    Grocery grocery{6, time_from_ms(1'795'240'800'000)};
    Outbox outbox{till};
    Line line{outbox};
    const auto sell = [&](std::size_t count) {
        line.take_pushes();
        for (std::size_t i = 0; i < count; ++i) {
            outbox.capture(grocery.sale(till));
            line.captured();
            line.later(between_sales);
        }
        return line.take_pushes();
    };
    const auto mean = [](const std::vector<double>& frames) {
        return sum(frames) / static_cast<double>(frames.size());
    };
    const auto fresh = sell(100);
    const double fresh_bare = body_bytes(outbox, {});
    sell(learning);
    const EventSeq before = outbox.last();
    const auto learned = sell(measured);
    if (!line.all_acked() || fresh.size() != 100 || learned.size() != measured)
        return fail(Code::invalid, "bench.wire", "not every sale went out in a push of its own");
    sheet.add(figure("a single one to a new server", mean(fresh), fresh_bare, 0));
    sheet.add(figure("a single one, live", mean(learned), body_bytes(outbox, before), live_bytes_max));
    return {};
}

} // namespace

Status measure_wire(const Options& options, Sheet& sheet) {
    MUDI_CHECK(backlog(options.quick ? 2 : 10, sheet));
    // The server knows the shop's everyday goods after some hundred sales and tells the tills.
    return live(500, 200, sheet);
}

} // namespace mudi::bench
