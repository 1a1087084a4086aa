#include "storm.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include <mudi/base/hash.hpp>
#include <mudi/sync/till_sync.hpp>

#include "operator.hpp"
#include "server_machine.hpp"
#include "shop.hpp"
#include "till_machine.hpp"

namespace mudi::sim {
namespace {

constexpr std::int64_t all_within_ms = 1'000;
constexpr std::int64_t deadline_ms = 20 * 60'000;
constexpr std::int64_t starved_max_ms = 120'000;
/// A till has a push, a pull and, rarely, a double of one of them under way.
constexpr std::size_t requests_per_till = 3;

/// The core of a till, and an outbox that needs no disk.
class LightTill final : public TillEnd {
public:
    LightTill(World& world, int number, std::int64_t sales, const std::string& body)
        : world_(world), number_(number), body_(body),
          random_(world.options.seed * 7919 + static_cast<std::uint64_t>(number)), clock_(world.timeline) {
        identity.till = TillId{number + 1};
        identity.store = store_of(number % 100);
        identity.workstation = WorkstationId{"W" + std::to_string(number + 1)};
        identity.signing_key = random_.key256();
        sync::TillState state;
        state.till = identity.till;
        state.store = identity.store;
        state.workstation = identity.workstation;
        state.incarnation = Incarnation{random_.next()};
        state.last = EventSeq{sales};
        core_ = std::make_unique<sync::TillSync>(state, sync::TillLimits{}, random_);
        progress_at_ms_ = world_.timeline.now_ms();
    }

    void link(bool up) override {
        feed(up ? sync::TillInput{sync::till_in::LinkUp{}} : sync::till_in::LinkDown{});
    }
    void answer(std::uint64_t request, std::optional<std::string> frame) override {
        if (!frame) return feed(sync::till_in::NoAnswer{request});
        feed(sync::till_in::Answer{request, std::move(*frame)});
    }
    void begin() { progress_at_ms_ = world_.timeline.now_ms(); }
    void sends() override {}
    [[nodiscard]] TillId till() const override { return identity.till; }
    [[nodiscard]] std::uint64_t running_program() const override { return 1; }

    [[nodiscard]] bool done() const { return core_->unsent() == 0 && level_; }
    [[nodiscard]] std::int64_t starved_ms() const {
        if (core_->unsent() == 0) return starved_ms_;
        return std::max(starved_ms_, world_.timeline.now_ms() - progress_at_ms_);
    }

    TillIdentity identity;

private:
    void feed(sync::TillInput input) {
        inputs_.push_back(std::move(input));
        if (stepping_) return;
        stepping_ = true;
        std::vector<sync::TillAction> actions;
        while (!inputs_.empty()) {
            const sync::TillInput next = std::move(inputs_.front());
            inputs_.pop_front();
            actions.clear();
            core_->step(clock_.mono(), clock_.wall(), next, actions);
            for (sync::TillAction& action : actions) std::visit([this](auto& one) { act(one); }, action);
        }
        stepping_ = false;
    }

    void act(sync::till_out::Send& send) {
        world_.network.send(number_, send.request, send.channel, std::move(send.frame), send.timeout);
    }
    void act(const sync::till_out::Sign& action) {
        inputs_.emplace_back(sync::till_in::Signed{sign(identity.signing_key, action.text)});
    }
    void act(const sync::till_out::ReadOutbox& read) {
        sync::till_in::OutboxRead out;
        out.after = read.after;
        out.chain_before = chain_at(read.after.value);
        std::size_t bytes = 0;
        Bits128 chain = out.chain_before;
        for (std::int64_t seq = read.after.value + 1;
             seq <= core_->state().last.value && out.events.size() < read.events_max &&
             bytes < read.bytes_max;
             ++seq) {
            out.events.push_back(event(seq));
            bytes += out.events.back().body.size();
            chain = chain_next(chain, out.events.back().body);
            chains_[seq] = chain;
        }
        inputs_.emplace_back(std::move(out));
    }
    void act(const sync::till_out::SaveAck& save) {
        if (save.acked == acked_) return;
        acked_ = save.acked;
        starved_ms_ = std::max(starved_ms_, world_.timeline.now_ms() - progress_at_ms_);
        progress_at_ms_ = world_.timeline.now_ms();
        chains_.erase(chains_.begin(), chains_.lower_bound(acked_.value));
    }
    void act(const sync::till_out::ApplyFeed& feed) {
        level_ = feed.complete;
        inputs_.emplace_back(sync::till_in::FeedApplied{true});
    }
    void act(const sync::till_out::CompareManifest&) { inputs_.emplace_back(sync::till_in::Compared{}); }
    void act(const sync::till_out::ApplyPart&) { inputs_.emplace_back(sync::till_in::FeedApplied{true}); }
    void act(const sync::till_out::NewLife&) {
        world_.fail("I6", "a till that did nothing wrong begins a new life");
    }
    void act(const sync::till_out::SaveCertificate&) {}
    void act(const sync::till_out::Answered&) {}
    void act(const sync::till_out::SetTimer& timer) {
        if (wake_at_ && *wake_at_ <= timer.at) return;
        wake_at_ = timer.at;
        world_.timeline.after(clock_.until_ms(timer.at), [this, at = timer.at] {
            if (wake_at_ != at) return;
            wake_at_.reset();
            feed(sync::till_in::Tick{});
        });
    }
    void act(const sync::till_out::Report&) {}

