#include "sync_driver.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include <boost/asio/post.hpp>

#include <mudi/base/log.hpp>

namespace mudi::till {
namespace {

/// Sales stay so long for returns and voids while the disk has room; events_kept_min when it has not.
constexpr auto keep_for = std::chrono::hours{24 * 400};
constexpr std::int64_t prune_step = 500;
constexpr std::chrono::seconds prune_next{1};
constexpr Duration silent_after{std::chrono::minutes{1}};

} // namespace

Result<std::unique_ptr<SyncDriver>> SyncDriver::start(Parts parts, Server server) {
    std::unique_ptr<SyncDriver> driver(new SyncDriver(std::move(parts), std::move(server)));
    const Rhythm& rhythm = driver->parts_.rhythm;
    driver->later(driver->prune_timer_, rhythm.prune_first, &SyncDriver::prune);
    driver->later(driver->relief_timer_, rhythm.relief_every, &SyncDriver::relieve);
    driver->look_at_disk();
    if (driver->server_.url.empty()) return driver;
    driver->look_at_certificate();
    SyncDriver* raw = driver.get();
    sync::TillTransport::Events events;
    events.link = [raw](bool up) { raw->link(up); };
    events.answered = [raw](std::uint64_t request, Result<std::string> frame) {
        raw->answered(request, std::move(frame));
    };
    const sync::Post post = [&io = raw->parts_.io](std::function<void()> work) {
        boost::asio::post(io, std::move(work));
    };
    MUDI_TRY(driver->transport_, sync::TillTransport::start(driver->server_.url, driver->server_.tls, post,
                                                            std::move(events), driver->server_.reconnect));
    return driver;
}

SyncDriver::SyncDriver(Parts parts, Server server)
    : parts_(std::move(parts)), server_(std::move(server)),
      sync_(std::make_unique<sync::TillSync>(parts_.replica.state(), server_.limits, parts_.random)),
      timer_(parts_.io), prune_timer_(parts_.io), relief_timer_(parts_.io), certificate_timer_(parts_.io),
      down_since_(parts_.clock.mono()) {}

void SyncDriver::stop() {
    stopped_ = true;
    waiting_.clear();
    if (transport_) transport_->stop();
    for (auto* timer : {&timer_, &prune_timer_, &relief_timer_, &certificate_timer_}) timer->cancel();
}

void SyncDriver::captured(EventSeq last) {
    look_at_disk();
    // A new life may have numbered what is kept anew since it was captured.
    if (transport_) feed(sync::till_in::Captured{std::min(last, parts_.replica.state().last)});
}

void SyncDriver::ask(const sync::Reserve& question, OnAnswer on_answer) {
    if (!transport_)
        return on_answer(fail(Code::unavailable, "server.unreachable", "the till works without a server"));
    waiting_.emplace(++asked_, std::move(on_answer));
    feed(sync::till_in::Ask{asked_, question});
}

LinkFacts SyncDriver::facts() const {
    LinkFacts facts{linked_, last_contact_, sync_->server_clock_ahead(), std::nullopt, refused_};
    if (parts_.identity) facts.certificate_days = parts_.identity->days_left(server_time());
    return facts;
}

/// Certificates are valid by the server's clock; ours may lie.
Time SyncDriver::server_time() const {
    return parts_.clock.wall() + sync_->server_clock_ahead().value_or(Duration{0});
}

void SyncDriver::answered(std::uint64_t request, Result<std::string> frame) {
    if (request <= requests_before_) return;
    const std::uint64_t own = request - requests_before_;
    if (!frame) return feed(sync::till_in::NoAnswer{own});
    last_contact_ = parts_.clock.wall();
    feed(sync::till_in::Answer{own, *std::move(frame)});
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
    if (stopped_) return;
    inputs_.push_back(std::move(input));
    step_all();
}

void SyncDriver::step_all() {
    if (stepping_ || inputs_.empty()) return;
    stepping_ = true;
    while (!inputs_.empty()) {
        const sync::TillInput next = std::move(inputs_.front());
        inputs_.pop_front();
        actions_.clear();
        if (parts_.on_hold) sync_->on_hold(parts_.on_hold(parts_.replica.state().holder));
        sync_->step(parts_.clock.mono(), parts_.clock.wall(), next, actions_);
        for (sync::TillAction& action : actions_) carry_out(action);
    }
    stepping_ = false;
    look_at_link();
}

void SyncDriver::link(bool up) {
    link_up_ = up;
    if (!up) down_since_ = parts_.clock.mono();
    if (up) renew_if_due(); // the first hello takes it along
    feed(up ? sync::TillInput{sync::till_in::LinkUp{}} : sync::till_in::LinkDown{});
}

void SyncDriver::look_at_link() {
    if (sync_->linked() == linked_) return;
    linked_ = sync_->linked();
    if (linked_) refused_.clear();
    if (!linked_) level_ = false;
    parts_.seen(linked_, level_at_);
    if (linked_) renew_if_due(); // now the server's clock is known
}

/// The store knows another place in the feed than the TillSync that wrote it there.
void SyncDriver::start_sync_anew() {
    requests_before_ = last_request_;
    wake_at_.reset();
    timer_.cancel();
    inputs_.clear();
    renewing_ = false;
    sync_ = std::make_unique<sync::TillSync>(parts_.replica.state(), server_.limits, parts_.random);
    for (auto& [id, on_answer] : std::exchange(waiting_, {}))
        on_answer(fail(Code::unavailable, "server.unreachable", "the conversation begins anew"));
    look_at_link();
    if (link_up_) feed(sync::till_in::LinkUp{});
}

void SyncDriver::later(boost::asio::steady_timer& timer, Rhythm::Wait wait, Work work) {
    timer.expires_after(wait);
    timer.async_wait([this, work](boost::system::error_code error) {
        if (!error && !stopped_) (this->*work)();
    });
}

/// In steps, so that a till that was off for a year still serves its first customer at once.
void SyncDriver::prune() {
    const auto gone = parts_.replica.prune(parts_.clock.wall() - keep_for);
    if (!gone) log::warning("store.prune", gone.error());
    const bool more = gone && *gone >= prune_step;
    later(prune_timer_, more ? prune_next : parts_.rhythm.prune_every, &SyncDriver::prune);
}

void SyncDriver::relieve() {
    const auto relief = parts_.replica.relieve(parts_.clock.wall());
    if (!relief) log::warning("disk.relief", relief.error());
    if (relief && relief->resume) start_sync_anew();
    if (transport_) {
        look_at_holder();
        step_all();
    }
    look_at_disk();
    tell_of_silence();
    Rhythm::Wait wait =
        pressure_ == Pressure::none ? parts_.rhythm.relief_every : parts_.rhythm.relief_pressed;
    if (relief && relief->dropped > 0) wait = parts_.rhythm.relief_step;
    later(relief_timer_, wait, &SyncDriver::relieve);
}

/// A full disk is noticed by whoever writes; what is to be done about it is done here.
void SyncDriver::look_at_disk() {
    const Pressure now = parts_.replica.counts().pressure;
    if (now == pressure_) return;
    const bool new_pressure = pressure_ == Pressure::none;
    pressure_ = now;
    if (now == Pressure::none) return log::info("disk.has_room_again");
    log::warning("disk.pressure", {{"step", to_string(now)}});
    if (new_pressure) later(relief_timer_, parts_.rhythm.relief_step, &SyncDriver::relieve);
}

/// The store may have begun another memory of rights.
void SyncDriver::look_at_holder() {
    const RightsHolder holder = parts_.replica.state().holder;
    if (holder != sync_->state().holder) inputs_.push_back(sync::till_in::HolderChanged{holder});
}

void SyncDriver::look_at_certificate() {
    if (!parts_.identity) return;
    later(certificate_timer_, parts_.rhythm.certificate_every, &SyncDriver::look_at_certificate);
    renew_if_due();
    tell_of_expiry();
}

void SyncDriver::renew_if_due() {
    if (!parts_.identity || renewing_ || !parts_.identity->is_due(server_time())) return;
    auto request = parts_.identity->request();
    if (!request) return log::warning("identity.request", request.error());
    log::info("identity.renewing", {{"days_left", parts_.identity->days_left(server_time())}});
    renewing_ = true;
    feed(sync::till_in::Renew{*std::move(request)});
}

/// The transport dials for ever and cannot say what is in the way.
void SyncDriver::tell_of_silence() {
    const bool silent = transport_ && !link_up_ && parts_.clock.mono() - down_since_ >= silent_after;
    if (silent == std::exchange(silent_, silent) || !silent) return;
    log::warning("server.away",
                 {{"server", server_.url},
                  {"text", "no connection for a minute: is the network there, the server's address right, "
                           "this machine's clock set, and the server the one this till was enrolled with?"}});
}

/// A server that is reached renews it whatever day it is; over TLS it is not reached any more.
void SyncDriver::tell_of_expiry() {
    const bool expired = !linked_ && parts_.identity->days_left(server_time()) < 0;
    if (expired == std::exchange(expired_, expired) || !expired) return;
    log::warning(
        "identity.expired",
        {{"ended", format_time(parts_.identity->not_after())},
         {"text", "set the clock if it is wrong; else make a code on the server (mudi server till "
                  "code NUMBER) and enrol anew with it (mudi till enrol --again): no sale is lost"}});
}

} // namespace mudi::till
