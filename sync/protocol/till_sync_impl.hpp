#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mudi/sync/till_sync.hpp>

#include "frames.hpp"

namespace mudi::sync {

using TillOut = std::vector<TillAction>;

/// What a request under way asks.
enum class Question : std::uint8_t { hello, push, changes, part, points };

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
    Channel channel{};
    std::optional<Flight> flight;
    MonoTime not_before{};
    unsigned failures{};
};

/// What the answer to ReadOutbox is wanted for.
enum class Reading : std::uint8_t { nothing, to_verify, to_push };

/// Rows handed to the driver, and what to believe once they are applied.
struct Applying {
    enum class What : std::uint8_t { changes, begun, part } what{};
    FeedCursor cursor;
    FeedCursor kept; ///< what the driver was told to keep of it
    bool complete{false};
};

/// Two copies being made the same, part by part.
struct Mending {
    FeedCursor cursor; ///< holds when all parts are mended
    std::uint32_t parts{};
    std::deque<std::uint32_t> left; ///< still to be fetched, in this order
    bool waits_for_compared{true};
};

struct TillSync::Impl {
    Impl(TillState state, TillLimits bounds, Random& source)
        : state_(std::move(state)), limits_(bounds), random_(source), kept_(state_.cursor) {}

    void take(const till_in::LinkUp&, TillOut&);
    void take(const till_in::LinkDown&, TillOut&);
    void take(const till_in::Captured&, TillOut&);
    void take(const till_in::Answer&, TillOut&);
    void take(const till_in::NoAnswer&, TillOut&);
    void take(const till_in::Signed&, TillOut&);
    void take(const till_in::OutboxRead&, TillOut&);
    void take(const till_in::FeedApplied&, TillOut&);
    void take(const till_in::Compared&, TillOut&);
    void take(const till_in::LifeBegun&, TillOut&);
    void take(const till_in::Ask&, TillOut&);
    void take(const till_in::HolderChanged&, TillOut&);
    void take(const till_in::Renew&, TillOut&);
    void take(const till_in::Tick&, TillOut&);

    void answered(const Flight& flight, AnswerFrame answer, TillOut& out);
    void answered(const Flight& flight, HelloAnswer answer, TillOut& out);
    void answered(const Challenge& challenge, TillOut& out);
    void answered(const Flight& flight, const PushAnswer& answer, TillOut& out);
    void answered_changes(const Flight& flight, PullAnswer answer, TillOut& out);
    void answered_part(PullAnswer answer, TillOut& out);
    void refused(Question question, const Refusal& refusal, TillOut& out);
    void bad_answer(Lane& lane, std::string what, TillOut& out);

    void run(TillOut& out);
    void arm(TillOut& out);
    void send(Lane& lane, Question question, std::string frame, TillOut& out, HighWater after = {});
    void drop_link(TillOut& out);
    void unlink();

    // hello and push
    [[nodiscard]] bool hello_is_due() const { return !linked_ || now_ >= hello_due_; }
    [[nodiscard]] bool push_is_idle() const;
    void compose_hello();
    void say_hello(TillOut& out);
    void verified(const till_in::OutboxRead& in, TillOut& out);
    void read_outbox(Reading reading, EventSeq after, TillOut& out);
    [[nodiscard]] std::size_t events_per_push() const;
    void push(const till_in::OutboxRead& read, TillOut& out);
    void acknowledge(EventSeq acked, EventSeq safe, std::int64_t arrival, TillOut& out);
    void begin_new_life(std::string_view why, TillOut& out);
    void hello_again();

    // feed
    void pull(TillOut& out);
    void compare(PullAnswer answer, TillOut& out);
    void mend_on();
    void forget_inexact_cursor();
    void apply(Applying::What what, FeedCursor cursor, FeedCursor kept, std::vector<FeedRow> rows,
               bool complete, TillOut& out);

    // questions
    void answer_question(Result<ReserveAnswer> answer, TillOut& out);

    void come_again(Lane& lane, Duration at_least = {});
    void give_up_late(Lane& lane, TillOut& out);
    void unanswered(Lane& lane, TillOut& out);

    TillState state_;
    TillLimits limits_;
    Random& random_;
    MonoTime now_{};
    Time wall_{};

    bool link_{false};
    bool linked_{false}; ///< hello answered, histories agree
    bool level_{false};  ///< reported since the link came
    Lane push_{Channel::push, {}, {}, 0};
    Lane pull_{Channel::pull, {}, {}, 0};
    Lane ask_{Channel::ask, {}, {}, 0};
    std::uint64_t last_request_{};

    MonoTime hello_due_{};
    std::string hello_fields_; ///< of the hello under way, or being signed
    RightsHolder said_holder_;
    OnHold on_hold_{OnHold::not_said};
    bool signing_{false};
    unsigned challenges_{}; ///< since a hello was answered
    Reading reading_{Reading::nothing};
    EventSeq read_after_{};
    Standing standing_;                        ///< what the last hello was answered
    std::optional<std::string_view> new_life_; ///< asked for, because of this
    std::string renewal_;                      ///< certificate request; empty: none wanted
    bool said_renewal_{false};                 ///< the hello under way carries it
    EventSeq sent_ahead_;                      ///< of the planted bug gap_accepted only

    std::optional<Applying> applying_;
    std::optional<Mending> mending_;
    /// What is kept on the disk as the cursor. Only a cursor at which the copy is exactly what the bucket was
    /// may be carried on by another generation, so nothing else is kept: half-way through changes, or with
    /// parts newer than the manifest, state_.cursor is good for this generation of the server alone.
    FeedCursor kept_;
    unsigned comparisons_{};   ///< in a row, without changes between
    std::uint64_t question_{}; ///< the driver's id of what is under way on `ask_`

    HelloAnswer server_; ///< its last hello
    std::optional<Duration> server_clock_ahead_;
    std::optional<Dictionary> learned_;
    std::optional<MonoTime> armed_;
};

} // namespace mudi::sync
