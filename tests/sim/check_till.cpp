#include "checkers.hpp"

#include <unordered_map>
#include <unordered_set>

#include "operator.hpp"
#include "server_machine.hpp"
#include "till_machine.hpp"

namespace mudi::sim {
namespace {

/// I1: every sale that the POS got OK for is on the disk after a start, under the same id; and nothing is
/// there that nobody rang up. A disk that lied may have lost some: then it must be noticed.
class SaleIsKept final : public Checker {
public:
    using Checker::Checker;
    [[nodiscard]] std::string_view name() const override { return "I1"; }

    void till_started(TillMachine& till) override {
        const auto stored = till.stored_events();
        if (!stored) return; // its disk fails just now
        std::unordered_set<Bits128> ids;
        for (const EventId event : *stored) {
            ids.insert(event.value);
            if (world_.oracle.attempt(event) == nullptr)
                return world_.fail(name(), till.name() + " holds an event that nobody made there");
        }
        std::erase_if(till.facts().kept, [&](const DiskFacts::Kept& kept) {
            if (ids.contains(kept.event.value)) return false;
            missing(till, kept);
            return true;
        });
    }

    void at_rest() override {
        for (const auto& till : world_.tills) {
            if (world_.people->scrapped(*till)) continue;
            till_started(*till);
            const auto over = lives_over_.find(till->number());
            if (over != lives_over_.end() && till->core().state().incarnation == over->second)
                world_.fail("lying disk", till->name() + " lost what the server knows, and nobody noticed");
        }
    }

private:
    void missing(TillMachine& till, const DiskFacts::Kept& kept) {
        if (!till.facts().lied)
            return world_.fail(name(), till.name() + " lost sale " + std::to_string(kept.serial));
        world_.outcome.marks.hit("sale lost by a lying disk");
        if (!world_.oracle.at_server.contains(kept.event.value)) {
            world_.oracle.deed(kept.serial).lost = true;
            return;
        }
        const sync::TillState& state = till.core().state();
        const auto mark = world_.oracle.marks.find({state.till.value, state.incarnation.value});
        if (mark != world_.oracle.marks.end() && mark->second > state.last.value)
            lives_over_[till.number()] = state.incarnation;
    }

    /// Lives of which the server knows more than the till: they must end.
    std::unordered_map<int, Incarnation> lives_over_;
};

/// What a till gives up is in a verified backup, and the newest safe event stays.
class PrunedIsSafe final : public Checker {
public:
    using Checker::Checker;
    [[nodiscard]] std::string_view name() const override { return "safe"; }

    void till_pruned(TillMachine& till) override {
        for (const EventId event : till.facts().pruned) {
            if (!world_.people->is_safe(event))
                return world_.fail(name(), till.name() + " gave up an event that no backup has");
        }
    }
};

/// I7: no clock far ahead carries the server's along, and nothing is refused because of a clock.
class ClockIsBounded final : public Checker {
public:
    using Checker::Checker;
    [[nodiscard]] std::string_view name() const override { return "I7"; }

    void every_minute() override {
        if (!world_.server->running()) return;
        constexpr Duration slack{std::chrono::seconds{10}};
        const Time ahead_of = world_.true_time() + sync::Hlc::ahead_max + slack;
        if (sync::hlc_time(world_.server->hlc()) > ahead_of)
            world_.fail(name(), "the server's logical clock follows a till's into the future");
    }
};

/// I6: a till takes its history for forked when somebody put something back or copied it, and not otherwise.
class ForksAreExplained final : public Checker {
public:
    using Checker::Checker;
    [[nodiscard]] std::string_view name() const override { return "I6"; }

    void new_life(TillMachine& till) override {
        if (till.facts().lied) return;
        const TillId id = till.identity().till;
        int machines = 0;
        for (const auto& other : world_.tills) machines += other->identity().till == id ? 1 : 0;
        // A fork may be found twice, when the answer to the first new life was lost with the program.
        const int explained = 2 * machines * world_.people->upsets(id);
        if (++lives_[id.value] > explained)
            world_.fail(name(), till.name() + " begins new lives that nothing explains");
    }

private:
    std::unordered_map<std::int64_t, int> lives_;
};

/// I12: what the server keeps of its tills is bounded by their number.
class QueuesAreBounded final : public Checker {
public:
    using Checker::Checker;
    [[nodiscard]] std::string_view name() const override { return "I12"; }

    void every_minute() override {
        const std::size_t pipes = std::max(world_.network.pipes_max(), std::size_t{1});
        if (world_.server->pulls_max() > pipes)
            world_.fail(name(), "more pulls wait than there were connections");
        // A push and its doubles, under way at once.
        if (world_.server->queue_max() > 8 * pipes) world_.fail(name(), "pushes pile up");
    }
};

} // namespace

void add_till_checkers(World& world, std::vector<std::unique_ptr<Checker>>& out) {
    out.push_back(std::make_unique<SaleIsKept>(world));
    out.push_back(std::make_unique<PrunedIsSafe>(world));
    out.push_back(std::make_unique<ForksAreExplained>(world));
    out.push_back(std::make_unique<ClockIsBounded>(world));
    out.push_back(std::make_unique<QueuesAreBounded>(world));
}

} // namespace mudi::sim
