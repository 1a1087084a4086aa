#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <mudi/base/random.hpp>
#include <mudi/sync/server_sync.hpp>
#include <mudi/sync/till_sync.hpp>

/// The two cores wired back to back, with nothing around them but maps: a net that loses, doubles and delays,
/// a server that restarts, forgets tombstones and is put back to an earlier state. For the rules of the
/// protocol alone; disks, real stores and everything else that can go wrong are the simulator's.
namespace mudi::test {

using RowName = std::pair<std::uint32_t, std::string>;

struct ServerStore {
    using Life = std::pair<std::int64_t, std::uint64_t>;
    struct Kept {
        sync::Event event;
        Bits128 chain;
    };
    sync::Lineage lineage;
    std::int64_t counter{}; ///< newest version given out
    std::int64_t horizon{};
    std::map<RowName, sync::FeedRow> rows; ///< tombstones too
    std::map<Life, std::vector<Kept>> inbox;
};

struct PairOptions {
    bool restores{true};         ///< of the server, to an earlier state
    unsigned loss_percent{25};   ///< at most: each seed draws its own
    unsigned double_percent{25}; ///< likewise
    int rows{120};
};

class PairWorld {
public:
    PairWorld(std::uint64_t seed, PairOptions options = {});
    ~PairWorld();
    /// A storm, then a calm. Empty when every promise held.
    std::string run();

    struct Marks {
        int compared{};
        int parts{};
        int restored{};
        int granted{};
        int unreachable{};
        int challenged{};
        int lives{};
    } marks;

private:
    struct Till;
    struct Asked {
        std::size_t till{};
        std::uint64_t link{};
        std::uint64_t request{};
    };

    void after(std::int64_t ms, std::function<void()> what);
    void advance(std::int64_t until_ms);
    [[nodiscard]] bool chance(unsigned percent) { return random_.below(100) < percent; }
    [[nodiscard]] std::int64_t delay() { return 1 + static_cast<std::int64_t>(random_.below(40)); }
    [[nodiscard]] MonoTime mono() const { return MonoTime{Duration{now_ms_}}; }
    [[nodiscard]] Time wall() const { return time_from_ms(1'798'785'000'000 + now_ms_); }
    void broke(const std::string& what) {
        if (broken_.empty()) broken_ = what;
    }

    void link(std::size_t till, bool up);
    void bounce();
    void to_till(std::size_t till, const sync::TillInput& in);
    void act(std::size_t till, const sync::till_out::Send& send);
    void act(std::size_t till, const sync::till_out::Sign& sign);
    void act(std::size_t till, const sync::till_out::ReadOutbox& read);
    void act(std::size_t till, const sync::till_out::SaveAck& save);
    void act(std::size_t till, const sync::till_out::ApplyFeed& apply);
    void act(std::size_t till, const sync::till_out::CompareManifest& compare);
    void act(std::size_t till, const sync::till_out::ApplyPart& apply);
    void act(std::size_t till, const sync::till_out::NewLife& life);
    void act(std::size_t till, const sync::till_out::SaveCertificate&);
    void act(std::size_t till, const sync::till_out::Answered& answered);
    void act(std::size_t till, const sync::till_out::SetTimer& timer);
    void act(std::size_t till, const sync::till_out::Report& report);

    void start_server();
    void arrives(std::size_t till, std::uint64_t link, std::uint64_t request, const std::string& frame);
    void to_server(const sync::ServerInput& in);
    /// The driver's work takes a moment, and may find another server when it is done.
    void later(std::function<sync::ServerInput()> work);
    void act(const sync::server_out::Reply& reply);
    void act(const sync::server_out::LookUpTill& look);
    void act(const sync::server_out::Store& store);
    void act(const sync::server_out::ReadFeed& read);
    void act(const sync::server_out::ReadManifest& read);
    void act(const sync::server_out::ReadPart& read);
    void act(const sync::server_out::Reserve& reserve);
    void act(const sync::server_out::ClosePipe&);
    void act(const sync::server_out::SetTimer& timer);
    void act(const sync::server_out::Report&);
    [[nodiscard]] sync::Standing standing(const ServerStore::Life& life) const;
    [[nodiscard]] Result<sync::Standing> append(const sync::PushedBatch& batch);

    void change_row();
    void capture(std::size_t till);
    void ask(std::size_t till);
    void fault();
    [[nodiscard]] bool settled() const;
    void check();

    SeededRandom random_;
    PairOptions options_;
    bool storm_{true};
    std::int64_t now_ms_{};
    std::uint64_t order_{};
    struct Due {
        std::int64_t at_ms{};
        std::uint64_t order{};
        std::function<void()> what;
        friend bool operator>(const Due& a, const Due& b) {
            return a.at_ms != b.at_ms ? a.at_ms > b.at_ms : a.order > b.order;
        }
    };
    std::priority_queue<Due, std::vector<Due>, std::greater<>> heap_;

    std::vector<std::unique_ptr<Till>> tills_;
    ServerStore store_;
    std::vector<ServerStore> backups_;
    std::unique_ptr<sync::ServerSync> server_;
    std::uint64_t process_{}; ///< of the server
    sync::RequestToken last_token_{};
    std::map<sync::RequestToken, Asked> asked_;
    std::uint64_t last_link_{};
    std::map<Bits128, std::string> owed_; ///< captured events
    std::string broken_;
};

} // namespace mudi::test