    [[nodiscard]] sync::Event event(std::int64_t seq) const {
        const auto till = static_cast<std::uint64_t>(number_) + 1;
        return {EventSeq{seq},         EventId{{till, static_cast<std::uint64_t>(seq)}},
                world_begins_ms << 16, static_cast<std::uint32_t>(sync::EventKind::retail_transaction),
                sync::event_schema,    body_};
    }
    [[nodiscard]] Bits128 chain_at(std::int64_t seq) {
        if (seq == 0) return {};
        const auto found = chains_.find(seq);
        if (found != chains_.end()) return found->second;
        Bits128 chain;
        for (std::int64_t i = 0; i < seq; ++i) chain = chain_next(chain, body_);
        return chain;
    }

    World& world_;
    int number_;
    const std::string& body_;
    SeededRandom random_;
    NodeClock clock_;
    std::unique_ptr<sync::TillSync> core_;
    std::deque<sync::TillInput> inputs_;
    std::map<std::int64_t, Bits128> chains_; ///< from what is acknowledged on
    std::optional<MonoTime> wake_at_;
    EventSeq acked_;
    std::int64_t progress_at_ms_{};
    std::int64_t starved_ms_{};
    bool stepping_{false};
    bool level_{false};
};

/// A small sale that the rules accept.
std::string light_sale() {
    crm::RetailTransaction sale;
    sale.key = {StoreId{"S1"}, WorkstationId{"W1"}, BusinessDay{20261121}, "1"};
    sale.begin = sale.end = time_from_ms(world_begins_ms);
    sale.currency = inr;
    crm::LineItem line;
    line.number = 1;
    line.item_id = item_of(1);
    line.unit = "EA";
    line.quantity = Quantity{1000};
    line.amount = Money{price_of(1), inr};
    line.tax = Money{0, inr};
    sale.lines = {line};
    sale.total = line.amount;
    sale.tax_total = Money{0, inr};
    sale.tenders = {{crm::TenderKind::cash, line.amount, {}}};
    return sync::encode(sale);
}

void check(const StormOptions& options, World& world, StormResult& result) {
    const auto tills = static_cast<std::size_t>(options.tills);
    if (result.starved_ms > starved_max_ms) result.broken = "a till starved";
    if (result.requests_max > requests_per_till * tills) result.broken = "requests pile up at the server";
    if (world.server->pulls_max() > tills) result.broken = "pulls pile up at the server";
    const std::int64_t stored = world.server->events_stored();
    if (stored != result.events) result.broken = "the inbox has " + std::to_string(stored) + " events";
}

} // namespace

StormResult run_storm(const StormOptions& options) {
    Swarm swarm;
    swarm.net.delay_ms_max = 40;
    World world({options.seed, 1, 0, false, swarm});
    world.server->only_accept();
    const std::string body = light_sale();
    const std::int64_t sales = std::int64_t{options.hours_away} * options.sales_per_hour;
    StormResult result;
    result.events = sales * options.tills;
    world.server->boot();
    std::vector<std::unique_ptr<LightTill>> tills;
    for (int i = 0; i < options.tills; ++i) {
        tills.push_back(std::make_unique<LightTill>(world, i, sales, body));
        world.ends.push_back(tills.back().get());
        world.server->enrol(tills.back()->identity);
    }
    // All are enrolled before the line comes back.
    world.timeline.run(60'000, world.over());
    const std::int64_t begin = world.timeline.now_ms();
    for (int i = 0; i < options.tills; ++i) {
        tills[static_cast<std::size_t>(i)]->begin();
        world.timeline.after(world.between(0, all_within_ms - 200),
                             [&world, i] { world.network.till_started(i); });
    }
    std::size_t done = 0;
    while (!world.failed() && done < tills.size() && world.timeline.now_ms() < begin + deadline_ms) {
        world.timeline.run(world.timeline.now_ms() + 100, world.over());
        done = static_cast<std::size_t>(
            std::count_if(tills.begin(), tills.end(), [](const auto& till) { return till->done(); }));
        if (done > 0 && result.first_ms == 0) result.first_ms = world.timeline.now_ms() - begin;
    }
    result.simulated_ms = world.timeline.now_ms() - begin;
    for (const auto& till : tills) result.starved_ms = std::max(result.starved_ms, till->starved_ms());
    result.requests_max = world.network.requests_open_max();
    result.pushes_max = world.server->queue_max();
    if (done < tills.size()) result.broken = std::to_string(tills.size() - done) + " tills are not in step";
    if (world.failed()) result.broken = world.outcome.broken;
    if (result.broken.empty()) check(options, world, result);
    return result;
}

} // namespace mudi::sim
