#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <mudi/base/clock.hpp>
#include <mudi/base/random.hpp>
#include <mudi/base/result.hpp>
#include <mudi/server/api.hpp>
#include <mudi/sync/server_sync.hpp>
#include <mudi/sync/transport.hpp>

#include "reader.hpp"
#include "settings.hpp"
#include "writer.hpp"

namespace mudi::server {

/// Drives ServerSync: requests of the transport in, its actions out to writer, reader and transport; keeps
/// what was heard of every till. Loop thread only.
class SyncDriver {
public:
    SyncDriver(boost::asio::io_context& io, sync::Lineage lineage, sync::Access access,
               std::vector<StoreId> stores, const Clock& clock);
    SyncDriver(const SyncDriver&) = delete;
    SyncDriver& operator=(const SyncDriver&) = delete;

    /// Listens; errors of ServerTransport::start. Writer and reader are given before and outlive the
    /// requests.
    Status listen(const std::string& url, const sync::TlsServer& tls, Post post, Writer& writer,
                  Reader& reader);
    /// Errors of ServerTransport::renew.
    Status renew(const sync::TlsServer& tls) { return transport_->renew(tls); }
    void stop();

    // The writer's answers.
    void greeted(sync::server_in::TillKnown known);
    void stored(sync::server_in::Stored stored);
    void reserved(sync::server_in::Reserved reserved);
    void moved(const std::vector<FeedMoved>& buckets);
    /// The till is nobody, or somebody else, from now on: its connections are cut.
    void cut_off(TillId till);
    /// Their connections end; they come back and say hello.
    void greet_again(const std::vector<TillId>& tills);

    [[nodiscard]] std::string url() const { return transport_->url(); }
    [[nodiscard]] std::size_t connections() const { return transport_ ? transport_->connections() : 0; }
    [[nodiscard]] const std::unordered_map<TillId, Contact>& contacts() const { return contacts_; }

private:
    /// A hello or push that the writer has.
    struct Asking {
        sync::PipeId pipe{};
        TillId till;
        Incarnation life;
        EventSeq last;
    };
    /// Many tills of a store compare their copies at once after a restore: one reading does for all.
    struct KnownManifest {
        std::optional<ManifestPage> page;
        MonoTime read_at{};
        std::vector<sync::RequestToken> waiting;
    };

    void request(sync::RequestToken token, sync::PipeId pipe, std::string frame);
    void step(const sync::ServerInput& input);
    void carry_out(sync::ServerAction& action);
    void act(sync::server_out::Reply& reply);
    void act(sync::server_out::LookUpTill& look_up);
    void act(sync::server_out::Store& store);
    void act(sync::server_out::ReadFeed& read);
    void act(sync::server_out::ReadManifest& read);
    void act(sync::server_out::ReadPart& read);
    void act(sync::server_out::Reserve& reserve);
    void act(sync::server_out::ClosePipe& close);
    void act(sync::server_out::SetTimer& timer);
    void act(sync::server_out::Report& report);
    void manifest_read(const StoreId& store, Result<ManifestPage> page);
    KnownManifest& manifest_of(const StoreId& store);
    /// Null when too many tills are known.
    Contact* contact(TillId till);

    const Clock& clock_;
    SystemRandom random_;
    std::vector<StoreId> stores_;
    sync::ServerSync sync_;
    boost::asio::steady_timer timer_;
    Post post_;
    Writer* writer_{};
    Reader* reader_{};
    std::unique_ptr<sync::ServerTransport> transport_;
    std::unordered_map<TillId, Contact> contacts_;
    std::unordered_map<sync::PipeId, TillId> pipes_; ///< that said hello and were taken
    std::unordered_map<sync::RequestToken, Asking> hellos_;
    std::unordered_map<sync::RequestToken, Asking> pushes_;
    std::unordered_map<StoreId, KnownManifest> manifests_;
    sync::PipeId asking_pipe_{}; ///< of the request that is being stepped
    std::vector<std::vector<sync::ServerAction>> spare_;
    MonoTime reported_at_{};
    std::int64_t reports_held_{};
};

} // namespace mudi::server
