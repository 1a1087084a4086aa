#include "bench/raw_till.hpp"

#include <variant>

#include "sync/protocol/frames.hpp"

namespace mudi::bench {
namespace {

Status patience_lost() {
    return fail(Code::unavailable, "bench.patience", "the server did not answer in time");
}

} // namespace

RawTill::RawTill(const Outbox& outbox, TillId till, std::size_t events_max)
    : hello_(sync::encode(outbox.hello(SystemClock{}.wall()))) {
    for (EventSeq sent{}; sent < outbox.last();) {
        sync::PushedBatch batch;
        batch.till = till;
        batch.incarnation = Outbox::incarnation;
        batch.chain_before = outbox.chain_at(sent);
        batch.events = outbox.events_after(sent, events_max);
        sent = batch.events.back().seq;
        pushes_.push_back(sync::encode(batch, nullptr));
    }
}

Status RawTill::greet(const WireServer& server, std::chrono::seconds patience) {
    sync::TillTransport::Events events;
    events.link = [this](bool up) { up_ = up; };
    events.answered = [this](std::uint64_t request, Result<std::string> frame) {
        answered_ = request;
        answer_ = std::move(frame);
    };
    const MonoTime end = clock_.mono() + patience;
    MUDI_TRY(transport_,
             sync::TillTransport::start(
                 server.url, server.tls, [this](std::function<void()> job) { jobs_.post(std::move(job)); },
                 std::move(events)));
    while (!up_)
        if (!jobs_.run_one(end)) return patience_lost();
    return exchange(hello_, end);
}

Status RawTill::send_all(std::chrono::seconds patience) {
    const MonoTime end = clock_.mono() + patience;
    for (const std::string& push : pushes_) MUDI_CHECK(exchange(push, end));
    transport_->stop();
    return {};
}

std::size_t RawTill::bytes() const {
    std::size_t sum = 0;
    for (const std::string& push : pushes_) sum += push.size();
    return sum;
}

Status RawTill::exchange(const std::string& frame, MonoTime end) {
    transport_->send(++asked_, sync::Channel::push, frame, end - clock_.mono());
    while (answered_ != asked_)
        if (!jobs_.run_one(end)) return patience_lost();
    if (!answer_) return tl::make_unexpected(answer_.error());
    MUDI_TRY(const auto answer, sync::decode_answer(*answer_));
    if (const auto* refusal = std::get_if<sync::Refusal>(&answer))
        return fail(Code::unavailable, "bench.refused", refusal->name);
    return {};
}

} // namespace mudi::bench
