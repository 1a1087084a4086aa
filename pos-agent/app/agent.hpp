#pragma once

#include <memory>
#include <set>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <mudi/base/clock.hpp>
#include <mudi/base/random.hpp>
#include <mudi/http/server.hpp>
#include <mudi/till/api.hpp>
#include <mudi/till/desk.hpp>
#include <mudi/till/store.hpp>

#include "file_reserve.hpp"
#include "file_witness.hpp"
#include "folder_lock.hpp"
#include "lead_client.hpp"
#include "lead_service.hpp"
#include "settings.hpp"
#include "spool.hpp"
#include "sync_driver.hpp"

namespace mudi::till {

/// One till: database, desk, API, spool and sync on one loop. Built and destroyed on the loop's thread, or
/// while nobody runs it.
class Agent {
public:
    /// config.* for what the settings and the enrolment lack; agent.running; till.key_missing (corrupt: the
    /// database is there, its key is not); and whatever the parts refuse: file.*, db.*, till.*, identity.*,
    /// http.*, transport.*, pairing.corrupt, spool.watch.
    static Result<std::unique_ptr<Agent>> start(boost::asio::io_context& io, const Settings& settings,
                                                const Clock& clock);
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;
    /// Calls stop().
    ~Agent();

    [[nodiscard]] std::uint16_t port() const { return server_->port(); }
    /// "mudi-till ready http://127.0.0.1:PORT unix:SOCKET"
    [[nodiscard]] std::string ready_line() const;
    /// Where neighbours ask this till for points; empty: it does not lend.
    [[nodiscard]] std::string lending_at() const { return lead_service_ ? lead_service_->url() : ""; }
    /// No request is taken any more; what was saved is saved.
    void stop();

private:
    Agent(boost::asio::io_context& io, Settings settings, FolderLock lock, const Clock& clock);
    Status open_store(const Settings& settings, const CheckedSettings& checked);
    Status open_api(boost::asio::io_context& io, const Settings& settings);
    Result<std::unique_ptr<Store>> open_database(const StoreOptions& options);
    Status start_sync(boost::asio::io_context& io, const Settings& settings);
    Status open_spool(boost::asio::io_context& io, const Settings& settings);
    void feed_applied(const FeedOutcome& outcome);
    void server_seen(bool linked, std::optional<Time> level_at);

    // agent_points.cpp
    [[nodiscard]] std::unique_ptr<FileWitness> make_witness() const;
    PointsLine points_line();
    void start_points();
    void stop_points();
    void later(Duration wait, std::function<void()> work);
    void ask_lead(const sync::Reserve& question, PointsLine::OnAnswer on_answer);
    void tidy();
    void tidy_later(Duration wait);
    void settle_questions();
    void look_at_lead();
    Status start_lending(std::string certificate);
    void hand_over_captured();

    boost::asio::io_context& io_;
    Settings settings_;
    FolderLock lock_;
    const Clock& clock_;
    SystemRandom random_;
    std::string socket_path_;
    std::unique_ptr<FileReserve> reserve_;
    std::unique_ptr<FileWitness> witness_;
    std::unique_ptr<Store> store_;
    std::unique_ptr<Desk> desk_;
    std::unique_ptr<Api> api_;
    std::unique_ptr<SyncDriver> sync_;
    std::unique_ptr<Spool> spool_;
    std::unique_ptr<http::Server> server_;
    bool linked_{false};

    boost::asio::steady_timer tidy_timer_;
    std::set<std::shared_ptr<boost::asio::steady_timer>> timers_; ///< of work to be done later
    std::unique_ptr<LeadService> lead_service_;
    std::string lending_with_; ///< the certificate it shows
    std::unique_ptr<LeadClient> lead_client_;
    EventSeq handed_over_;
    bool stopped_{false};
};

} // namespace mudi::till
