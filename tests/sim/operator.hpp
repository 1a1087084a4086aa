#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "till_machine.hpp"

namespace mudi::sim {

/// A server's disk as it was at some moment, or a verified backup of its database.
struct ServerCopy {
    DiskImage disk;
    std::int64_t at_ms{};
    std::int64_t true_ms{}; ///< the same with the nights
    bool verified{false};
    std::unordered_set<Bits128> events; ///< of its inbox
};

/// Fate, and everybody who may touch the machines: breaks things and mends them, at the rates of the swarm.
/// Knows of every event that is destroyed by people which copies there were.
class Operator {
public:
    explicit Operator(World& world) : world_(world) {}

    /// Enrols the tills and lets everything begin.
    void begin();
    /// No more acts; what is broken is mended, everybody is brought up to the newest program.
    void mend_all();
    /// The file of a backup that was just verified is taken away to a safe place.
    void keep_backup(const std::string& name);
    /// A damaged disk is replaced by a new one.
    void replace_disk(TillMachine& machine);

    /// Is it in a verified backup?
    [[nodiscard]] bool is_safe(EventId event) const;
    /// True once after each restore of the server.
    /// How often the server was put back, and whether the last time in the way that makes its books wait
    /// until the tills have told what is missing.
    [[nodiscard]] int server_restores() const { return all_upset_; }
    [[nodiscard]] bool server_settles() const { return server_settles_; }
    /// Of what it was put back to the last time; true time since the world began.
    [[nodiscard]] std::int64_t server_copy_true_ms() const { return server_copy_true_ms_; }
    [[nodiscard]] bool server_was_restored() { return std::exchange(server_restored_, false); }
    /// It was put back behind the newest verified backup.
    [[nodiscard]] bool server_is_behind() const { return server_is_behind_; }
    /// How often something happened after which this till may find its history forked.
    [[nodiscard]] int upsets(TillId till) const;
    /// Said to be gone.
    [[nodiscard]] bool revoked(TillId till) const { return revoked_.contains(till.value); }
    [[nodiscard]] bool scrapped(const TillMachine& machine) const {
        return scrapped_.contains(machine.number());
    }

private:
    void each(PerHour rate, std::function<void()> act);
    TillMachine& any_till();
    Node& any_node();
    /// The ids of all events in the inbox of that disk's database.
    static std::unordered_set<Bits128> events_of(const DiskImage& image);
    std::unordered_set<Bits128> on_disks(const TillMachine* without) const;

    // Fate (fate.cpp).
    void begin_fate();
    void kill(Node& node);
    void fill_disk(Node& node);
    void break_disk(Node& node);
    void slow_disk(Node& node);
    void step_clock();
    void leap();
    void part();
    void outage();
    void clog();

    // People (operator.cpp).
    void begin_acts();
    void copy_server();
    void restore_server();
    void image_till();
    void restore_till();
    void clone_till();
    void swap_disks();
    void new_disk(TillMachine& machine);
    void revoke_till();
    void change_version();
    void change_catalogue();
    void import_customers(bool moves);
    void mend_enrolments();
    void scrap(TillMachine& machine);
    void destroy(TillMachine& machine, const DiskFacts* instead);

    World& world_;
    std::vector<ServerCopy> copies_;
    std::vector<ServerCopy> backups_;
    std::unordered_set<Bits128> safe_; ///< in any verified backup
    std::vector<TillImage> images_;
    std::set<std::int64_t> revoked_;
    std::set<int> scrapped_;
    std::int64_t edition_{};
    int clones_{};
    bool acts_upgrade_{false};
    bool server_restored_{true};
    bool server_is_behind_{false};
    bool server_settles_{true};
    std::int64_t server_copy_true_ms_{};
    int all_upset_{};
    std::map<std::int64_t, int> upsets_;
};

} // namespace mudi::sim
