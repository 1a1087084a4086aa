#include "sync_driver.hpp"

#include <algorithm>
#include <variant>

#include <boost/asio/post.hpp>

#include <mudi/base/log.hpp>

namespace mudi::till {
namespace {

/// Acknowledged sales stay so long for returns and voids.
constexpr auto keep_for = std::chrono::hours{24 * 400};
constexpr auto prune_every = std::chrono::hours{6};
constexpr std::int64_t prune_step = 500;

} // namespace

Result<std::unique_ptr<SyncDriver>> SyncDriver::start(Parts parts, const std::string& url,
                                                      const sync::TlsClient& tls) {
    std::unique_ptr<SyncDriver> driver(new SyncDriver(std::move(parts)));
    driver->prune_later(std::chrono::minutes{1});
    if (url.empty()) return driver;
    SyncDriver* raw = driver.get();
    sync::TillTransport::Events events;
    events.link = [raw](bool up) {
        raw->feed(up ? sync::TillInput{sync::till_in::LinkUp{}} : sync::till_in::LinkDown{});
    };
    events.answered = [raw](std::uint64_t request, Result<std::string> frame) {
        raw->answered(request, std::move(frame));
    };
    const sync::Post post = [&io = raw->parts_.io](std::function<void()> work) {
        boost::asio::post(io, std::move(work));
    };
    MUDI_TRY(driver->transport_, sync::TillTransport::start(url, tls, post, std::move(events)));
    return driver;
}

SyncDriver::SyncDriver(Parts parts)
    : parts_(std::move(parts)), sync_(parts_.replica.state(), {}, parts_.random), timer_(parts_.io),
      prune_timer_(parts_.io) {}

void SyncDriver::stop() {
    if (transport_) transport_->stop();
    timer_.cancel();
    prune_timer_.cancel();
}

void SyncDriver::captured(EventSeq last) {
    if (transport_) feed(sync::till_in::Captured{last});
}

LinkFacts SyncDriver::facts() const { return {linked_, last_contact_, sync_.server_clock_ahead()}; }

void SyncDriver::answered(std::uint64_t request, Result<std::string> frame) {
    if (!frame) return feed(sync::till_in::NoAnswer{request});
    last_contact_ = parts_.clock.wall();
    feed(sync::till_in::Answer{request, *std::move(frame)});
    // A long poll that comes back without news says "still level".
    if (request == last_pull_ && level_ && linked_) is_level();
}

void SyncDriver::is_level() {
    level_at_ = parts_.clock.wall();
    parts_.seen(linked_, level_at_);
}

/// Inputs that arise while actions are carried out (an outbox read) are stepped in the same turn, one after
/// the other.
void SyncDriver::feed(sync::TillInput input) {
    inputs_.push_back(std::move(input));
    if (stepping_) return;
    stepping_ = true;
    while (!inputs_.empty()) {
        const sync::TillInput next = std::move(inputs_.front());
        inputs_.pop_front();
        actions_.clear();
        sync_.step(parts_.clock.mono(), parts_.clock.wall(), next, actions_);
        for (sync::TillAction& action : actions_) carry_out(action);
    }
    stepping_ = false;
    look_at_link();
}

void SyncDriver::carry_out(sync::TillAction& action) {
    std::visit([this](auto& each) { act(each); }, action);
}

void SyncDriver::act(sync::till_out::Send& action) {
    if (action.channel == sync::Channel::pull) last_pull_ = action.request;
    transport_->send(action.request, action.channel, std::move(action.frame), action.timeout);
}

void SyncDriver::act(const sync::till_out::ReadOutbox& action) {
    auto read = parts_.replica.read_outbox(action.after, {action.events_max, action.bytes_max});
    if (read) {
        inputs_.push_back(*std::move(read));
        return;
    }
    log::warning("sync.outbox", read.error());
    sync::till_in::OutboxRead nothing;
    nothing.after = action.after;
    nothing.failed =
        read.error().name != "outbox.pruned"; // pruned: an empty answer says that it lies too far back
    inputs_.push_back(std::move(nothing));
}

void SyncDriver::act(const sync::till_out::SaveAck& action) {
    if (auto saved = parts_.replica.save_ack(action.acked, action.generation); !saved)
        log::error("sync.ack", saved.error());
}

void SyncDriver::act(sync::till_out::ApplyFeed& action) {
    FeedBatch batch{std::move(action.rows), action.cursor, action.replace, action.complete, std::nullopt};
    auto outcome = parts_.replica.apply_feed(batch);
    inputs_.push_back(sync::till_in::FeedApplied{outcome.has_value()});
    if (!outcome) return log::error("sync.feed", outcome.error());
    if (outcome->skipped > 0)
        log::warning("sync.feed_skipped", {{"rows", static_cast<std::int64_t>(outcome->skipped)}});
    parts_.applied(*outcome);
    level_ = action.complete;
    if (level_) is_level();
}

void SyncDriver::act(const sync::till_out::NewLife& action) {
    auto life = parts_.replica.begin_new_life();
    if (!life) return log::error("sync.new_life", life.error());
    log::warning("sync.new_life", {{"why", action.why}, {"last", life->last}});
    inputs_.push_back(*life);
}

void SyncDriver::act(const sync::till_out::SetTimer& action) {
    // An earlier wake-up that is still out stands: one Tick too many does no harm, one too few would.
    if (wake_at_ && *wake_at_ <= action.at) return;
    wake_at_ = action.at;
    timer_.expires_after(std::max<Duration>(action.at - parts_.clock.mono(), Duration{0}));
    timer_.async_wait([this](boost::system::error_code error) {
        if (error) return;
        wake_at_.reset();
        feed(sync::till_in::Tick{});
    });
}

void SyncDriver::act(const sync::till_out::Report& action) {
    log::info(action.event, {{"detail", std::string_view(action.detail)}});
}

void SyncDriver::look_at_link() {
    if (sync_.linked() == linked_) return;
    linked_ = sync_.linked();
    if (!linked_) level_ = false;
    parts_.seen(linked_, level_at_);
}

/// In steps, so that a till that was off for a year still serves its first customer at once.
void SyncDriver::prune() {
    const auto gone = parts_.replica.prune(parts_.clock.wall() - keep_for);
    if (!gone) log::warning("store.prune", gone.error());
    prune_later(gone && *gone >= prune_step ? std::chrono::steady_clock::duration{std::chrono::seconds{1}}
                                            : prune_every);
}

void SyncDriver::prune_later(std::chrono::steady_clock::duration wait) {
    prune_timer_.expires_after(wait);
    prune_timer_.async_wait([this](boost::system::error_code error) {
        if (!error) prune();
    });
}

} // namespace mudi::till
