#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
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

#include "own_identity.hpp"

namespace mudi::till {

/// Carries out what TillSync decides: sends, signs, reads the outbox, applies the feed, wakes it; forgets
/// what is old, renews the certificate and looks after a full disk. Without a server address it does only the
/// housework. Loop thread only.
class SyncDriver {
public:
    /// When the housework is done.
    struct Rhythm {
        using Wait = std::chrono::steady_clock::duration;
        Wait prune_first{std::chrono::minutes{1}};
        Wait prune_every{std::chrono::hours{6}};
        Wait relief_every{std::chrono::minutes{1}};
        Wait relief_pressed{std::chrono::seconds{5}}; ///< while the disk is full
        Wait relief_step{std::chrono::milliseconds{100}};
        /// Often, because a clock that was set or a machine that slept tells nobody; it costs a comparison.
        Wait certificate_every{std::chrono::minutes{1}};
    };
    struct Parts {
        boost::asio::io_context& io;
        Replica& replica;
        const Clock& clock;
        Random& random;
        std::function<void(const FeedOutcome&)> applied;
        /// Called when the link comes or goes and whenever the till is level with the server.
        std::function<void(bool linked, std::optional<Time> level_at)> seen;
        std::optional<OwnIdentity> identity{}; ///< of an enrolled till
        Rhythm rhythm{};
        std::function<sync::OnHold(RightsHolder own)> on_hold{}; ///< for hellos; none: they do not say
    };
    struct Server {
        std::string url; ///< empty: work alone
        sync::TlsClient tls{};
        sync::TillLimits limits{};
        sync::Reconnect reconnect{};
    };
    using OnAnswer = std::function<void(Result<sync::ReserveAnswer>)>;

    /// Errors of TillTransport::start.
    static Result<std::unique_ptr<SyncDriver>> start(Parts parts, Server server);
    SyncDriver(const SyncDriver&) = delete;
    SyncDriver& operator=(const SyncDriver&) = delete;

    void captured(EventSeq last);
    /// Asks the server while a customer waits. `on_answer` is called once: at once with server.unreachable
    /// (unavailable) or server.asked (busy), else within TillLimits::ask_timeout. Not after stop().
    void ask(const sync::Reserve& question, OnAnswer on_answer);
    [[nodiscard]] LinkFacts facts() const;
    void stop();

private:
    SyncDriver(Parts parts, Server server);
    void feed(sync::TillInput input);
    void step_all();
    void carry_out(sync::TillAction& action);
    void act(sync::till_out::Send& action);
    void act(const sync::till_out::Sign& action);
    void act(const sync::till_out::ReadOutbox& action);
    void act(const sync::till_out::SaveAck& action);
    void act(sync::till_out::ApplyFeed& action);
    void act(const sync::till_out::CompareManifest& action);
    void act(const sync::till_out::ApplyPart& action);
    void act(const sync::till_out::NewLife& action);
    void act(const sync::till_out::SaveCertificate& action);
    void act(sync::till_out::Answered& action);
    void act(const sync::till_out::SetTimer& action);
    void act(const sync::till_out::Report& action);
    void tell(const Result<FeedOutcome>& outcome);
    void answered(std::uint64_t request, Result<std::string> frame);
    void link(bool up);
    void look_at_link();
    void is_level();
    [[nodiscard]] Time server_time() const;

    void prune();
    void relieve();
    void look_at_disk();
    void look_at_certificate();
    void renew_if_due();
    void tell_of_expiry();
    void tell_of_silence();
    void look_at_holder();
    void start_sync_anew();
    using Work = void (SyncDriver::*)();
    void later(boost::asio::steady_timer& timer, Rhythm::Wait wait, Work work);

    Parts parts_;
    Server server_;
    std::unique_ptr<sync::TillSync> sync_;
    boost::asio::steady_timer timer_;
    boost::asio::steady_timer prune_timer_;
    boost::asio::steady_timer relief_timer_;
    boost::asio::steady_timer certificate_timer_;
    std::unique_ptr<sync::TillTransport> transport_;
    std::optional<MonoTime> wake_at_;
    std::deque<sync::TillInput> inputs_;
    std::vector<sync::TillAction> actions_;
    bool stepping_{false};
    bool stopped_{false};
    bool link_up_{false};   ///< of the transport
    bool linked_{false};    ///< greeted
    bool level_{false};     ///< on this link
    bool renewing_{false};  ///< sync_ asks for a certificate until it comes
    bool expired_{false};   ///< said so
    bool silent_{false};    ///< said so
    MonoTime down_since_{}; ///< of the transport's link
    /// What a TillSync calls request n travels as requests_before_ + n, so that no answer to a question of an
    /// earlier one is taken for another's.
    std::uint64_t requests_before_{};
    std::uint64_t last_request_{};
    std::uint64_t last_pull_{};
    std::uint64_t asked_{};
    std::map<std::uint64_t, OnAnswer> waiting_;
    Pressure pressure_{Pressure::none}; ///< as last logged
    std::string refused_;
    std::optional<Time> last_contact_;
    std::optional<Time> level_at_;
};

} // namespace mudi::till
