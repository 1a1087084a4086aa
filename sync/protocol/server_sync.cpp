#include <mudi/sync/server_sync.hpp>

#include <algorithm>

#include <mudi/base/assert.hpp>
#include <mudi/base/mutant.hpp>

#include "frames.hpp"
#include "pipe_book.hpp"
#include "pull_desk.hpp"

namespace mudi::sync {
namespace {

using Out = std::vector<ServerAction>;

/// Pushes under way beyond this are a queue: the next ones are spread out by a millisecond each.
constexpr std::size_t stores_unhurried = 64;
constexpr Duration not_before_max{5000};
/// Told to come again: so much later, and a millisecond more for each that was told so before.
constexpr Duration come_again_min{1000};
constexpr Duration come_again_max{10'000};
/// A till has one push under way; a second may be the repeat of one it gave up.
constexpr std::size_t pushes_per_pipe_max = 2;
/// Hellos, pushes and questions together.
constexpr std::size_t requests_per_pipe_max = 16;
/// The one before the newest may still be in flight.
constexpr std::size_t dictionaries_kept = 2;

RequestLimits request_limits(const ServerLimits& limits) {
    return {limits.events_per_push_max, std::min(limits.batch_bytes_max, unpacked_bytes_max)};
}

Error denied(std::string name, std::string what) { return {Code::denied, std::move(name), std::move(what)}; }

enum class Errand : std::uint8_t { hello, push, question };

struct UnderWay {
    Errand errand{};
    PipeId pipe{};
    Speaker speaker; ///< of a hello: whom it names
    /// Nobody waits for the answer any more; the work itself is still going on.
    bool gone{false};
};

} // namespace

struct ServerSync::Impl {
    Impl(Lineage lineage, Access access, const ServerLimits& limits, Random& random)
        : lineage_(std::move(lineage)), generation_(lineage_.back().generation), access_(access),
          limits_(limits), random_(random), pulls_(lineage_, limits) {}

    void take(const server_in::Request& in, Out& out);
    void take(const server_in::TillKnown& in, Out& out);
    void take(const server_in::Stored& in, Out& out);
    void take(const server_in::FeedRead& in, Out& out) { pulls_.read(now_, in, newest(), out); }
    void take(const server_in::ManifestRead& in, Out& out) { pulls_.read(in, newest(), out); }
    void take(const server_in::PartRead& in, Out& out) { pulls_.read(in, newest(), out); }
    void take(const server_in::Reserved& in, Out& out);
    void take(const server_in::FeedChanged& in, Out& out) { pulls_.changed(in, out); }
    void take(const server_in::Gone& in, Out&);
    void take(const server_in::PipeGone& in, Out&);
    void take(const server_in::Revoked& in, Out& out);
    void take(const server_in::Tick&, Out&) { armed_.reset(); }

    using Request = server_in::Request;
    void asked(const Request& in, HelloFrame hello, Out& out);
    void asked(const Request& in, PushedBatch batch, Out& out);
    void asked(const Request& in, const Pull& pull, Out& out);
    void asked(const Request& in, const Reserve& reserve, Out& out);

    /// Why what this connection asks in this till's name is refused; empty when it may.
    [[nodiscard]] std::optional<Error> not_its_own(PipeId pipe, TillId till, const Incarnation* life,
                                                   const StoreId* store) const;
    [[nodiscard]] bool has_room_for_push(Pipe& pipe);
    void begin(RequestToken token, Errand errand, PipeId pipe, Speaker speaker);
    /// Empty: nobody waits for it.
    std::optional<UnderWay> finish(RequestToken token, Errand errand);
    void forget(RequestToken token);
    void cut(PipeId pipe, const Error& why, Out& out);

    void refuse(RequestToken token, TillId till, const Error& error, Out& out);
    static void come_again(RequestToken token, const char* why, Duration later, Out& out);
    [[nodiscard]] const Dictionary* newest() const { return learned_.empty() ? nullptr : &learned_.back(); }
    [[nodiscard]] Duration credit() const;
    void arm(Out& out);

