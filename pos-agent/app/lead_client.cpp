#include "lead_client.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include <mudi/base/log.hpp>

namespace mudi::till {
namespace {

using SteadyClock = std::chrono::steady_clock;

tl::unexpected<Error> unreachable() {
    return fail(Code::unavailable, "lead.unreachable", "the store's lead till cannot be reached");
}

} // namespace

LeadClient::LeadClient(boost::asio::io_context& io, Options options)
    : io_(io), options_(options), timer_(io) {}

void LeadClient::stop() {
    timer_.cancel();
    waiting_.clear();
    asked_ = 0;
    hang_up();
}

void LeadClient::ask(const Lead& lead, const sync::Reserve& question, OnAnswer on_answer) {
    if (waiting_.size() >= waiting_max) return on_answer(unreachable());
    if (const auto dialling = dial(lead); !dialling) {
        log::warning("lead.dial", dialling.error());
        return on_answer(unreachable());
    }
    idle_since_ = SteadyClock::now();
    waiting_.push_back({question, std::move(on_answer), SteadyClock::now() + options_.patience});
    pump();
    wake();
}

Status LeadClient::dial(const Lead& lead) {
    if (transport_ && url_ == lead.url) return {};
    // Who waits for the former lead is answered when their time is up.
    hang_up();
    sync::TillTransport::Events events;
    events.link = [this](bool up) {
        up_ = up;
        if (up) pump();
    };
    events.answered = [this](std::uint64_t request, Result<std::string> frame) {
        answered(request, std::move(frame));
    };
    const sync::Post post = [&io = io_](std::function<void()> work) {
        boost::asio::post(io, std::move(work));
    };
    MUDI_TRY(transport_,
             sync::TillTransport::start(lead.url, lead.tls, post, std::move(events), options_.reconnect));
    url_ = lead.url;
    return {};
}

void LeadClient::hang_up() {
    up_ = false;
    if (transport_) {
        transport_->stop();
        // It may be its own callback that has led here.
        boost::asio::post(io_, [ended = std::shared_ptr<sync::TillTransport>(std::move(transport_))] {});
    }
    // Its answer never comes now.
    if (std::exchange(asked_, 0) == 0 || waiting_.empty()) return;
    const Waiting first = std::move(waiting_.front());
    waiting_.pop_front();
    first.on_answer(fail(Code::unavailable, "lead.silent", "the store's lead till is another one now"));
}

/// One after the other: a second request would cancel the first.
void LeadClient::pump() {
    if (!up_ || asked_ != 0 || waiting_.empty()) return;
    const Waiting& first = waiting_.front();
    const auto left = std::chrono::duration_cast<Duration>(first.until - SteadyClock::now());
    if (left <= Duration{0}) return wake();
    asked_ = ++requests_;
    transport_->send(asked_, sync::Channel::ask, sync::encode_question(first.question), left);
}

void LeadClient::answered(std::uint64_t request, Result<std::string> frame) {
    if (request != asked_ || waiting_.empty()) return;
    asked_ = 0;
    const Waiting first = std::move(waiting_.front());
    waiting_.pop_front();
    if (frame) {
        first.on_answer(sync::decode_reserve_answer(*frame));
    } else {
        first.on_answer(fail(Code::unavailable, "lead.silent", "the store's lead till did not answer"));
    }
    pump();
    wake();
}

/// What could not be asked in time, and then the line itself.
void LeadClient::look_at_clock() {
    const auto now = SteadyClock::now();
    while (waiting_.size() > (asked_ != 0 ? 1U : 0U)) {
        const auto at = waiting_.begin() + (asked_ != 0 ? 1 : 0);
        if (at->until > now) break;
        const Waiting late = std::move(*at);
        waiting_.erase(at);
        late.on_answer(unreachable());
    }
    if (waiting_.empty() && transport_ && now >= idle_since_ + options_.hang_up_after) hang_up();
    wake();
}

void LeadClient::wake() {
    if (waiting_.empty() && !transport_) {
        timer_.cancel();
        return;
    }
    const std::size_t first = asked_ != 0 ? 1 : 0;
    auto at = SteadyClock::now() + options_.hang_up_after;
    if (waiting_.size() > first) at = waiting_[first].until;
    timer_.expires_at(at);
    timer_.async_wait([this](boost::system::error_code error) {
        if (!error) look_at_clock();
    });
}

} // namespace mudi::till
