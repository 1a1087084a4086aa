#include "checkers.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <mudi/crm/customer.hpp>
#include <mudi/server/counters.hpp>

#include "operator.hpp"
#include "points_books.hpp"
#include "server_machine.hpp"
#include "till_machine.hpp"

namespace mudi::sim {
namespace {

namespace counter = server::counter;

/// I11: of nobody's points more is set aside than there is, at any step of the server's books, but for what a
/// return, a void or a correction takes away afterwards; nobody spends in the end more than was earned; and
/// the server sees no right used twice. Under the floor limit, which risks just that: no till goes beyond the
/// limit between two times that it is level with the server.
class PointsAreCovered final : public Checker {
public:
    using Checker::Checker;
    [[nodiscard]] std::string_view name() const override { return "I11"; }

    void server_started() override {
        if (!pays()) return;
        begin_anew_ = true;
        if (world_.people->server_restores() == restores_) return;
        restores_ = world_.people->server_restores();
        // The numbers of records are given out anew.
        groups_.clear();
        group_of_.clear();
        if (world_.people->server_settles()) return;
        // Nothing tells the server that it was put back, until a till does that knows more.
        unknowing_.push_back({world_.people->server_copy_true_ms(), forever});
    }

    void points_moved(std::span<const SourceRecordId> records) override {
        if (world_.swarm.points.floor || !may_look()) return;
        if (!records.empty() && !begin_anew_) return look_at(records);
        const auto all = world_.server->books().all();
        if (!all) return;
        look_at(*all);
        if (!world_.failed()) begin_anew_ = false;
    }

    void every_minute() override {
        if (!pays() || !world_.server->running()) return;
        points_moved({});
        look_for_breach();
        if (world_.server->books().any_right()) world_.outcome.marks.hit("rights granted");
    }

    void points_spent(TillMachine& till, const Deed& deed) override {
        if (!world_.swarm.points.floor || deed.by_server) return;
        auto& spent = alone_[{till.number(), deed.profile.value}];
        spent += deed.redeemed;
        if (spent > crm::LoyaltyRules{}.redeem_offline_max.value)
            world_.fail(name(), till.name() + " goes beyond the floor limit");
    }
    void till_level(TillMachine& till) override { reset(till); }
    void disk_changed(TillMachine& till) override { reset(till); }

    void at_rest() override {
        if (!pays()) return;
        every_minute();
        if (!world_.failed() && !world_.swarm.points.floor) look_at_customers();
    }

private:
    static constexpr std::int64_t forever = INT64_MAX;
    /// A time of which the server knows nothing.
    struct Unknown {
        std::int64_t from_ms{};
        std::int64_t to_ms{};
    };
    /// Records that are or were one profile: rights stay with the record under which they were granted.
    struct Group {
        std::vector<SourceRecordId> records;
        std::int64_t over{}; ///< set aside beyond the balance
        std::int64_t taken{};
    };

    [[nodiscard]] bool pays() const { return world_.swarm.points.pays > 0; }

    /// Not while the books wait for what the tills did in a history that was lost.
    bool may_look() {
        const auto settling = world_.server->books().counter(counter::points_settling);
        if (!settling) return false;
        const bool waits = !unknowing_.empty() && unknowing_.back().to_ms == forever;
        if (*settling != 0) {
            world_.outcome.marks.hit("settling after restore");
            if (waits) unknowing_.back().to_ms = world_.timeline.true_ms();
            begin_anew_ = true;
            return false;
        }
        return !waits;
    }

    Group* group(SourceRecordId record) {
        const auto beside = world_.server->books().beside(record);
        if (!beside) return nullptr;
        const auto known = group_of_.find(record.value);
        const std::size_t at = known != group_of_.end() ? known->second : groups_.size();
        if (at == groups_.size()) groups_.emplace_back();
        for (const SourceRecordId other : *beside) {
            const auto [place, fresh] = group_of_.emplace(other.value, at);
            if (fresh) groups_[at].records.push_back(other);
            if (place->second != at) join(place->second, at);
        }
        return &groups_[at];
    }