    Lineage lineage_;
    std::uint64_t generation_;
    Access access_;
    ServerLimits limits_;
    Random& random_;
    MonoTime now_{};
    Time wall_{};
    PipeBook pipes_;
    std::unordered_map<RequestToken, UnderWay> under_way_;
    std::size_t pushes_{};
    std::size_t questions_{};
    PullDesk pulls_;
    DictionaryLearner learner_;
    std::vector<Dictionary> learned_;
    std::optional<MonoTime> armed_;
};

ServerSync::ServerSync(Lineage lineage, Access access, ServerLimits limits, Random& random) {
    MUDI_ASSERT(!lineage.empty() && lineage.back().generation != 0); // 0 is a till that has nothing yet
    impl_ = std::make_unique<Impl>(std::move(lineage), access, limits, random);
}
ServerSync::~ServerSync() = default;

void ServerSync::step(MonoTime now, Time wall, const ServerInput& input, std::vector<ServerAction>& out) {
    impl_->now_ = now;
    impl_->wall_ = wall;
    std::visit([&](const auto& in) { impl_->take(in, out); }, input);
    impl_->pulls_.expire(now, impl_->newest(), out);
    impl_->arm(out);
}

std::size_t ServerSync::waiting_pulls() const { return impl_->pulls_.waiting(); }
std::size_t ServerSync::pipes_of(TillId till) const { return impl_->pipes_.of(till).size(); }

// ---- requests ----

void ServerSync::Impl::take(const server_in::Request& in, Out& out) {
    // The same token twice would mean two replies: the first one keeps it.
    if (under_way_.contains(in.token) || pulls_.has(in.token)) return;
    const Looks looks = looks_like(in.frame);
    Pipe* pipe = pipes_.find(in.pipe);
    const bool greeted = pipe != nullptr && pipe->speaker;
    // Before anything is unpacked: a stranger's work is not done.
    if (!greeted && (looks == Looks::push || looks == Looks::other)) {
        return refuse(in.token, {}, denied("till.not_greeted", "a hello comes first on every connection"),
                      out);
    }
    if (pipe != nullptr && pipe->under_way.size() >= requests_per_pipe_max)
        return come_again(in.token, "this connection asks too much at once", come_again_min, out);
    if (looks == Looks::push && !has_room_for_push(*pipe)) {
        const Duration later = come_again_min + Duration{static_cast<std::int64_t>(pipes_.promised())};
        return come_again(in.token, "too many pushes are under way", std::min(later, come_again_max), out);
    }
    Result<RequestFrame> request = decode_request(in.frame, request_limits(limits_), learned_);
    if (!request) return refuse(in.token, {}, request.error(), out);
    std::visit([&](auto& asked_for) { asked(in, std::move(asked_for), out); }, *request);
}

void ServerSync::Impl::asked(const Request& in, HelloFrame frame, Out& out) {
    if (pipes_.find(in.pipe) == nullptr && pipes_.size() >= limits_.pipes_max)
        return come_again(in.token, "too many tills are connected", come_again_max, out);
    Pipe& pipe = pipes_.open(in.pipe);
    Speaker named{frame.hello.till, frame.hello.store, frame.hello.incarnation};
    if (access_ == Access::open) {
        begin(in.token, Errand::hello, in.pipe, std::move(named));
        out.push_back(server_out::LookUpTill{in.token, std::move(frame.hello), std::nullopt});
        return;
    }
    if (!frame.takes_challenge) {
        return refuse(in.token, named.till,
                      denied("till.unsigned", "this till's program is older than enrolment: upgrade it"),
                      out);
    }
    if (frame.signature.empty() || !pipe.nonce) {
        pipe.nonce = random_.bits128();
        pipe.challenged = wall_;
        out.push_back(server_out::Reply{in.token, encode(Challenge{*pipe.nonce})});
        return;
    }
    const Bits128 nonce = *std::exchange(pipe.nonce, std::nullopt);
    begin(in.token, Errand::hello, in.pipe, std::move(named));
    out.push_back(server_out::LookUpTill{
        in.token, std::move(frame.hello),
        Credentials{signed_text(nonce, frame.fields), std::move(frame.signature), pipe.challenged}});
}

void ServerSync::Impl::asked(const Request& in, PushedBatch batch, Out& out) {
    if (const auto why = not_its_own(in.pipe, batch.till, &batch.incarnation, nullptr))
        return refuse(in.token, batch.till, *why, out);
    pipes_.promise(*pipes_.find(in.pipe), false);
    if (std::optional<Dictionary> learned = learner_.observe(batch.events)) {
        if (learned_.size() == dictionaries_kept) learned_.erase(learned_.begin());
        learned_.push_back(*std::move(learned));
    }
    begin(in.token, Errand::push, in.pipe, {batch.till, {}, batch.incarnation});
    out.push_back(server_out::Store{in.token, std::move(batch), in.frame.size()});
}

void ServerSync::Impl::asked(const Request& in, const Pull& pull, Out& out) {
    if (const auto why = not_its_own(in.pipe, pull.till, nullptr, &pull.store))
        return refuse(in.token, pull.till, *why, out);
    pulls_.ask(now_, in.token, in.pipe, pull, out);
}

void ServerSync::Impl::asked(const Request& in, const Reserve& reserve, Out& out) {
    if (const auto why = not_its_own(in.pipe, reserve.till, nullptr, nullptr))
        return refuse(in.token, reserve.till, *why, out);
    if (questions_ >= limits_.stores_under_way_max)
        return come_again(in.token, "too many questions are under way", come_again_min, out);
    begin(in.token, Errand::question, in.pipe, {reserve.till, {}, {}});
    out.push_back(server_out::Reserve{in.token, reserve});
}

std::optional<Error> ServerSync::Impl::not_its_own(PipeId pipe, TillId till, const Incarnation* life,
                                                   const StoreId* store) const {
    const Speaker& speaker = *pipes_.speaker(pipe);
    if (mutant::planted(mutant::Bug::pipe_not_bound)) return std::nullopt;
    if (till != speaker.till) return denied("till.other", "this connection speaks for another till");
    if (store != nullptr && *store != speaker.store)
        return denied("till.other", "this connection speaks for a till of another store");
    if (life != nullptr && *life != speaker.incarnation)
        return denied("till.other_life", "this connection speaks for another life of the till");
    return std::nullopt;
}

/// Whoever was told to come again finds half of the room kept for them: else those who were just served and
/// have more would take every place that gets free.
bool ServerSync::Impl::has_room_for_push(Pipe& pipe) {
    if (pipe.pushes >= pushes_per_pipe_max) return false;
    const std::size_t kept =
        pipe.promised ? 0 : std::min(pipes_.promised(), limits_.stores_under_way_max / 2);
    if (pushes_ + kept < limits_.stores_under_way_max) return true;
    pipes_.promise(pipe, true);
    return false;
}

// ---- what the driver found ----

void ServerSync::Impl::take(const server_in::TillKnown& in, Out& out) {
    const std::optional<UnderWay> hello = finish(in.token, Errand::hello);
    if (!hello) return;
    if (!in.standing) {
        pipes_.unprove(hello->pipe);
        return refuse(in.token, hello->speaker.till, in.standing.error(), out);
    }
    pipes_.prove(hello->pipe, hello->speaker);
    HelloAnswer answer;
    answer.generation = generation_;
    answer.mark = in.standing->mark;
    answer.wall = wall_;
    answer.schema = event_schema;
    answer.events_max = static_cast<std::uint32_t>(limits_.events_per_push_max);
    // Bodies only; the rest of a batch takes less than the other half.
    answer.bytes_max = static_cast<std::uint32_t>(request_limits(limits_).unpacked_max / 2);
    answer.dictionary = newest() == nullptr ? 0 : newest()->fingerprint();
    answer.safe = in.standing->safe;
    answer.arrival = in.standing->arrival;
    answer.certificate = in.certificate;
    out.push_back(server_out::Reply{in.token, encode(answer)});
}

void ServerSync::Impl::take(const server_in::Stored& in, Out& out) {
    const std::optional<UnderWay> push = finish(in.token, Errand::push);
    if (!push) return;
    if (!in.standing) return refuse(in.token, push->speaker.till, in.standing.error(), out);
    const Standing& standing = *in.standing;
    out.push_back(server_out::Reply{
        in.token, encode(PushAnswer{generation_, standing.mark, credit(), standing.safe, standing.arrival})});
}

void ServerSync::Impl::take(const server_in::Reserved& in, Out& out) {
    const std::optional<UnderWay> question = finish(in.token, Errand::question);
    if (!question) return;
    if (!in.answer) return refuse(in.token, question->speaker.till, in.answer.error(), out);
    out.push_back(server_out::Reply{in.token, encode(*in.answer)});
}

void ServerSync::Impl::take(const server_in::Gone& in, Out&) {
    forget(in.token);
    pulls_.forget(in.token);
}

void ServerSync::Impl::take(const server_in::PipeGone& in, Out&) {
    const Pipe* pipe = pipes_.find(in.pipe);
    if (pipe == nullptr) return;
    const std::set<RequestToken> tokens = pipe->under_way;
    for (const RequestToken token : tokens) forget(token);
    pulls_.forget_pipe(in.pipe);
    pipes_.close(in.pipe);
}

void ServerSync::Impl::take(const server_in::Revoked& in, Out& out) {
    const std::vector<PipeId> proved = pipes_.of(in.till);
    std::set<PipeId> cut_off(proved.begin(), proved.end());
    for (const auto& [token, work] : under_way_) {
        if (work.errand == Errand::hello && !work.gone && work.speaker.till == in.till)
            cut_off.insert(work.pipe);
    }
    if (!cut_off.empty()) out.push_back(server_out::Report{"till.revoked", in.till, {}});
    for (const PipeId pipe : cut_off) cut(pipe, denied("till.revoked", "this till was revoked"), out);
}

// ---- bookkeeping ----

void ServerSync::Impl::begin(RequestToken token, Errand errand, PipeId pipe, Speaker speaker) {
    Pipe& of = pipes_.open(pipe);
    of.under_way.insert(token);
    if (errand == Errand::push) ++pushes_, ++of.pushes;
    if (errand == Errand::question) ++questions_;
    under_way_.emplace(token, UnderWay{errand, pipe, std::move(speaker)});
}

std::optional<UnderWay> ServerSync::Impl::finish(RequestToken token, Errand errand) {
    const auto found = under_way_.find(token);
    if (found == under_way_.end() || found->second.errand != errand) return std::nullopt;
    UnderWay done = std::move(found->second);
    under_way_.erase(found);
    if (errand == Errand::push) --pushes_;
    if (errand == Errand::question) --questions_;
    if (done.gone) return std::nullopt;
    Pipe& pipe = *pipes_.find(done.pipe);
    pipe.under_way.erase(token);
    if (errand == Errand::push) --pipe.pushes;
    return done;
}

/// A push or a question stays on the count until the driver is through with it: what bounds its queue is the
/// work, not who waits for it.
void ServerSync::Impl::forget(RequestToken token) {
    const auto found = under_way_.find(token);
    if (found == under_way_.end() || found->second.gone) return;
    UnderWay& work = found->second;
    Pipe& pipe = *pipes_.find(work.pipe);
    pipe.under_way.erase(token);
    if (work.errand == Errand::push) --pipe.pushes;
    if (work.errand == Errand::hello) {
        under_way_.erase(found);
    } else {
        work.gone = true;
    }
}

void ServerSync::Impl::cut(PipeId pipe, const Error& why, Out& out) {
    const std::set<RequestToken> tokens = pipes_.find(pipe)->under_way;
    for (const RequestToken token : tokens) {
        forget(token);
        out.push_back(server_out::Reply{token, encode(Refusal{why.name, why.what, {}})});
    }
    pulls_.refuse_pipe(pipe, why, out);
    pipes_.close(pipe);
    out.push_back(server_out::ClosePipe{pipe});
}

void ServerSync::Impl::refuse(RequestToken token, TillId till, const Error& error, Out& out) {
    out.push_back(server_out::Report{"sync.refused", till, error.name});
    out.push_back(server_out::Reply{token, encode(Refusal{error.name, error.what, {}})});
}

void ServerSync::Impl::come_again(RequestToken token, const char* why, Duration later, Out& out) {
    out.push_back(server_out::Reply{token, encode(Refusal{"server.busy", why, later})});
}

Duration ServerSync::Impl::credit() const {
    if (pushes_ <= stores_unhurried) return Duration{0};
    return std::min(Duration{static_cast<std::int64_t>(pushes_)}, not_before_max);
}

void ServerSync::Impl::arm(Out& out) {
    const std::optional<MonoTime> next = pulls_.next_deadline();
    if (!next || armed_ == next) return;
    armed_ = next;
    out.push_back(server_out::SetTimer{*next});
}

} // namespace mudi::sync
