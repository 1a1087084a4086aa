#include <algorithm>
#include <variant>

#include <mudi/base/log.hpp>

#include "sync_driver.hpp"

namespace mudi::till {

void SyncDriver::carry_out(sync::TillAction& action) {
    std::visit([this](auto& each) { act(each); }, action);
}

void SyncDriver::act(sync::till_out::Send& action) {
    last_request_ = std::max(last_request_, requests_before_ + action.request);
    if (action.channel == sync::Channel::pull) last_pull_ = requests_before_ + action.request;
    transport_->send(requests_before_ + action.request, action.channel, std::move(action.frame),
                     action.timeout);
}

void SyncDriver::act(const sync::till_out::Sign& action) {
    sync::till_in::Signed proof;
    if (parts_.identity) proof.signature = parts_.identity->sign(action.text);
    inputs_.push_back(std::move(proof));
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
    auto saved = parts_.replica.save_ack(action);
    // On a full disk the last one that fitted stands: it costs a repeat.
    if (!saved && saved.error().name != "till.disk_pressure") log::error("sync.ack", saved.error());
    look_at_disk();
}

void SyncDriver::tell(const Result<FeedOutcome>& outcome) {
    inputs_.push_back(sync::till_in::FeedApplied{outcome.has_value()});
    look_at_disk();
    if (!outcome) {
        if (outcome.error().code == Code::unavailable)
            return log::info("sync.feed_later", {{"why", outcome.error().name}});
        return log::error("sync.feed", outcome.error());
    }
    if (outcome->skipped > 0)
        log::warning("sync.feed_unread", {{"rows", static_cast<std::int64_t>(outcome->skipped)}});
    parts_.applied(*outcome);
}

void SyncDriver::act(sync::till_out::ApplyFeed& action) {
    const auto outcome = parts_.replica.apply_feed({std::move(action.rows), action.cursor, action.complete});
    tell(outcome);
    if (!outcome) return;
    level_ = action.complete;
    if (level_) is_level();
}

void SyncDriver::act(const sync::till_out::CompareManifest& action) {
    auto differing = parts_.replica.compare(action.manifest);
    if (!differing) log::warning("sync.compare", differing.error());
    look_at_holder();
    inputs_.push_back(differing ? sync::till_in::Compared{*std::move(differing), false}
                                : sync::till_in::Compared{{}, true});
}

void SyncDriver::act(const sync::till_out::ApplyPart& action) { tell(parts_.replica.apply_part(action)); }

void SyncDriver::act(const sync::till_out::NewLife& action) {
    auto life = parts_.replica.begin_new_life();
    if (!life) return log::error("sync.new_life", life.error());
    log::warning("sync.new_life", {{"why", action.why}, {"last", life->last}});
    look_at_holder();
    inputs_.push_back(*life);
}

void SyncDriver::act(const sync::till_out::SaveCertificate& action) {
    if (!parts_.identity) return log::warning("identity.unasked");
    const auto taken = parts_.identity->take(action.pem);
    if (!taken) log::warning("identity.renewed", taken.error());
    if (parts_.identity->certificate_pem() != action.pem) return;
    renewing_ = false;
    log::info("identity.renewed", {{"days_left", parts_.identity->days_left(server_time())}});
    if (server_.tls.ca_pem.empty()) return;
    server_.tls.certificate_pem = action.pem;
    if (const auto renewed = transport_->renew(server_.tls); !renewed)
        log::warning("identity.renewed", renewed.error());
}

void SyncDriver::act(sync::till_out::Answered& action) {
    auto waiting = waiting_.extract(action.id);
    if (!waiting.empty()) waiting.mapped()(std::move(action.answer));
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
    if (action.event == "sync.refused" && action.detail.starts_with("till.")) refused_ = action.detail;
    log::info(action.event, {{"detail", std::string_view(action.detail)}});
}

} // namespace mudi::till
