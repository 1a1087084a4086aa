#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <mudi/base/clock.hpp>
#include <mudi/base/result.hpp>
#include <mudi/server/api.hpp>
#include <mudi/sync/server_sync.hpp>
#include <mudi/sync/transport.hpp>

#include "reader.hpp"
#include "settings.hpp"
#include "writer.hpp"

namespace mudi::server {

/// Drives ServerSync: requests of the transport in, its actions out to writer, reader and transport. Loop
/// thread only.
class SyncDriver {
public:
    SyncDriver(boost::asio::io_context& io, std::uint64_t generation, std::vector<StoreId> stores,
               const Clock& clock);
    SyncDriver(const SyncDriver&) = delete;
    SyncDriver& operator=(const SyncDriver&) = delete;

    /// Listens; errors of ServerTransport::start. Writer and reader are given before and outlive the
    /// requests.
    Status listen(const std::string& url, const sync::TlsServer& tls, Post post, Writer& writer,
                  Reader& reader);
    void stop();

    // The writer's answers.
    void greeted(sync::RequestToken token, Result<sync::HighWater> mark);
    void stored(sync::RequestToken token, Result<sync::HighWater> mark);
    void moved(const std::vector<FeedMoved>& buckets);

    [[nodiscard]] std::string url() const { return transport_->url(); }
    [[nodiscard]] std::size_t connections() const { return transport_ ? transport_->connections() : 0; }
    [[nodiscard]] const std::unordered_map<TillId, Live::Contact>& contacts() const { return contacts_; }

private:
    void step(const sync::ServerInput& input);
    void carry_out(sync::ServerAction& action);
    void act(sync::server_out::Reply& reply);
    void act(sync::server_out::LookUpTill& look_up);
    void act(sync::server_out::Store& store);
    void act(sync::server_out::ReadFeed& read);
    void act(sync::server_out::SetTimer& timer);
    void act(sync::server_out::Report& report);
    /// Null when too many tills are known.
    Live::Contact* heard(TillId till);

    const Clock& clock_;
    std::vector<StoreId> stores_;
    sync::ServerSync sync_;
    boost::asio::steady_timer timer_;
    Post post_;
    Writer* writer_{};
    Reader* reader_{};
    std::unique_ptr<sync::ServerTransport> transport_;
    std::unordered_map<TillId, Live::Contact> contacts_;
    std::vector<std::vector<sync::ServerAction>> spare_;
    MonoTime reported_at_{};
    std::int64_t reports_held_{};
};

} // namespace mudi::server
