#pragma once

#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>

#include <mudi/base/clock.hpp>
#include <mudi/base/random.hpp>
#include <mudi/http/server.hpp>
#include <mudi/till/api.hpp>
#include <mudi/till/desk.hpp>
#include <mudi/till/store.hpp>

#include "folder_lock.hpp"
#include "settings.hpp"
#include "spool.hpp"
#include "sync_driver.hpp"

namespace mudi::till {

/// One till: database, desk, API, spool and sync on one loop. Built and destroyed on the loop's thread, or
/// while nobody runs it.
class Agent {
public:
    /// config.* for what `check` refuses; agent.running; till.key_missing (corrupt: the database is there,
    /// its key is not); and whatever the parts refuse: file.*, db.*, till.*, http.*, transport.*,
    /// pairing.corrupt, spool.watch.
    static Result<std::unique_ptr<Agent>> start(boost::asio::io_context& io, const Settings& settings,
                                                const Clock& clock);
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;
    /// Calls stop().
    ~Agent();

    [[nodiscard]] std::uint16_t port() const { return server_->port(); }
    /// "mudi-till ready http://127.0.0.1:PORT unix:SOCKET"
    [[nodiscard]] std::string ready_line() const;
    /// No request is taken any more; what was saved is saved.
    void stop();

private:
    Agent(FolderLock lock, const Clock& clock);
    Status open_store(const Settings& settings, const CheckedSettings& checked);
    Status open_api(boost::asio::io_context& io, const Settings& settings);
    Status start_sync(boost::asio::io_context& io, const Settings& settings);
    Status open_spool(boost::asio::io_context& io, const Settings& settings);
    void feed_applied(const FeedOutcome& outcome);
    void server_seen(bool linked, std::optional<Time> level_at);

    FolderLock lock_;
    const Clock& clock_;
    SystemRandom random_;
    std::string socket_path_;
    std::unique_ptr<Store> store_;
    std::unique_ptr<Desk> desk_;
    std::unique_ptr<Api> api_;
    std::unique_ptr<SyncDriver> sync_;
    std::unique_ptr<Spool> spool_;
    std::unique_ptr<http::Server> server_;
    bool linked_{false};
};

} // namespace mudi::till