    void join(std::size_t from, std::size_t into) {
        for (const SourceRecordId record : groups_[from].records) {
            group_of_[record.value] = into;
            groups_[into].records.push_back(record);
        }
        groups_[into].over =
            std::max<std::int64_t>(groups_[into].over, 0) + std::max<std::int64_t>(groups_[from].over, 0);
        groups_[into].taken += groups_[from].taken;
        groups_[from] = Group{};
    }

    void look_at(std::span<const SourceRecordId> records) {
        for (const SourceRecordId record : records) {
            Group* const found = group(record);
            if (found == nullptr || world_.failed()) return;
            look_at(*found);
        }
    }

    void look_at(Group& of) {
        PointsBooks::Account sum;
        for (const SourceRecordId record : of.records) {
            const auto account = world_.server->books().of(record);
            if (!account) return;
            sum.balance += account->balance;
            sum.taken += account->taken;
            sum.aside += account->aside;
        }
        const std::int64_t over = sum.aside - sum.balance;
        const std::int64_t allowed = std::max<std::int64_t>(of.over, 0) + sum.taken - of.taken;
        const std::int64_t too_much = over - std::max<std::int64_t>(allowed, 0);
        if (too_much > 0 && !begin_anew_ && !excused(too_much)) {
            return world_.fail(name(), std::to_string(sum.aside) + " points are set aside of record " +
                                           std::to_string(of.records.front().value) + ", which has " +
                                           std::to_string(sum.balance));
        }
        of.over = over;
        of.taken = sum.taken;
    }

    void look_for_breach() {
        const auto breached = world_.server->books().counter(counter::points_breached);
        if (world_.swarm.points.floor || !unknowing_.empty() || !breached || *breached <= beyond()) return;
        world_.fail(name(), std::to_string(*breached) + " points were spent under a right that was used up");
    }

    /// What tills spent that people had given up.
    [[nodiscard]] std::int64_t beyond() const {
        std::int64_t sum = 0;
        for (const Deed& deed : world_.oracle.deeds()) sum += deed.beyond ? deed.redeemed : 0;
        return sum;
    }
    bool excused(std::int64_t points) {
        if (excused_ + points > beyond()) return false;
        excused_ += points;
        return true;
    }

    [[nodiscard]] bool was_unknown(const Deed& deed) const {
        return std::any_of(unknowing_.begin(), unknowing_.end(), [&](const Unknown& time) {
            return deed.paid_ms >= time.from_ms && deed.granted_ms <= time.to_ms;
        });
    }

    void look_at_customers() {
        struct Account {
            std::int64_t earned{};
            std::int64_t spent{};
            bool unknown{false};
        };
        std::map<int, Account> accounts;
        // What was paid with points gives them back when it is voided. A void names its sale by number, and
        // where a till was put back its POS gives out numbers again: the server may take either sale for the
        // one meant.
        std::set<std::string> voided;
        for (const Deed& deed : world_.oracle.deeds())
            if (deed.voids != 0) voided.insert(world_.oracle.deed(deed.voids).number);
        for (const Deed& deed : world_.oracle.deeds()) {
            if (deed.customer < 0) continue;
            Account& account = accounts[deed.customer];
            account.earned += deed.earned;
            if (!deed.ok || deed.lost || deed.redeemed == 0) continue;
            if (voided.contains(deed.number)) continue;
            account.spent += deed.redeemed;
            account.unknown = account.unknown || deed.beyond || was_unknown(deed);
        }
        for (const auto& [customer, account] : accounts) {
            if (account.spent <= account.earned || account.unknown) continue;
            return world_.fail(name(), "customer " + std::to_string(customer) + " spent " +
                                           std::to_string(account.spent) + " points and earned " +
                                           std::to_string(account.earned));
        }
    }

    void reset(const TillMachine& till) {
        std::erase_if(alone_, [&](const auto& spent) { return spent.first.first == till.number(); });
    }

    std::vector<Group> groups_;
    std::unordered_map<std::int64_t, std::size_t> group_of_;
    std::vector<Unknown> unknowing_;
    std::map<std::pair<int, std::int64_t>, std::int64_t> alone_; ///< machine, profile -> points
    std::int64_t excused_{};
    int restores_{};
    bool begin_anew_{true};
};

} // namespace

void add_points_checkers(World& world, std::vector<std::unique_ptr<Checker>>& out) {
    out.push_back(std::make_unique<PointsAreCovered>(world));
}

} // namespace mudi::sim
