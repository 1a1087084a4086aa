#include <mudi/sync/till_sync.hpp>

#include <algorithm>

#include <mudi/base/hash.hpp>

#include "frames.hpp"

namespace mudi::sync {
namespace {

enum class Question : std::uint8_t { hello, push, pull };

/// A request under way.
struct Flight {
    std::uint64_t request{};
    Question question{};
    MonoTime sent;
    Time sent_wall;
    MonoTime give_up; ///< should even the transport's time-out not come
    HighWater after;  ///< of a push: the mark the server must come to
};

/// One channel: what is under way, and when the next may go out.
struct Lane {
    std::optional<Flight> flight;
    MonoTime not_before{};
    unsigned failures{};
};

/// What the answer to ReadOutbox is wanted for.
enum class Reading : std::uint8_t { nothing, to_verify, to_push };

/// Beyond the transport's own time-out.
constexpr Duration give_up_slack{std::chrono::seconds{5}};
/// The server may ask for patience, not for ever.
constexpr Duration patience_max{std::chrono::minutes{10}};

using Out = std::vector<TillAction>;

/// 0 from the server: it sets no limit.
std::size_t stricter(std::size_t ours, std::uint32_t theirs) {
    return theirs == 0 ? ours : std::min<std::size_t>(ours, theirs);
}

} // namespace

struct TillSync::Impl {
    Impl(TillState state, TillLimits bounds, Random& source)
        : state_(std::move(state)), limits_(bounds), random_(source) {}

    void take(const till_in::LinkUp&, Out&);
    void take(const till_in::LinkDown&, Out&);
    void take(const till_in::Captured&, Out&);
    void take(const till_in::Answer&, Out&);
    void take(const till_in::NoAnswer&, Out&);
    void take(const till_in::OutboxRead&, Out&);
    void take(const till_in::FeedApplied&, Out&);
    void take(const till_in::LifeBegun&, Out&);
    void take(const till_in::Tick&, Out&);

    void answered(const Flight& flight, const HelloAnswer& answer, Out& out);
    void answered(const Flight& flight, const PushAnswer& answer, Out& out);
    void answered(const Flight& flight, PullAnswer answer, Out& out);
    void refused(Question question, const Refusal& refusal, Out& out);

    void run(Out& out);
    void send(Lane& lane, Question question, std::string frame, Out& out, HighWater after = {});
    void say_hello(Out& out);
    void read_outbox(Reading reading, EventSeq after, Out& out);
    [[nodiscard]] std::size_t events_per_push() const {
        return stricter(limits_.events_per_push_max, server_.events_max);
    }
    void push(const till_in::OutboxRead& read, Out& out);
    void pull(Out& out);
    void acknowledge(EventSeq acked, Out& out);
    void begin_new_life(std::string_view why, Out& out);
    void come_again(Lane& lane, Duration at_least = {});
    void hello_again();
    void give_up_late(Lane& lane);
    void arm(Out& out);

    TillState state_;
    TillLimits limits_;
    Random& random_;
    MonoTime now_{};
    Time wall_{};

    bool link_{false};
    bool linked_{false}; ///< hello answered, histories agree
    bool level_{false};  ///< reported since the link came
    Lane push_;
    Lane pull_;
    std::uint64_t last_request_{};
    Reading reading_{Reading::nothing};
    EventSeq read_after_{};
    std::optional<std::string_view> new_life_; ///< asked for, because of this
    std::optional<FeedCursor> applying_;
    bool applying_completes_{false};

