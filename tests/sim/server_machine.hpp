#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include <mudi/server/apply.hpp>
#include <mudi/server/backup.hpp>
#include <mudi/server/enrolment.hpp>
#include <mudi/server/feed.hpp>
#include <mudi/server/import.hpp>
#include <mudi/server/inbox.hpp>
#include <mudi/server/keys.hpp>
#include <mudi/server/offer_refresh.hpp>
#include <mudi/server/rights.hpp>
#include <mudi/sync/hlc.hpp>
#include <mudi/sync/server_sync.hpp>

#include "node.hpp"
#include "points_books.hpp"

namespace mudi::sim {

struct TillIdentity;

/// The server's programs on a simulated machine; the writer and the driver here do what server/app's do,
/// their threads being moments of one timeline.
class ServerMachine final : public Node {
public:
    /// Everything that writes.
    struct Stores {
        Stores(std::unique_ptr<db::Connection> opened, const server::ServerKeys& keys,
               const server::ApplyRules& apply_rules, const server::PointsPolicy& points);
        std::unique_ptr<db::Connection> connection;
        server::Inbox inbox;
        server::Enrolment enrolment;
        server::Backups backups;
        server::Apply apply;
        server::Import import;
        server::OfferRefresh offers;
        server::FeedWriter feed;
        server::RightsBook rights;
    };

    explicit ServerMachine(World& world);
    ~ServerMachine() override;

    // The network.
    void request(sync::RequestToken token, sync::PipeId pipe, std::string frame);
    void pipe_gone(sync::PipeId pipe);

    // People.
    using Moved = std::vector<server::FeedMoved>;
    using Job = std::function<void(Stores&, Moved&)>;
    /// In the writer, after what waits; lost when the program dies before.
    void run(Job job);
    /// Gives the machine's key to the till of this identity, whatever stood there before.
    void enrol(const TillIdentity& identity);
    void revoke(TillId till);
    /// Copies, verifies, records; each a moment later than the one before.
    void back_up();
    void sweep_tombstones();
    /// What `mudi server restore` writes into a backup before it puts it in place; the machine must be down.
    void settle_points();
    /// As a later program would: rows of a kind that nobody knows yet, in every bucket.
    void publish_future_rows(std::int64_t edition);
    static constexpr std::uint32_t future_kind = 77;

    [[nodiscard]] std::string unrest();
    /// Events are taken in and acknowledged, and nothing more: a crowd is a question of that alone.
    void only_accept() { only_accept_ = true; }
    [[nodiscard]] std::int64_t events_stored() const;
    [[nodiscard]] std::int64_t hlc() const { return program_->stores->inbox.hlc(); }
    [[nodiscard]] std::size_t queue_max() const { return queue_max_; }
    [[nodiscard]] std::size_t pulls_max() const { return pulls_max_; }
    /// Of the running program: for those who look from outside, on a connection of its own.
    [[nodiscard]] PointsBooks& books() { return *program_->books; }
    [[nodiscard]] server::FeedReader& feed() { return *program_->feed; }
    [[nodiscard]] const crm::IdentifierRules& identifiers() const { return program_->rules.identifiers; }
    static constexpr const char* file = "mudi.db";
    /// A till's program of this version writes what a server's of an earlier one does not know.
    static constexpr int future_version = 2;

private:
    struct Hello {
        sync::RequestToken token;
        sync::TillHello hello;
        std::optional<sync::Credentials> credentials;
    };
    static constexpr std::int64_t never_ms = std::int64_t{1} << 60;
    struct HelloAsked {
        std::int64_t next_ms{};
        std::int64_t pause_ms{};
    };
    struct Asked {
        sync::RequestToken token;
        sync::Reserve question;
    };
    struct Program {
        explicit Program(std::uint64_t seed) : random(seed) {}
        SeededRandom random;
        server::ApplyRules rules;
        std::unique_ptr<Stores> stores;
        std::unique_ptr<PointsBooks> books;
        std::unique_ptr<db::Connection> reader;
        std::unique_ptr<server::FeedReader> feed;
        std::unique_ptr<sync::ServerSync> sync;
        std::deque<Hello> hellos;
        std::deque<sync::server_out::Store> pushes;
        std::deque<Job> jobs;
        std::deque<Asked> reserves;
        std::map<std::int64_t, HelloAsked> asked_for_hello; ///< by till
        std::int64_t points_at_ms{never_ms};
        bool rights_called_back{false};
        std::deque<sync::ServerInput> inputs;
        bool stepping{false};
        bool turn_asked{false};
        bool upgrade_seen{false};
        bool apply_waits{true};
        bool offers_wait{true};
        std::int64_t free_at_ms{};
        std::int64_t blocked_until_ms{};
        std::int64_t offers_at_ms{};
        std::int64_t due_at_ms{};
        std::optional<MonoTime> wake_at;
        std::set<std::int64_t> revoked; ///< whose connections were cut by this program
    };
    /// What a turn of the writer leads to, told when its commits have taken their time.
    struct Results {
        std::size_t events{};
        std::vector<sync::ServerInput> inputs;
        std::vector<std::pair<sync::PushedBatch, Result<sync::Standing>>> stored;
    };

    Status start() override;
    void end() override;
    void started() override;
    void stopped() override;
    void damaged(const Error& error) override;
    Status open_stores();

    void step(sync::ServerInput input);
    void act(sync::server_out::Reply& reply);
    void act(sync::server_out::LookUpTill& look);
    void act(sync::server_out::Store& store);
    void act(const sync::server_out::ReadFeed& read);
    void act(const sync::server_out::ReadManifest& read);
    void act(const sync::server_out::ReadPart& read);
    void act(const sync::server_out::Reserve& reserve);
    void act(const sync::server_out::ClosePipe& close);
    void act(const sync::server_out::SetTimer& timer);
    void act(const sync::server_out::Report& report);
    template <class Read>
    void read_later(Read&& read);

    void ask_turn();
    void look_each_minute();
    void turn();
    void greet_all(Results& results);
    void accept(Results& results);
    void background(Results& results);
    void answer_reserves(Results& results);
    void refresh_offers(Results& results);
    void look_after_points();
    void look_after_points_at(std::int64_t ms);
    void ask_for_hellos(const std::vector<TillId>& tills);
    std::vector<SourceRecordId> dirty_records();
    void points_moved(std::span<const SourceRecordId> records);
    void retry_after_upgrade();
    void failed(const Error& error);
    static void moved(Results& results, const Moved& buckets);
    void disguise(sync::PushedBatch& batch) const;
    Status undisguise();
    void verify_copy(const std::string& name, Time made);

    std::unique_ptr<Program> program_;
    std::int64_t copies_{};
    bool only_accept_{false};
    std::size_t queue_max_{};
    std::size_t pulls_max_{};
};

} // namespace mudi::sim
