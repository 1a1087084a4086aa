#include "sync_driver.hpp"

#include <algorithm>
#include <utility>

#include <mudi/base/log.hpp>

namespace mudi::server {
namespace {

/// Long polls of every till and a push each.
constexpr std::size_t requests_max = 40'000;
constexpr std::size_t contacts_max = 100'000;
/// A little old is no harm: what came after it follows as changes.
constexpr Duration manifest_fresh{std::chrono::seconds{3}};
constexpr std::size_t manifests_max = 4096;
constexpr Duration report_every{std::chrono::milliseconds{200}};

Error busy() { return {Code::busy, "server.busy", "too many requests wait already; try again soon"}; }

} // namespace

SyncDriver::SyncDriver(boost::asio::io_context& io, sync::Lineage lineage, sync::Access access,
                       std::vector<StoreId> stores, const Clock& clock)
    : clock_(clock), stores_(std::move(stores)),
      sync_(std::move(lineage), access, sync::ServerLimits{}, random_), timer_(io) {}

Status SyncDriver::listen(const std::string& url, const sync::TlsServer& tls, Post post, Writer& writer,
                          Reader& reader) {
    post_ = post;
    writer_ = &writer;
    reader_ = &reader;
    MUDI_TRY(transport_, sync::ServerTransport::start(
                             url, tls, requests_max, std::move(post),
                             [this](sync::RequestToken token, sync::PipeId pipe, std::string frame) {
                                 request(token, pipe, std::move(frame));
                             },
                             [this](sync::PipeId pipe) {
                                 pipes_.erase(pipe);
                                 std::erase_if(hellos_,
                                               [&](const auto& hello) { return hello.second.pipe == pipe; });
                                 step(sync::server_in::PipeGone{pipe});
                             }));
    return {};
}

void SyncDriver::stop() {
    timer_.cancel();
    if (transport_) transport_->stop();
}

void SyncDriver::request(sync::RequestToken token, sync::PipeId pipe, std::string frame) {
    if (const auto known = pipes_.find(pipe); known != pipes_.end()) {
        if (auto* till = contact(known->second)) till->spoke(pipe, clock_.wall(), clock_.mono());
    }
    asking_pipe_ = pipe;
    step(sync::server_in::Request{token, pipe, std::move(frame)});
}

void SyncDriver::greeted(sync::server_in::TillKnown known) {
    const auto asked = hellos_.extract(known.token);
    if (!asked.empty() && known.standing) {
        const auto& hello = asked.mapped();
        pipes_.insert_or_assign(hello.pipe, hello.till);
        if (auto* till = contact(hello.till)) {
            till->spoke(hello.pipe, clock_.wall(), clock_.mono());
            till->greeted(hello.life, hello.last, known.standing->mark.seq, clock_.mono());
        }
    }
    step(std::move(known));
}

void SyncDriver::stored(sync::server_in::Stored stored) {
    const auto asked = pushes_.extract(stored.token);
    if (!asked.empty() && stored.standing) {
        const auto& push = asked.mapped();
        if (auto* till = contact(push.till))
            till->acknowledged(push.life, stored.standing->mark.seq, clock_.mono());
    }
    step(std::move(stored));
}

void SyncDriver::reserved(sync::server_in::Reserved reserved) { step(std::move(reserved)); }

void SyncDriver::moved(const std::vector<FeedMoved>& buckets) {
    for (const auto& bucket : buckets) step(sync::server_in::FeedChanged{bucket.store, bucket.newest});
}

void SyncDriver::cut_off(TillId till) {
    if (const auto known = contacts_.find(till); known != contacts_.end()) known->second.cut();
    std::erase_if(pipes_, [&](const auto& pipe) { return pipe.second == till; });
    step(sync::server_in::Revoked{till});
}

void SyncDriver::greet_again(const std::vector<TillId>& tills) {
    for (const auto& [pipe, till] : pipes_) {
        if (std::find(tills.begin(), tills.end(), till) != tills.end()) transport_->close_pipe(pipe);
    }
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
    const auto& hello = look_up.hello;
    if (!stores_.empty() && std::find(stores_.begin(), stores_.end(), hello.store) == stores_.end()) {
        return step(sync::server_in::TillKnown{
            token,
            fail(Code::denied, "till.store_unknown", "this server does not serve the till's store"),
            {}});
    }
    const Asking asking{asking_pipe_, hello.till, hello.incarnation, hello.last};
    if (!writer_->greet(token, std::move(look_up.hello), std::move(look_up.credentials))) {
        return step(sync::server_in::TillKnown{token, tl::make_unexpected(busy()), {}});
    }
    hellos_.insert_or_assign(token, asking);
}

void SyncDriver::act(sync::server_out::Store& store) {
    const auto token = store.token;
    const Asking asking{asking_pipe_, store.batch.till, store.batch.incarnation,
                        store.batch.events.empty() ? EventSeq{} : store.batch.events.back().seq};
    if (auto* till = contact(asking.till)) till->captures(asking.last, clock_.mono());
    if (!writer_->push(token, std::move(store.batch), store.bytes)) {
        return step(sync::server_in::Stored{token, tl::make_unexpected(busy())});
    }
    pushes_.insert_or_assign(token, asking);
}

void SyncDriver::act(sync::server_out::ReadFeed& read) {
    const auto token = read.token;
    const bool taken = reader_->run([this, read](ReadSide& side) {
        auto page = side.feed.read(read.store, read.after, read.bytes_max);
        post_([this, answer = sync::server_in::FeedRead{read.token, std::move(page)}]() mutable {
            step(std::move(answer));
        });
    });
    if (!taken) step(sync::server_in::FeedRead{token, tl::make_unexpected(busy())});
}

void SyncDriver::act(sync::server_out::ReadManifest& read) {
    auto& known = manifest_of(read.store);
    if (known.page && clock_.mono() - known.read_at < manifest_fresh) {
        return step(sync::server_in::ManifestRead{read.token, known.page->manifest, known.page->version});
    }
    known.waiting.push_back(read.token);
    if (known.waiting.size() > 1) return;
    const bool taken = reader_->run([this, store = read.store](ReadSide& side) {
        post_([this, store, page = side.feed.manifest(store)]() mutable {
            manifest_read(store, std::move(page));
        });
    });
    if (!taken) manifest_read(read.store, tl::make_unexpected(busy()));
}

void SyncDriver::manifest_read(const StoreId& store, Result<ManifestPage> page) {
    auto& known = manifest_of(store);
    known.read_at = clock_.mono();
    known.page = page ? std::optional(*page) : std::nullopt;
    for (const auto token : std::exchange(known.waiting, {})) {
        if (page)
            step(sync::server_in::ManifestRead{token, page->manifest, page->version});
        else
            step(sync::server_in::ManifestRead{token, tl::make_unexpected(page.error()), 0});
    }
}

SyncDriver::KnownManifest& SyncDriver::manifest_of(const StoreId& store) {
    if (manifests_.size() >= manifests_max && !manifests_.contains(store)) {
        std::erase_if(manifests_, [](const auto& entry) { return entry.second.waiting.empty(); });
    }
    return manifests_[store];
}

void SyncDriver::act(sync::server_out::ReadPart& read) {
    const auto token = read.token;
    const bool taken = reader_->run([this, read](ReadSide& side) {
        auto rows = side.feed.part(read.store, read.parts, read.part);
        post_([this, answer = sync::server_in::PartRead{read.token, std::move(rows)}]() mutable {
            step(std::move(answer));
        });
    });
    if (!taken) step(sync::server_in::PartRead{token, tl::make_unexpected(busy())});
}

void SyncDriver::act(sync::server_out::Reserve& reserve) {
    if (!writer_->reserve(reserve.token, reserve.asked))
        step(sync::server_in::Reserved{reserve.token, tl::make_unexpected(busy())});
}

void SyncDriver::act(sync::server_out::ClosePipe& close) { transport_->close_pipe(close.pipe); }

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

Contact* SyncDriver::contact(TillId till) {
    if (!contacts_.contains(till) && contacts_.size() >= contacts_max) return nullptr;
    return &contacts_[till];
}

} // namespace mudi::server