    HelloAnswer server_; ///< its last hello
    std::optional<Duration> server_clock_ahead_;
    std::optional<Dictionary> learned_;
    std::optional<MonoTime> armed_;
};

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

const TillState& TillSync::state() const { return impl_->state_; }
bool TillSync::linked() const { return impl_->linked_; }
std::int64_t TillSync::unsent() const { return impl_->state_.last.value - impl_->state_.acked.value; }
std::optional<Duration> TillSync::server_clock_ahead() const { return impl_->server_clock_ahead_; }

// ---- inputs ----

void TillSync::Impl::take(const till_in::LinkUp&, Out&) {
    link_ = true;
    linked_ = false;
    level_ = false;
    // The transport has waited between its attempts: no second wait here.
    for (Lane* lane : {&push_, &pull_}) {
        lane->flight.reset();
        lane->not_before = now_;
    }
    reading_ = Reading::nothing;
}

void TillSync::Impl::take(const till_in::LinkDown&, Out&) {
    link_ = false;
    linked_ = false;
    push_.flight.reset();
    pull_.flight.reset();
    reading_ = Reading::nothing;
}

void TillSync::Impl::take(const till_in::Captured& captured, Out&) {
    state_.last = std::max(state_.last, captured.last);
}

void TillSync::Impl::take(const till_in::Answer& in, Out& out) {
    const auto is_asked = [&](const Lane& lane) { return lane.flight && lane.flight->request == in.request; };
    if (!is_asked(push_) && !is_asked(pull_)) return; // of a request given up since
    Lane& lane = is_asked(push_) ? push_ : pull_;
    const Flight flight = *std::exchange(lane.flight, std::nullopt);
    Result<AnswerFrame> answer = decode_answer(in.frame);
    if (!answer) {
        out.push_back(till_out::Report{"sync.bad_answer", answer.error().name});
        come_again(lane, answer.error().name == "wire.version" ? limits_.retry_max : Duration{});
        return;
    }
    if (const auto* refusal = std::get_if<Refusal>(&*answer)) {
        refused(flight.question, *refusal, out);
    } else if (const auto* hello = std::get_if<HelloAnswer>(&*answer);
               hello && flight.question == Question::hello) {
        answered(flight, *hello, out);
    } else if (const auto* pushed = std::get_if<PushAnswer>(&*answer);
               pushed && flight.question == Question::push) {
        answered(flight, *pushed, out);
    } else if (auto* pulled = std::get_if<PullAnswer>(&*answer);
               pulled && flight.question == Question::pull) {
        answered(flight, std::move(*pulled), out);
    } else {
        out.push_back(till_out::Report{"sync.bad_answer", "an answer to another question"});
        come_again(lane);
    }
}

void TillSync::Impl::take(const till_in::NoAnswer& in, Out&) {
    for (Lane* lane : {&push_, &pull_}) {
        if (!lane->flight || lane->flight->request != in.request) continue;
        lane->flight.reset();
        come_again(*lane);
    }
}

void TillSync::Impl::take(const till_in::OutboxRead& in, Out& out) {
    if (reading_ == Reading::nothing || in.after != read_after_) return;
    const Reading reading = std::exchange(reading_, Reading::nothing);
    if (in.failed) return come_again(push_);
    const bool wanted = in.after < state_.last;
    const bool reaches_back = !in.events.empty() && in.events.front().seq.value == in.after.value + 1;
    if (reading == Reading::to_push) {
        if (!reaches_back) return come_again(push_);
        return push(in, out);
    }
    if (wanted && !reaches_back)
        return begin_new_life("what is kept does not reach back to the server's mark", out);
    if (in.chain_before != server_.mark.chain)
        return begin_new_life("the server has another history of this life", out);
    linked_ = true;
    acknowledge(in.after, out);
    out.push_back(till_out::Report{"sync.linked", {}});
    push_.failures = wanted ? std::min(push_.failures, 1u) : 0;
    if (wanted) push(in, out);
}

void TillSync::Impl::take(const till_in::FeedApplied& in, Out& out) {
    if (!applying_) return;
    const FeedCursor cursor = *std::exchange(applying_, std::nullopt);
    if (!in.ok) return come_again(pull_);
    pull_.failures = 0;
    state_.cursor = cursor;
    if (!applying_completes_ || level_) return;
    level_ = true;
    out.push_back(till_out::Report{"sync.level", {}});
}

void TillSync::Impl::take(const till_in::LifeBegun& in, Out&) {
    if (!new_life_) return;
    new_life_.reset();
    state_.incarnation = in.incarnation;
    state_.last = in.last;
    state_.acked = {};
    // The first new life says hello at once; one that leads to another at once would be a driver that does
    // not change anything.
    if (push_.failures <= 1) push_.not_before = now_;
}

void TillSync::Impl::take(const till_in::Tick&, Out&) {
    armed_.reset();
    give_up_late(push_);
    give_up_late(pull_);
}

// ---- answers ----

void TillSync::Impl::answered(const Flight& flight, const HelloAnswer& answer, Out& out) {
    server_ = answer;
    // Half of the way there and back is the best guess of when the server looked at its clock.
    server_clock_ahead_ = answer.wall - (flight.sent_wall + (wall_ - flight.sent_wall) / 2);
    if (learned_ && learned_->fingerprint() != answer.dictionary) learned_.reset();
    if (answer.mark.seq > state_.last)
        return begin_new_life("the server has more of this life than we do", out);
    read_outbox(Reading::to_verify, answer.mark.seq, out);
}

void TillSync::Impl::answered(const Flight& flight, const PushAnswer& answer, Out& out) {
    if (answer.generation != server_.generation || answer.mark != flight.after) {
        // Restored, or somebody else speaks for this till: the hello finds out which.
        return hello_again();
    }
    push_.failures = 0;
    push_.not_before = now_ + std::min(answer.not_before, patience_max);
    acknowledge(answer.mark.seq, out);
    // A queue of customers shares one round trip and one commit at the server; a lone sale never waits, nor
    // does a backlog.
    const auto full = static_cast<std::int64_t>(events_per_push());
    if (state_.last.value - state_.acked.value >= full) return;
    push_.not_before = std::max(push_.not_before, flight.sent + limits_.push_spacing);
}

void TillSync::Impl::answered(const Flight& flight, PullAnswer answer, Out& out) {
    if (!answer.learned.empty())
        learned_ = Dictionary::make(answer.learned_number, std::move(answer.learned));
    const bool same = answer.cursor.generation == state_.cursor.generation;
    const bool forward = answer.replace || (same && answer.cursor.version >= state_.cursor.version);
    const bool rows_fit =
        answer.rows.empty() || answer.replace || answer.rows.front().version > state_.cursor.version;
    if (!forward || !rows_fit) {
        out.push_back(till_out::Report{"sync.bad_answer", "the feed does not go on from here"});
        return come_again(pull_);
    }
    if (answer.rows.empty() && !answer.replace && answer.cursor == state_.cursor &&
        (level_ || !answer.complete)) {
        // Nothing new. Whoever is told so at once, again and again, is one of two that speak for one till.
        if (now_ - flight.sent < limits_.retry_min) return come_again(pull_);
        pull_.failures = 0;
        return;
    }
    applying_ = answer.cursor;
    applying_completes_ = answer.complete;
    out.push_back(
        till_out::ApplyFeed{std::move(answer.rows), answer.cursor, answer.replace, answer.complete});
}

void TillSync::Impl::refused(Question question, const Refusal& refusal, Out& out) {
    Lane& lane = question == Question::pull ? pull_ : push_;
    const bool pushed = question == Question::push;
    if (pushed && refusal.name == "sync.fork")
        return begin_new_life("the server has another history of this life", out);
    if (pushed && refusal.name == "sync.gap") return hello_again();
    if (pushed && refusal.name == "wire.dictionary" && learned_) {
        learned_.reset(); // packed anew with the built-in one, at once
        return;
    }
    out.push_back(till_out::Report{"sync.refused", refusal.name});
    if (refusal.name.starts_with("till.")) linked_ = false;
    come_again(lane, refusal.name == "wire.version" ? limits_.retry_max : refusal.retry_after);
}

// ---- what to do next ----

void TillSync::Impl::run(Out& out) {
    if (new_life_ && now_ >= push_.not_before) {
        come_again(push_);
        out.push_back(till_out::NewLife{*new_life_});
        return;
    }
    if (!link_) return;
    if (!push_.flight && reading_ == Reading::nothing && !new_life_ && now_ >= push_.not_before) {
        if (!linked_) {
            say_hello(out);
        } else if (state_.acked < state_.last) {
            read_outbox(Reading::to_push, state_.acked, out);
        }
    }
    if (linked_ && !pull_.flight && !applying_ && now_ >= pull_.not_before) pull(out);
}

void TillSync::Impl::send(Lane& lane, Question question, std::string frame, Out& out, HighWater after) {
    const bool on_pull = question == Question::pull;
    const Duration timeout = on_pull ? limits_.pull_timeout : limits_.push_timeout;
    lane.flight = Flight{++last_request_, question, now_, wall_, now_ + timeout + give_up_slack, after};
    out.push_back(
        till_out::Send{last_request_, on_pull ? Channel::pull : Channel::push, std::move(frame), timeout});
}

void TillSync::Impl::say_hello(Out& out) {
    const TillHello hello{state_.till, state_.store, state_.workstation, state_.incarnation,
                          state_.last, wall_,        event_schema};
    send(push_, Question::hello, encode(hello), out);
}

void TillSync::Impl::read_outbox(Reading reading, EventSeq after, Out& out) {
    reading_ = reading;
    read_after_ = after;
    out.push_back(till_out::ReadOutbox{after, events_per_push(),
                                       stricter(limits_.bytes_per_push_max, server_.bytes_max)});
}

void TillSync::Impl::push(const till_in::OutboxRead& read, Out& out) {
    HighWater after{read.after, read.chain_before};
    for (const Event& event : read.events) {
        if (event.seq.value != after.seq.value + 1)
            return come_again(push_); // a reader that skips: not sent, tried again
        after = {event.seq, chain_next(after.chain, event.body)};
    }
    const PushedBatch batch{state_.till, state_.incarnation, read.chain_before, read.events};
    send(push_, Question::push, encode(batch, learned_ ? &*learned_ : nullptr), out, after);
}

void TillSync::Impl::pull(Out& out) {
    const Pull pull{state_.till,
                    state_.store,
                    state_.cursor,
                    limits_.pull_wait,
                    static_cast<std::uint32_t>(limits_.pull_bytes_max),
                    learned_ ? learned_->fingerprint() : 0};
    send(pull_, Question::pull, encode(pull), out);
}

void TillSync::Impl::acknowledge(EventSeq acked, Out& out) {
    if (state_.acked == acked && state_.ack_generation == server_.generation) return;
    state_.acked = acked;
    state_.ack_generation = server_.generation;
    out.push_back(till_out::SaveAck{acked, server_.generation});
}

void TillSync::Impl::begin_new_life(std::string_view why, Out& out) {
    linked_ = false;
    new_life_ = why;
    come_again(push_);
    out.push_back(till_out::Report{"sync.fork", std::string(why)});
    out.push_back(till_out::NewLife{why});
}

void TillSync::Impl::hello_again() {
    linked_ = false;
    // At once, unless the last hello has led here without any event acknowledged in between.
    if (push_.failures == 0) {
        push_.failures = 1;
        push_.not_before = now_;
    } else {
        come_again(push_);
    }
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

void TillSync::Impl::give_up_late(Lane& lane) {
    if (!lane.flight || now_ < lane.flight->give_up) return;
    lane.flight.reset();
    come_again(lane);
}

void TillSync::Impl::arm(Out& out) {
    std::optional<MonoTime> next;
    const auto earliest = [&](MonoTime at) { next = next ? std::min(*next, at) : at; };
    for (const Lane* lane : {&push_, &pull_}) {
        if (lane->flight) {
            earliest(lane->flight->give_up);
        } else if (lane->not_before > now_ && (link_ || new_life_)) {
            earliest(lane->not_before);
        }
    }
    if (!next || armed_ == next) return;
    armed_ = next;
    out.push_back(till_out::SetTimer{*next});
}

} // namespace mudi::sync
