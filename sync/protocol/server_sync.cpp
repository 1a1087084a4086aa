#include <mudi/sync/server_sync.hpp>

#include <algorithm>

#include <mudi/base/assert.hpp>

#include "frames.hpp"
#include "pull_desk.hpp"

namespace mudi::sync {
namespace {

using Out = std::vector<ServerAction>;

/// Pushes under way beyond this are a queue: the next ones are spread out by a millisecond each.
constexpr std::size_t stores_unhurried = 64;
constexpr Duration not_before_max{5000};
/// The one before the newest may still be in flight.
constexpr std::size_t dictionaries_kept = 2;

RequestLimits request_limits(const ServerLimits& limits) {
    return {limits.events_per_push_max, std::min(limits.batch_bytes_max, unpacked_bytes_max)};
}

} // namespace

struct ServerSync::Impl {
    Impl(std::uint64_t generation, const ServerLimits& limits)
        : generation_(generation), limits_(limits), pulls_(generation, limits) {}

    void take(const server_in::Request& in, Out& out);
    void take(const server_in::TillKnown& in, Out& out);
    void take(const server_in::Stored& in, Out& out);
    void take(const server_in::FeedRead& in, Out& out) { pulls_.read(now_, in, newest(), out); }
    void take(const server_in::FeedChanged& in, Out& out) { pulls_.changed(in.store, out); }
    void take(const server_in::Gone& in, Out&);
    void take(const server_in::Tick&, Out&) { armed_.reset(); }

    void asked(RequestToken token, std::size_t bytes, TillHello hello, Out& out);
    void asked(RequestToken token, std::size_t bytes, PushedBatch batch, Out& out);
    void asked(RequestToken token, std::size_t bytes, const Pull& pull, Out& out);

    void refuse(RequestToken token, TillId till, const Error& error, Out& out);
    [[nodiscard]] const Dictionary* newest() const { return learned_.empty() ? nullptr : &learned_.back(); }
    [[nodiscard]] Duration credit() const;
    void arm(Out& out);

    std::uint64_t generation_;
    ServerLimits limits_;
    MonoTime now_{};
    Time wall_{};
    std::unordered_map<RequestToken, TillId> hellos_; ///< being looked up
    std::unordered_map<RequestToken, TillId> stores_; ///< being stored
    PullDesk pulls_;
    DictionaryLearner learner_;
    std::vector<Dictionary> learned_;
    std::optional<MonoTime> armed_;
};

ServerSync::ServerSync(std::uint64_t generation, ServerLimits limits)
    : impl_(std::make_unique<Impl>(generation, limits)) {
    MUDI_ASSERT(generation != 0); // 0 is a till that has nothing yet
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

void ServerSync::Impl::take(const server_in::Request& in, Out& out) {
    // The same token twice would mean two replies: the first one keeps it.
    if (hellos_.contains(in.token) || stores_.contains(in.token) || pulls_.has(in.token)) return;
    Result<RequestFrame> request = decode_request(in.frame, request_limits(limits_), learned_);
    if (!request) return refuse(in.token, {}, request.error(), out);
    std::visit([&](auto& asked_for) { asked(in.token, in.frame.size(), std::move(asked_for), out); },
               *request);
}

void ServerSync::Impl::asked(RequestToken token, std::size_t, TillHello hello, Out& out) {
    hellos_.emplace(token, hello.till);
    out.push_back(server_out::LookUpTill{token, std::move(hello)});
}

void ServerSync::Impl::asked(RequestToken token, std::size_t bytes, PushedBatch batch, Out& out) {
    if (stores_.size() >= limits_.stores_under_way_max) {
        out.push_back(server_out::Reply{
            token, encode(Refusal{"server.busy", "too many pushes are under way", Duration{1000}})});
        return;
    }
    if (std::optional<Dictionary> learned = learner_.observe(batch.events)) {
        if (learned_.size() == dictionaries_kept) learned_.erase(learned_.begin());
        learned_.push_back(*std::move(learned));
    }
    stores_.emplace(token, batch.till);
    out.push_back(server_out::Store{token, std::move(batch), bytes});
}

void ServerSync::Impl::asked(RequestToken token, std::size_t, const Pull& pull, Out& out) {
    pulls_.ask(now_, token, pull, out);
}

void ServerSync::Impl::take(const server_in::TillKnown& in, Out& out) {
    const auto found = hellos_.find(in.token);
    if (found == hellos_.end()) return;
    const TillId till = found->second;
    hellos_.erase(found);
    if (!in.mark) return refuse(in.token, till, in.mark.error(), out);
    HelloAnswer answer{.generation = generation_, .mark = *in.mark, .wall = wall_, .schema = event_schema};
    answer.events_max = static_cast<std::uint32_t>(limits_.events_per_push_max);
    // Bodies only; the rest of a batch takes less than the other half.
    answer.bytes_max = static_cast<std::uint32_t>(request_limits(limits_).unpacked_max / 2);
    answer.dictionary = newest() == nullptr ? 0 : newest()->fingerprint();
    out.push_back(server_out::Reply{in.token, encode(answer)});
}

void ServerSync::Impl::take(const server_in::Stored& in, Out& out) {
    const auto found = stores_.find(in.token);
    if (found == stores_.end()) return;
    const TillId till = found->second;
    stores_.erase(found);
    if (!in.mark) return refuse(in.token, till, in.mark.error(), out);
    out.push_back(server_out::Reply{in.token, encode(PushAnswer{generation_, *in.mark, credit()})});
}

void ServerSync::Impl::take(const server_in::Gone& in, Out&) {
    hellos_.erase(in.token);
    stores_.erase(in.token);
    pulls_.forget(in.token);
}

void ServerSync::Impl::refuse(RequestToken token, TillId till, const Error& error, Out& out) {
    out.push_back(server_out::Report{"sync.refused", till, error.name});
    out.push_back(server_out::Reply{token, encode(Refusal{error.name, error.what, {}})});
}

Duration ServerSync::Impl::credit() const {
    if (stores_.size() <= stores_unhurried) return Duration{0};
    return std::min(Duration{static_cast<std::int64_t>(stores_.size())}, not_before_max);
}

void ServerSync::Impl::arm(Out& out) {
    const std::optional<MonoTime> next = pulls_.next_deadline();
    if (!next || armed_ == next) return;
    armed_ = next;
    out.push_back(server_out::SetTimer{*next});
}

} // namespace mudi::sync
