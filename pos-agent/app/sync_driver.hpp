#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <mudi/base/clock.hpp>
#include <mudi/base/random.hpp>
#include <mudi/sync/till_sync.hpp>
#include <mudi/sync/transport.hpp>
#include <mudi/till/api.hpp>
#include <mudi/till/store.hpp>

namespace mudi::till {

/// Carries out what TillSync decides: sends, reads the outbox, applies the feed, wakes it. Without a server
/// address it only keeps quiet. Loop thread only.
class SyncDriver {
public:
    struct Parts {
        boost::asio::io_context& io;
        Replica& replica;
        const Clock& clock;
        Random& random;
        std::function<void(const FeedOutcome&)> applied;
        /// Called when the link comes or goes and whenever the till is level with the server.
        std::function<void(bool linked, std::optional<Time> level_at)> seen;
    };

    /// Errors of TillTransport::start; an empty `url` means to work alone.
    static Result<std::unique_ptr<SyncDriver>> start(Parts parts, const std::string& url,
                                                     const sync::TlsClient& tls);
    SyncDriver(const SyncDriver&) = delete;
    SyncDriver& operator=(const SyncDriver&) = delete;

    void captured(EventSeq last);
    [[nodiscard]] LinkFacts facts() const;
    void stop();

private:
    explicit SyncDriver(Parts parts);
    void feed(sync::TillInput input);
    void carry_out(sync::TillAction& action);
    void act(sync::till_out::Send& action);
    void act(const sync::till_out::ReadOutbox& action);
    void act(const sync::till_out::SaveAck& action);
    void act(sync::till_out::ApplyFeed& action);
    void act(const sync::till_out::NewLife& action);
    void act(const sync::till_out::SetTimer& action);
    void act(const sync::till_out::Report& action);
    void answered(std::uint64_t request, Result<std::string> frame);
    void look_at_link();
    void is_level();
    void prune();
    void prune_later(std::chrono::steady_clock::duration wait);

    Parts parts_;
    sync::TillSync sync_;
    boost::asio::steady_timer timer_;
    boost::asio::steady_timer prune_timer_;
    std::unique_ptr<sync::TillTransport> transport_;
    std::optional<MonoTime> wake_at_;
    std::deque<sync::TillInput> inputs_;
    std::vector<sync::TillAction> actions_;
    bool stepping_{false};
    bool linked_{false};
    bool level_{false}; ///< on this link
    std::uint64_t last_pull_{};
    std::optional<Time> last_contact_;
    std::optional<Time> level_at_;
};

} // namespace mudi::till
