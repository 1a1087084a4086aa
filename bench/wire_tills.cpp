#include "bench/wire_tills.hpp"

#include <algorithm>
#include <variant>

#include <mudi/sync/identity.hpp>

#include "bench/bench.hpp"

namespace mudi::bench {

void JobQueue::post(std::function<void()> job) {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    posted_.notify_one();
}

bool JobQueue::run_one(MonoTime until) {
    std::function<void()> job;
    {
        std::unique_lock lock(mutex_);
        if (!posted_.wait_until(lock, until, [&] { return !jobs_.empty(); })) return false;
        job = std::move(jobs_.front());
        jobs_.pop_front();
    }
    job();
    return true;
}

struct WireTills::Till {
    std::size_t index{};
    const Outbox* outbox{};
    till::Replica* replica{};
    std::unique_ptr<sync::TillSync> sync;
    std::unique_ptr<sync::TillTransport> transport;
    std::deque<sync::TillInput> inputs;
    bool stepping{false};
    bool linked{false};
    bool level{false};
    MonoTime wake{MonoTime::max()};
    EventSeq acked;
};

WireTills::WireTills(WireServer server) : server_(std::move(server)) {
    if (server_.key_pem.empty()) return;
    if (auto key = sync::TillKey::from_pem(server_.key_pem))
        key_ = std::make_unique<sync::TillKey>(*std::move(key));
}

WireTills::~WireTills() {
    for (auto& till : tills_) till->transport->stop();
}

Status WireTills::add(TillId id, StoreId store, WorkstationId workstation, const Outbox* outbox) {
    sync::TillState state;
    state.till = id;
    state.store = std::move(store);
    state.workstation = std::move(workstation);
    state.incarnation = Outbox::incarnation;
    if (outbox != nullptr) state.last = outbox->last();
    return add(std::move(state), outbox, nullptr);
}

Status WireTills::add(TillId id, StoreId store, WorkstationId workstation, till::Replica& replica) {
    sync::TillState state = replica.state();
    state.till = id;
    state.store = std::move(store);
    state.workstation = std::move(workstation);
    state.last = {};
    return add(std::move(state), nullptr, &replica);
}

Status WireTills::add(sync::TillState state, const Outbox* outbox, till::Replica* replica) {
    auto till = std::make_unique<Till>();
    till->index = tills_.size();
    till->outbox = outbox;
    till->replica = replica;
    till->sync = std::make_unique<sync::TillSync>(std::move(state), sync::TillLimits{}, random_);
    Till& self = *till;
    tills_.push_back(std::move(till));
    sync::TillTransport::Events events;
    events.link = [this, &self](bool up) {
        if (up)
            step(self, sync::till_in::LinkUp{});
        else
            step(self, sync::till_in::LinkDown{});
    };
    events.answered = [this, &self](std::uint64_t request, Result<std::string> frame) {
        if (frame)
            step(self, sync::till_in::Answer{request, *std::move(frame)});
        else
            step(self, sync::till_in::NoAnswer{request});
    };
    MUDI_TRY(self.transport,
             sync::TillTransport::start(
                 server_.url, server_.tls, [this](std::function<void()> job) { jobs_.post(std::move(job)); },
                 std::move(events), server_.reconnect));
    step(self, sync::till_in::Tick{});
    return {};
}

void WireTills::captured() {
    for (auto& till : tills_) {
        if (till->replica != nullptr) step(*till, sync::till_in::Captured{till->replica->state().last});
        if (till->outbox != nullptr) step(*till, sync::till_in::Captured{till->outbox->last()});
    }
}

sync::till_in::OutboxRead WireTills::read(const Till& till, const sync::till_out::ReadOutbox& wanted) {
    sync::till_in::OutboxRead found{wanted.after, {}, {}};
    if (till.replica != nullptr) {
        auto events = till.replica->read_outbox(wanted.after, {wanted.events_max, wanted.bytes_max});
        if (events) return *std::move(events);
        found.failed = true;
    } else if (till.outbox != nullptr) {
        found.chain_before = till.outbox->chain_at(wanted.after);
        found.events = till.outbox->events_after(wanted.after, wanted.events_max);
    }
    return found;
}

std::int64_t WireTills::acked() const {
    std::int64_t sum = 0;
    for (const auto& till : tills_) sum += till->acked.value;
    return sum;
}

Status WireTills::run_until(const std::function<bool()>& done, std::chrono::seconds patience) {
    const MonoTime end = clock_.mono() + patience;
    while (!done()) {
        const MonoTime now = clock_.mono();
        if (now > end)
            return fail(Code::unavailable, "bench.patience",
                        "the tills did not get there in time" +
                            (refusal_.empty() ? "" : "; refused: " + refusal_));
        wake_due();
        const MonoTime next = timers_.empty() ? MonoTime::max() : timers_.begin()->first;
        jobs_.run_one(std::min({end, next, now + Duration{50}}));
    }
    return {};
}

void WireTills::wake_due() {
    const MonoTime now = clock_.mono();
    while (!timers_.empty() && timers_.begin()->first <= now) {
        Till& till = *tills_[timers_.begin()->second];
        timers_.erase(timers_.begin());
        till.wake = MonoTime::max();
        step(till, sync::till_in::Tick{});
    }
}

void WireTills::step(Till& till, const sync::TillInput& input) {
    till.inputs.push_back(input);
    if (till.stepping) return;
    till.stepping = true;
    while (!till.inputs.empty()) {
        const auto next = std::move(till.inputs.front());
        till.inputs.pop_front();
        std::vector<sync::TillAction> actions;
        till.sync->step(clock_.mono(), clock_.wall(), next, actions);
        for (auto& action : actions) act(till, action);
    }
    till.stepping = false;
    const bool linked = till.sync->linked();
    if (linked != till.linked) linked ? ++linked_ : --linked_;
    till.linked = linked;
}

void WireTills::act(Till& till, sync::TillAction& action) {
    namespace out = sync::till_out;
    if (auto* send = std::get_if<out::Send>(&action)) {
        till.transport->send(send->request, send->channel, std::move(send->frame), send->timeout);
    } else if (const auto* sign = std::get_if<out::Sign>(&action)) {
        step(till,
             sync::till_in::Signed{key_ ? key_->sign(sign->text).value_or(std::string{}) : std::string{}});
    } else if (const auto* read = std::get_if<out::ReadOutbox>(&action)) {
        step(till, WireTills::read(till, *read));
    } else if (const auto* save = std::get_if<out::SaveAck>(&action)) {
        till.acked = save->acked;
        if (till.replica != nullptr && !till.replica->save_ack(*save)) refusal_ = "the till's disk";
    } else if (const auto* apply = std::get_if<out::ApplyFeed>(&action)) {
        if (apply->complete && !till.level) ++pulling_;
        till.level = till.level || apply->complete;
        step(till, sync::till_in::FeedApplied{true});
    } else if (std::holds_alternative<out::CompareManifest>(action)) {
        step(till, sync::till_in::Compared{}); // nothing is kept here, and nothing missed
    } else if (std::holds_alternative<out::ApplyPart>(action)) {
        step(till, sync::till_in::FeedApplied{true});
    } else if (const auto* timer = std::get_if<out::SetTimer>(&action)) {
        timers_.erase({till.wake, till.index});
        till.wake = timer->at;
        timers_.insert({till.wake, till.index});
    } else if (const auto* report = std::get_if<out::Report>(&action)) {
        if (report->event == "sync.refused") refusal_ = report->detail;
    }
}

} // namespace mudi::bench
