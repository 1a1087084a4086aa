#include "till_sync_impl.hpp"

#include <algorithm>

#include <mudi/base/mutant.hpp>

namespace mudi::sync {
namespace {

/// Beyond the transport's own time-out.
constexpr Duration give_up_slack{std::chrono::seconds{5}};
/// The server may ask for patience, not for ever.
constexpr Duration patience_max{std::chrono::minutes{10}};

} // namespace

TillSync::TillSync(TillState state, TillLimits limits, Random& random)
    : impl_(std::make_unique<Impl>(std::move(state), limits, random)) {}
TillSync::~TillSync() = default;

void TillSync::step(MonoTime now, Time wall, const TillInput& input, std::vector<TillAction>& out) {
    impl_->now_ = now;
    impl_->wall_ = wall;
    std::visit([&](const auto& in) { impl_->take(in, out); }, input);
    impl_->run(out);
    impl_->arm(out);
}

void TillSync::on_hold(OnHold holds) { impl_->on_hold_ = holds; }
const TillState& TillSync::state() const { return impl_->state_; }
bool TillSync::linked() const { return impl_->linked_; }
std::int64_t TillSync::unsent() const { return impl_->state_.last.value - impl_->state_.acked.value; }
std::optional<Duration> TillSync::server_clock_ahead() const { return impl_->server_clock_ahead_; }

// ---- the link and its requests ----

void TillSync::Impl::take(const till_in::LinkUp&, TillOut& out) {
    drop_link(out);
    link_ = true;
    level_ = false;
    // The transport has waited between its attempts: no second wait here.
    push_.not_before = now_;
    pull_.not_before = now_;
}

void TillSync::Impl::take(const till_in::LinkDown&, TillOut& out) { drop_link(out); }

void TillSync::Impl::drop_link(TillOut& out) {
    link_ = false;
    unlink();
    push_.flight.reset();
    pull_.flight.reset();
    if (ask_.flight) unanswered(ask_, out);
    reading_ = Reading::nothing;
    signing_ = false;
    challenges_ = 0;
}

/// What was begun under the last hello does not go on under the next.
void TillSync::Impl::unlink() {
    linked_ = false;
    level_ = false; // until the server that answers next says so
    mending_.reset();
}

void TillSync::Impl::take(const till_in::Answer& in, TillOut& out) {
    for (Lane* lane : {&push_, &pull_, &ask_}) {
        if (!lane->flight || lane->flight->request != in.request) continue;
        const Flight flight = *std::exchange(lane->flight, std::nullopt);
        Result<AnswerFrame> answer = decode_answer(in.frame);
        if (answer) return answered(flight, *std::move(answer), out);
        bad_answer(*lane, answer.error().name, out);
        if (answer.error().name == "wire.version") come_again(*lane, limits_.retry_max);
        return;
    }
    // Of a request given up since.
}

void TillSync::Impl::answered(const Flight& flight, AnswerFrame answer, TillOut& out) {
    const Question asked = flight.question;
    if (const auto* refusal = std::get_if<Refusal>(&answer)) return refused(asked, *refusal, out);
    if (auto* hello = std::get_if<HelloAnswer>(&answer); hello && asked == Question::hello)
        return answered(flight, std::move(*hello), out);
    if (const auto* challenge = std::get_if<Challenge>(&answer); challenge && asked == Question::hello)
        return answered(*challenge, out);
    if (const auto* pushed = std::get_if<PushAnswer>(&answer); pushed && asked == Question::push)
        return answered(flight, *pushed, out);
    auto* pulled = std::get_if<PullAnswer>(&answer);
    if (pulled && asked == Question::changes) return answered_changes(flight, std::move(*pulled), out);
    if (pulled && asked == Question::part) return answered_part(std::move(*pulled), out);
    if (const auto* points = std::get_if<ReserveAnswer>(&answer); points && asked == Question::points)
        return answer_question(*points, out);
    const bool about_feed = asked == Question::changes || asked == Question::part;
    bad_answer(about_feed                  ? pull_
               : asked == Question::points ? ask_
                                           : push_,
               "an answer to another question", out);
}

void TillSync::Impl::bad_answer(Lane& lane, std::string what, TillOut& out) {
    out.push_back(till_out::Report{"sync.bad_answer", std::move(what)});
    unanswered(lane, out);
}

void TillSync::Impl::take(const till_in::NoAnswer& in, TillOut& out) {
    for (Lane* lane : {&push_, &pull_, &ask_}) {
        if (lane->flight && lane->flight->request == in.request) unanswered(*lane, out);
    }
}

void TillSync::Impl::unanswered(Lane& lane, TillOut& out) {
    if (lane.channel == Channel::ask)
        return answer_question(fail(Code::unavailable, "server.unreachable", "the server did not answer"),
                               out);
    if (mutant::planted(mutant::Bug::gap_accepted) && lane.flight && lane.flight->question == Question::push)
        sent_ahead_ = lane.flight->after.seq;
    if (mutant::planted(mutant::Bug::ack_ahead) && lane.flight && lane.flight->question == Question::push)
        acknowledge(lane.flight->after.seq, state_.safe, 0, out);
    lane.flight.reset();
    come_again(lane);
}

void TillSync::Impl::refused(Question question, const Refusal& refusal, TillOut& out) {
    const bool about_feed = question == Question::changes || question == Question::part;
    Lane& lane = about_feed ? pull_ : push_;
    const bool pushed = question == Question::push;
    if (pushed && refusal.name == "sync.fork")
        return begin_new_life("the server has another history of this life", out);
    if (pushed && refusal.name == "sync.gap") return hello_again();
    if (pushed && refusal.name == "wire.dictionary" && learned_) {
        learned_.reset(); // packed anew with the built-in one, at once
        return;
    }
    out.push_back(till_out::Report{"sync.refused", refusal.name});
    if (question == Question::points) answer_question(fail(Code::denied, refusal.name, refusal.text), out);
    if (refusal.name.starts_with("till.")) unlink();
    if (question == Question::points) return;
    const bool for_long = refusal.name == "wire.version" || refusal.name == "till.revoked";
    // A server that says when it has room is taken at its word: backing off as well would let those who come
    // sooner have all of it.
    if (refusal.name == "server.busy" && refusal.retry_after > Duration{0}) lane.failures = 0;
    come_again(lane, for_long ? limits_.retry_max : refusal.retry_after);
}

void TillSync::Impl::take(const till_in::Tick&, TillOut& out) {
    armed_.reset();
    for (Lane* lane : {&push_, &pull_, &ask_}) give_up_late(*lane, out);
}

// ---- what to do next ----

void TillSync::Impl::run(TillOut& out) {
    if (new_life_ && now_ >= push_.not_before) {
        come_again(push_);
        out.push_back(till_out::NewLife{*new_life_});
        return;
    }
    if (!link_) return;
    if (push_is_idle() && !new_life_ && now_ >= push_.not_before) {
        if (hello_is_due()) {
            say_hello(out);
        } else if (state_.acked < state_.last) {
            read_outbox(Reading::to_push, std::max(state_.acked, sent_ahead_), out);
        }
    }
    const bool pull_is_idle = !pull_.flight && !applying_ && (!mending_ || !mending_->waits_for_compared);
    if (linked_ && pull_is_idle && now_ >= pull_.not_before) pull(out);
}

void TillSync::Impl::send(Lane& lane, Question question, std::string frame, TillOut& out, HighWater after) {
    Duration timeout = lane.channel == Channel::pull ? limits_.pull_timeout : limits_.push_timeout;
    Duration slack = give_up_slack;
    if (lane.channel == Channel::ask) {
        timeout = limits_.ask_timeout; // a customer waits
        slack = Duration{0};
    }
    lane.flight = Flight{++last_request_, question, now_, wall_, now_ + timeout + slack, after};
    out.push_back(till_out::Send{last_request_, lane.channel, std::move(frame), timeout});
}

void TillSync::Impl::come_again(Lane& lane, Duration at_least) {
    Duration delay = limits_.retry_min;
    for (unsigned i = 0; i < lane.failures && delay < limits_.retry_max; ++i) delay *= 2;
    if (lane.failures < 1000) ++lane.failures;
    delay = std::max<Duration>(std::min(delay, limits_.retry_max), std::min(at_least, patience_max));
    // Between half and all of it, so that tills that fell together do not rise together.
    const auto half = static_cast<std::uint64_t>(std::max<std::int64_t>(delay.count() / 2, 1));
    lane.not_before = now_ + delay - Duration{static_cast<std::int64_t>(random_.below(half))};
}

void TillSync::Impl::give_up_late(Lane& lane, TillOut& out) {
    if (lane.flight && now_ >= lane.flight->give_up) unanswered(lane, out);
}

void TillSync::Impl::arm(TillOut& out) {
    std::optional<MonoTime> next;
    const auto earliest = [&](MonoTime at) { next = next ? std::min(*next, at) : at; };
    for (const Lane* lane : {&push_, &pull_, &ask_}) {
        if (lane->flight) {
            earliest(lane->flight->give_up);
        } else if (lane->not_before > now_ && (link_ || new_life_)) {
            earliest(lane->not_before);
        }
    }
    if (linked_ && !push_.flight && hello_due_ > now_) earliest(hello_due_);
    if (!next || armed_ == next) return;
    armed_ = next;
    out.push_back(till_out::SetTimer{*next});
}

} // namespace mudi::sync
