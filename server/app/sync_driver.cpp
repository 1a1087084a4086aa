#include "sync_driver.hpp"

#include <algorithm>
#include <utility>

#include <mudi/base/log.hpp>

namespace mudi::server {
namespace {

/// Long polls of every till and a push each.
constexpr std::size_t requests_max = 40'000;
constexpr std::size_t contacts_max = 100'000;
constexpr Duration report_every{std::chrono::milliseconds{200}};

Error busy() { return {Code::busy, "server.busy", "too many requests wait already; try again soon"}; }

} // namespace

SyncDriver::SyncDriver(boost::asio::io_context& io, std::uint64_t generation, std::vector<StoreId> stores,
                       const Clock& clock)
    : clock_(clock), stores_(std::move(stores)), sync_(generation, sync::ServerLimits{}), timer_(io) {}

Status SyncDriver::listen(const std::string& url, const sync::TlsServer& tls, Post post, Writer& writer,
                          Reader& reader) {
    post_ = post;
    writer_ = &writer;
    reader_ = &reader;
    MUDI_TRY(transport_,
             sync::ServerTransport::start(url, tls, requests_max, std::move(post),
                                          [this](sync::RequestToken token, std::string frame) {
                                              step(sync::server_in::Request{token, std::move(frame)});
                                          }));
    return {};
}

void SyncDriver::stop() {
    timer_.cancel();
    if (transport_) transport_->stop();
}

void SyncDriver::greeted(sync::RequestToken token, Result<sync::HighWater> mark) {
    step(sync::server_in::TillKnown{token, std::move(mark)});
}

void SyncDriver::stored(sync::RequestToken token, Result<sync::HighWater> mark) {
    step(sync::server_in::Stored{token, std::move(mark)});
}

void SyncDriver::moved(const std::vector<FeedMoved>& buckets) {
    for (const auto& bucket : buckets) step(sync::server_in::FeedChanged{bucket.store, bucket.newest});
}

void SyncDriver::step(const sync::ServerInput& input) {
    // An action may lead to the next step at once (a full queue is answered in the same turn): each has its
    // own list.
    std::vector<sync::ServerAction> actions;
    if (!spare_.empty()) {
        actions = std::move(spare_.back());
        spare_.pop_back();
    }
    sync_.step(clock_.mono(), clock_.wall(), input, actions);
    for (auto& action : actions) carry_out(action);
    actions.clear();
    spare_.push_back(std::move(actions));
}

void SyncDriver::carry_out(sync::ServerAction& action) {
    std::visit([this](auto& one) { act(one); }, action);
}

void SyncDriver::act(sync::server_out::Reply& reply) {
    transport_->reply(reply.token, std::move(reply.frame));
}

void SyncDriver::act(sync::server_out::LookUpTill& look_up) {
    const auto token = look_up.token;
    if (!stores_.empty() && std::find(stores_.begin(), stores_.end(), look_up.hello.store) == stores_.end()) {
        return greeted(
            token, fail(Code::denied, "till.store_unknown", "this server does not serve the till's store"));
    }
    // Not the greatest ever told: a new life of the till begins at 1 again.
    if (auto* contact = heard(look_up.hello.till)) contact->captured = look_up.hello.last;
    if (!writer_->greet(token, std::move(look_up.hello))) greeted(token, tl::make_unexpected(busy()));
}

void SyncDriver::act(sync::server_out::Store& store) {
    const auto token = store.token;
    if (auto* contact = heard(store.batch.till); contact != nullptr && !store.batch.events.empty()) {
        contact->captured = std::max(contact->captured, store.batch.events.back().seq);
    }
    if (!writer_->push(token, std::move(store.batch), store.bytes))
        stored(token, tl::make_unexpected(busy()));
}

void SyncDriver::act(sync::server_out::ReadFeed& read) {
    heard(read.till);
    const auto token = read.token;
    const bool taken = reader_->run([this, read](ReadSide& side) {
        auto page = side.feed.read(read.store, read.after, read.bytes_max);
        post_([this, token = read.token, page = std::move(page)]() mutable {
            sync::server_in::FeedRead answer{token, std::vector<sync::FeedRow>{}, 0};
            if (page) {
                answer.rows = std::move(page->rows);
                answer.newest = page->newest;
            } else {
                answer.rows = tl::make_unexpected(std::move(page).error());
            }
            step(answer);
        });
    });
    if (!taken) step(sync::server_in::FeedRead{token, tl::make_unexpected(busy()), 0});
}

void SyncDriver::act(sync::server_out::SetTimer& timer) {
    timer_.expires_at(timer.at);
    timer_.async_wait([this](boost::system::error_code error) {
        if (!error) step(sync::server_in::Tick{});
    });
}

void SyncDriver::act(sync::server_out::Report& report) {
    // Tills decide how often: a few lines a second tell enough.
    const auto now = clock_.mono();
    if (now - reported_at_ < report_every) {
        ++reports_held_;
        return;
    }
    reported_at_ = now;
    log::info(
        report.event,
        {{"till", report.till}, {"detail", report.detail}, {"held_back", std::exchange(reports_held_, 0)}});
}

Live::Contact* SyncDriver::heard(TillId till) {
    if (!contacts_.contains(till) && contacts_.size() >= contacts_max) return nullptr;
    auto& contact = contacts_[till];
    contact.last = clock_.wall();
    return &contact;
}

} // namespace mudi::server
