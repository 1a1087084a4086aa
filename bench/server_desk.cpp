#include "bench/server_desk.hpp"

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <variant>

#include <mudi/base/clock.hpp>

#include "bench/wire_tills.hpp"

namespace mudi::bench {
namespace {

constexpr std::size_t requests_max = 1000;
constexpr Duration patience{20};

class Desk final : public ServerDesk {
public:
    explicit Desk(ServerShop& shop)
        : shop_(shop), sync_({{1, 0}}, sync::Access::open, sync::ServerLimits{}, random_) {}
    Desk(const Desk&) = delete;
    Desk& operator=(const Desk&) = delete;
    ~Desk() override {
        ending_ = true;
        if (loop_.joinable()) loop_.join();
        if (writer_.joinable()) writer_.join();
        if (transport_) transport_->stop();
        while (jobs_.run_one(clock_.mono())) {
        }
    }

    Status open(const std::string& url, const sync::TlsServer& tls) {
        MUDI_TRY(transport_, sync::ServerTransport::start(
                                 url, tls, requests_max,
                                 [this](std::function<void()> job) { jobs_.post(std::move(job)); },
                                 [this](sync::RequestToken token, sync::PipeId pipe, std::string frame) {
                                     step(sync::server_in::Request{token, pipe, std::move(frame)});
                                 },
                                 [this](sync::PipeId pipe) { step(sync::server_in::PipeGone{pipe}); }));
        url_ = transport_->url();
        loop_ = std::thread([this] { run(); });
        writer_ = std::thread([this] { write(); });
        return {};
    }
    [[nodiscard]] std::string url() const override { return url_; }

private:
    void run() {
        while (!ending_)
            if (!jobs_.run_one(clock_.mono() + patience)) step(sync::server_in::Tick{});
    }

    void write() {
        while (!ending_) {
            if (!writes_.run_one(clock_.mono() + patience)) continue;
            while (writes_.run_one(clock_.mono())) {
            } // what else has come
            store_all();
        }
    }

    void step(const sync::ServerInput& input) {
        std::vector<sync::ServerAction> actions;
        sync_.step(clock_.mono(), clock_.wall(), input, actions);
        for (auto& action : actions) act(action);
    }

    void act(sync::ServerAction& action) {
        namespace out = sync::server_out;
        namespace in = sync::server_in;
        if (auto* reply = std::get_if<out::Reply>(&action)) {
            transport_->reply(reply->token, std::move(reply->frame));
        } else if (const auto* hello = std::get_if<out::LookUpTill>(&action)) {
            writes_.post([this, token = hello->token, hello = hello->hello] {
                answer(in::TillKnown{token, shop_.inbox().register_till(hello, clock_.wall()), {}});
            });
        } else if (auto* store = std::get_if<out::Store>(&action)) {
            writes_.post([this, token = store->token,
                          batch = std::make_shared<sync::PushedBatch>(std::move(store->batch))] {
                tokens_.push_back(token);
                batches_.push_back(std::move(*batch));
            });
        } else if (const auto* read = std::get_if<out::ReadFeed>(&action)) {
            step(in::FeedRead{read->token, in::FeedPage{}});
        } else if (const auto* manifest = std::get_if<out::ReadManifest>(&action)) {
            step(in::ManifestRead{manifest->token, sync::Manifest{{0}}, 0});
        } else if (const auto* close = std::get_if<out::ClosePipe>(&action)) {
            transport_->close_pipe(close->pipe);
        }
    }

    void answer(sync::ServerInput input) {
        jobs_.post([this, input = std::move(input)] { step(input); });
    }

    void store_all() {
        if (batches_.empty()) return;
        const auto tokens = std::exchange(tokens_, {});
        const auto batches = std::exchange(batches_, {});
        const auto stored = shop_.inbox().append(batches, clock_.wall());
        for (std::size_t i = 0; i < tokens.size(); ++i) {
            if (stored)
                answer(sync::server_in::Stored{tokens[i], (*stored)[i]});
            else
                answer(sync::server_in::Stored{tokens[i], tl::make_unexpected(stored.error())});
        }
    }

    ServerShop& shop_;
    SystemClock clock_;
    SeededRandom random_{5};
    sync::ServerSync sync_;
    std::unique_ptr<sync::ServerTransport> transport_;
    std::string url_;
    JobQueue jobs_;
    JobQueue writes_;
    // Of the writing thread.
    std::vector<sync::RequestToken> tokens_;
    std::vector<sync::PushedBatch> batches_;
    std::atomic<bool> ending_{false};
    std::thread loop_;
    std::thread writer_;
};

} // namespace

Result<std::unique_ptr<ServerDesk>> ServerDesk::start(const std::string& url, const sync::TlsServer& tls,
                                                      ServerShop& shop) {
    auto desk = std::make_unique<Desk>(shop);
    MUDI_CHECK(desk->open(url, tls));
    return std::unique_ptr<ServerDesk>(std::move(desk));
}

} // namespace mudi::bench
