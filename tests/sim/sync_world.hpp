#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include <mudi/base/random.hpp>
#include <mudi/sync/server_sync.hpp>
#include <mudi/sync/till_sync.hpp>

/// Tills and a server in one thread with one seed: the real cores; disks, net, clocks and operators made
/// here. A disk keeps what was written to it at once (its crash behaviour is another test's business); a
/// process loses all the rest.
namespace mudi::sim {

/// How bad the world is; each seed draws its own.
struct Weather {
    unsigned loss_percent{};
    unsigned double_percent{};
    std::int64_t delay_max_ms{20};
    unsigned apply_fails_percent{};
    unsigned save_ack_lost_percent{};
    unsigned read_fails_percent{};
};

/// What must have happened in some seed, or the test proves nothing.
struct Marks {
    std::set<std::string> seen;
};

struct StoredEvent {
    sync::Event event;
    Bits128 chain;
};

struct ServerDisk {
    using Life = std::pair<std::int64_t, std::uint64_t>; ///< till, incarnation
    std::uint64_t generation{1};
    std::map<Life, std::vector<StoredEvent>> inbox;
    struct Bucket {
        std::int64_t newest{};
        std::map<std::string, sync::FeedRow> rows; ///< newest state by key, tombstones too
    };
    std::map<std::string, Bucket> buckets;

    [[nodiscard]] bool holds(EventId id) const;
};

struct TillDisk {
    sync::TillState state;
    std::vector<StoredEvent> outbox;
    std::map<std::string, std::string> feed;
    bool replacing{false};
    std::set<std::string> replaced; ///< keys that came since the replacement began
};

class World;

class TillNode {
public:
    TillNode(World& world, TillDisk disk);

    void start();
    void stop();
    void link(bool up);
    void capture();
    void input(const sync::TillInput& in);
    void restore(TillDisk image);

    [[nodiscard]] bool running() const { return core_ != nullptr; }
    [[nodiscard]] const sync::TillSync& core() const { return *core_; }
    TillDisk disk;

private:
    void act(const sync::till_out::Send& send);
    void act(const sync::till_out::ReadOutbox& read);
    void act(const sync::till_out::SaveAck& save);
    void act(const sync::till_out::ApplyFeed& apply);
    void act(const sync::till_out::NewLife& life);
    void act(const sync::till_out::SetTimer& timer);
    void act(const sync::till_out::Report& report);

    World& world_;
    std::unique_ptr<sync::TillSync> core_;
    std::uint64_t process_{}; ///< what was meant for an earlier process does not reach this one
    std::set<std::uint64_t> unanswered_;
};

class ServerNode {
public:
    explicit ServerNode(World& world) : world_(world) {}

    void start();
    void stop();
    void request(std::string frame, std::function<void(std::string)> reply);
    void change_feed();
    void restore(ServerDisk image);

    [[nodiscard]] bool running() const { return core_ != nullptr; }
    ServerDisk disk;

private:
    void input(const sync::ServerInput& in);
    void act(const sync::server_out::Reply& reply);
    void act(const sync::server_out::LookUpTill& look);
    void act(const sync::server_out::Store& store);
    void act(const sync::server_out::ReadFeed& read);
    void act(const sync::server_out::SetTimer& timer);
    void act(const sync::server_out::Report& report);

    Result<sync::HighWater> store(const sync::PushedBatch& batch);

    World& world_;
    std::unique_ptr<sync::ServerSync> core_;
    std::uint64_t process_{};
    sync::RequestToken last_token_{};
    std::map<sync::RequestToken, std::function<void(std::string)>> replies_;
};

class World {
public:
    World(std::uint64_t seed, Marks& marks);

    /// Rings up sales under faults, then lets everything settle. Empty when all promises held, else what
    /// broke.
    std::string run();

    void after(std::int64_t ms, std::function<void()> what);
    [[nodiscard]] bool chance(unsigned percent) { return random.below(100) < percent; }
    [[nodiscard]] MonoTime mono() const { return MonoTime{Duration{now_ms_}}; }
    [[nodiscard]] Time wall() const { return time_from_ms(1'798'785'000'000 + now_ms_); }
    void fail(const std::string& what) {
        if (broken_.empty()) broken_ = what;
    }

    SeededRandom random;
    Weather weather;
    Marks& marks;
    std::vector<std::unique_ptr<TillNode>> tills;
    ServerNode server;
    std::map<Bits128, std::string> captured; ///< every event ever, by id, with its body
    std::set<Bits128> owed;                  ///< those that some disk still proves

private:
    void fault();
    void restore_server();
    void restore_till();
    void clone_till();
    void bounce_links();
    void advance(std::int64_t until_ms);
    [[nodiscard]] bool settled() const;
    void check_inbox();
    void check_feeds();

    struct Due {
        std::int64_t at_ms{};
        std::uint64_t order{};
        std::function<void()> what;
        friend bool operator>(const Due& a, const Due& b) {
            return a.at_ms != b.at_ms ? a.at_ms > b.at_ms : a.order > b.order;
        }
    };
    std::priority_queue<Due, std::vector<Due>, std::greater<>> heap_;
    std::int64_t now_ms_{};
    std::uint64_t order_{};
    std::vector<ServerDisk> server_backups_;
    std::vector<std::pair<std::size_t, TillDisk>> till_images_;
    std::string broken_;
};

} // namespace mudi::sim
