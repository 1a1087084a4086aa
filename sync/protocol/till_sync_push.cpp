#include <algorithm>

#include <mudi/base/hash.hpp>
#include <mudi/base/mutant.hpp>

#include "till_sync_impl.hpp"

namespace mudi::sync {
namespace {

/// Every repeat of a hello by one that got lost costs a challenge; more in a row are no accident.
constexpr unsigned challenges_at_once_max = 4;
/// A certificate asked for and not given is asked for again with a hello of its own after so long.
constexpr Duration renewal_again{std::chrono::minutes{10}};
constexpr Duration credit_max{std::chrono::minutes{10}};
/// A push of so many sales or more is followed by the whole spacing.
constexpr std::int64_t shared_max = 4;

/// 0 from the server: it sets no limit.
std::size_t stricter(std::size_t ours, std::uint32_t theirs) {
    return theirs == 0 ? ours : std::min<std::size_t>(ours, theirs);
}

} // namespace

void TillSync::Impl::take(const till_in::Captured& captured, TillOut&) {
    state_.last = std::max(state_.last, captured.last);
}

void TillSync::Impl::take(const till_in::HolderChanged& in, TillOut&) {
    state_.holder = in.holder;
    hello_due_ = now_;
}

void TillSync::Impl::take(const till_in::Renew& in, TillOut&) {
    renewal_ = in.certificate_request;
    said_renewal_ = false;
    hello_due_ = now_;
}

bool TillSync::Impl::push_is_idle() const {
    return !push_.flight && !signing_ && reading_ == Reading::nothing;
}

std::size_t TillSync::Impl::events_per_push() const {
    return stricter(limits_.events_per_push_max, server_.events_max);
}

// ---- hello ----

void TillSync::Impl::compose_hello() {
    TillHello hello;
    hello.till = state_.till;
    hello.store = state_.store;
    hello.workstation = state_.workstation;
    hello.incarnation = state_.incarnation;
    hello.last = state_.last;
    hello.wall = wall_;
    hello.schema = event_schema;
    hello.acked = state_.acked;
    hello.ack_generation = state_.ack_generation;
    hello.cursor = state_.cursor;
    hello.version = state_.version;
    hello.certificate_request = renewal_;
    hello.holder = state_.holder;
    hello.machine = state_.machine;
    hello.lead_url = state_.lead_url;
    hello.on_hold = on_hold_;
    said_holder_ = state_.holder;
    said_renewal_ = !renewal_.empty();
    hello_fields_ = hello_fields(hello);
}

void TillSync::Impl::say_hello(TillOut& out) {
    compose_hello();
    send(push_, Question::hello, hello_frame(hello_fields_, {}), out);
}

void TillSync::Impl::answered(const Challenge& challenge, TillOut& out) {
    if (++challenges_ > challenges_at_once_max) {
        out.push_back(till_out::Report{"sync.bad_answer", "the server goes on asking for a signature"});
        challenges_ = 0;
        return come_again(push_);
    }
    // Anew: the server takes what it says for true after the challenge.
    compose_hello();
    signing_ = true;
    out.push_back(till_out::Sign{signed_text(challenge.nonce, hello_fields_)});
}

void TillSync::Impl::take(const till_in::Signed& in, TillOut& out) {
    if (!signing_) return;
    signing_ = false;
    if (in.signature.empty()) {
        out.push_back(till_out::Report{"sync.no_key", "the hello could not be signed"});
        return come_again(push_);
    }
    send(push_, Question::hello, hello_frame(hello_fields_, in.signature), out);
}

void TillSync::Impl::answered(const Flight& flight, HelloAnswer answer, TillOut& out) {
    challenges_ = 0;
    sent_ahead_ = {};
    if (answer.generation != server_.generation) forget_inexact_cursor();
    server_ = std::move(answer);
    standing_ = {server_.mark, server_.safe, server_.arrival};
    // Half of the way there and back is the best guess of when the server looked at its clock.
    server_clock_ahead_ = server_.wall - (flight.sent_wall + (wall_ - flight.sent_wall) / 2);
    if (learned_ && learned_->fingerprint() != server_.dictionary) learned_.reset();
    const std::string certificate = std::exchange(server_.certificate, {});
    if (!certificate.empty()) {
        renewal_.clear();
        out.push_back(till_out::SaveCertificate{certificate});
    }
    const auto spread =
        static_cast<std::uint64_t>(std::max<std::int64_t>(limits_.hello_every.count() / 4, 1));
    hello_due_ = now_ + limits_.hello_every - Duration{static_cast<std::int64_t>(random_.below(spread))};
    if (!renewal_.empty()) hello_due_ = std::min(hello_due_, now_ + renewal_again);
    // What came up while that hello was under way is told at once.
    if (said_holder_ != state_.holder || (!renewal_.empty() && !said_renewal_)) hello_due_ = now_;
    if (server_.mark.seq > state_.last)
        return begin_new_life("the server has more of this life than we do", out);
    read_outbox(Reading::to_verify, server_.mark.seq, out);
}

void TillSync::Impl::read_outbox(Reading reading, EventSeq after, TillOut& out) {
    reading_ = reading;
    read_after_ = after;
    out.push_back(till_out::ReadOutbox{after, events_per_push(),
                                       stricter(limits_.bytes_per_push_max, server_.bytes_max)});
}

void TillSync::Impl::take(const till_in::OutboxRead& in, TillOut& out) {
    if (reading_ == Reading::nothing || in.after != read_after_) return;
    const Reading reading = std::exchange(reading_, Reading::nothing);
    if (in.failed) {
        // A hello is not through before its mark is verified.
        if (reading == Reading::to_verify) unlink();
        return come_again(push_);
    }
    if (reading == Reading::to_verify) return verified(in, out);
    const bool reaches_back = !in.events.empty() && in.events.front().seq.value == in.after.value + 1;
    if (!reaches_back) return come_again(push_);
    push(in, out);
}

void TillSync::Impl::verified(const till_in::OutboxRead& in, TillOut& out) {
    const bool wanted = in.after < state_.last;
    const bool reaches_back = !in.events.empty() && in.events.front().seq.value == in.after.value + 1;
    if (wanted && !reaches_back)
        return begin_new_life("what is kept does not reach back to the server's mark", out);
    if (in.chain_before != standing_.mark.chain)
        return begin_new_life("the server has another history of this life", out);
    const bool anew = !std::exchange(linked_, true);
    acknowledge(in.after, standing_.safe, standing_.arrival, out);
    if (anew) out.push_back(till_out::Report{"sync.linked", {}});
    push_.failures = wanted ? std::min(push_.failures, 1u) : 0;
    if (wanted) push(in, out);
}

void TillSync::Impl::hello_again() {
    unlink();
    // At once, unless the last hello has led here without any event acknowledged in between.
    if (push_.failures == 0) {
        push_.failures = 1;
        push_.not_before = now_;
    } else {
        come_again(push_);
    }
}

// ---- push ----

void TillSync::Impl::push(const till_in::OutboxRead& read, TillOut& out) {
    HighWater after{read.after, read.chain_before};
    for (const Event& event : read.events) {
        if (event.seq.value != after.seq.value + 1)
            return come_again(push_); // a reader that skips: not sent, tried again
        after = {event.seq, chain_next(after.chain, event.body)};
    }
    const PushedBatch batch{state_.till, state_.incarnation, read.chain_before, read.events};
    send(push_, Question::push, encode(batch, learned_ ? &*learned_ : nullptr), out, after);
}

void TillSync::Impl::answered(const Flight& flight, const PushAnswer& answer, TillOut& out) {
    const HighWater& mark = answer.mark;
    if (answer.generation != server_.generation || mark != flight.after) {
        // Restored, or somebody else speaks for this till: the hello finds out which.
        return hello_again();
    }
    push_.failures = 0;
    push_.not_before = now_ + std::min(answer.not_before, credit_max);
    const std::int64_t shared = std::clamp<std::int64_t>(mark.seq.value - state_.acked.value, 1, shared_max);
    acknowledge(mark.seq, answer.safe, answer.arrival, out);
    // The more sales a push had, the longer the next is spaced: at a rush they share one round trip and one
    // commit at the server. A lone sale never waits, one close behind it a moment, a backlog not at all.
    const auto full = static_cast<std::int64_t>(events_per_push());
    if (state_.last.value - state_.acked.value >= full) return;
    push_.not_before = std::max(push_.not_before, flight.sent + limits_.push_spacing * shared / shared_max);
}

void TillSync::Impl::acknowledge(EventSeq acked, EventSeq safe, std::int64_t arrival, TillOut& out) {
    if (state_.acked == acked && state_.safe == safe && state_.ack_generation == server_.generation) return;
    state_.acked = acked;
    state_.safe = safe;
    state_.ack_generation = server_.generation;
    out.push_back(till_out::SaveAck{acked, server_.generation, safe, arrival});
}

// ---- new life ----

void TillSync::Impl::begin_new_life(std::string_view why, TillOut& out) {
    unlink();
    new_life_ = why;
    come_again(push_);
    out.push_back(till_out::Report{"sync.fork", std::string(why)});
    out.push_back(till_out::NewLife{why});
}

void TillSync::Impl::take(const till_in::LifeBegun& in, TillOut&) {
    if (!new_life_) return;
    new_life_.reset();
    state_.incarnation = in.incarnation;
    state_.last = in.last;
    state_.acked = {};
    state_.safe = {};
    sent_ahead_ = {};
    // The first new life says hello at once; one that leads to another at once would be a driver that does
    // not change anything.
    if (push_.failures <= 1) push_.not_before = now_;
}

} // namespace mudi::sync
