#include "checkers.hpp"

#include <algorithm>
#include <map>
#include <unordered_set>
#include <utility>

#include <mudi/base/db/statement.hpp>

#include "operator.hpp"
#include "server_machine.hpp"
#include "till_machine.hpp"

namespace mudi::sim {
namespace {

using db::Columns;
using db::Params;
using LifeKey = std::pair<std::int64_t, std::uint64_t>;

/// I3, I4, I6: what the server said it has is on its disk whatever happens to it; a mark stands for an
/// unbroken row of events; one place in a till's life is taken by one event for ever.
class MarksAreTrue final : public Checker {
public:
    using Checker::Checker;
    [[nodiscard]] std::string_view name() const override { return "I3"; }

    void server_started() override {
        const bool restored = world_.people->server_was_restored();
        std::map<LifeKey, std::vector<Bits128>> found;
        std::unordered_set<Bits128> ids;
        if (!load(found, ids)) return;
        if (!restored) compare(found, ids);
        lives_ = std::move(found);
        world_.oracle.marks.clear();
        for (const auto& [life, events] : lives_) saw(life, events.size());
        world_.oracle.at_server = std::move(ids);
    }

    void stored(const sync::PushedBatch& batch, const Result<sync::Standing>& standing) override {
        if (!standing) return;
        auto& events = lives_[{batch.till.value, batch.incarnation.value}];
        for (const sync::Event& event : batch.events) {
            const auto at = static_cast<std::size_t>(event.seq.value - 1);
            if (event.seq > standing->mark.seq) break;
            if (at > events.size()) return world_.fail("I4", "a mark stands for events that never came");
            if (at == events.size()) {
                events.push_back(event.id.value);
            } else if (events[at] != event.id.value) {
                return world_.fail("I6", "an event is acknowledged whose place another one has");
            }
        }
        saw({batch.till.value, batch.incarnation.value}, events.size());
        if (standing->mark.seq.value > static_cast<std::int64_t>(events.size()))
            world_.fail("I4", "a mark stands for events that never came");
    }

    /// Whatever the server may have lost since: what a till takes for delivered was there once.
    void acknowledged(TillMachine& till, EventSeq acked) override {
        const sync::TillState& state = till.core().state();
        const auto found = marks_ever_.find({state.till.value, state.incarnation.value});
        if (acked.value > (found == marks_ever_.end() ? 0 : found->second))
            world_.fail(name(), till.name() + " takes for delivered what the server never had");
    }

    void at_rest() override { server_started(); }

private:
    void saw(const LifeKey& life, std::size_t events) {
        auto& mark = marks_ever_[life];
        mark = std::max(mark, static_cast<std::int64_t>(events));
        world_.oracle.marks[life] = static_cast<std::int64_t>(events);
    }

    bool load(std::map<LifeKey, std::vector<Bits128>>& found, std::unordered_set<Bits128>& ids) {
        const Glance glance(world_.server->disk.snapshot(), ServerMachine::file);
        if (glance.connection() == nullptr) return false;
        db::Connection& connection = *glance.connection();
        std::map<std::int64_t, LifeKey> keys;
        std::map<std::int64_t, std::int64_t> marks;
        db::Query<Columns<std::int64_t, std::int64_t, std::uint64_t, std::int64_t>, Params<>> lives{
            connection, "SELECT life, till, incarnation, seq FROM life"};
        const auto read_lives = lives.each(
            [&](std::int64_t life, std::int64_t till, std::uint64_t incarnation, std::int64_t seq) {
                keys[life] = {till, incarnation};
                marks[life] = seq;
            });
        db::Query<Columns<std::int64_t, std::int64_t, EventId>, Params<>> inbox{
            connection, "SELECT life, seq, event FROM inbox ORDER BY life, seq"};
        bool dense = true;
        const auto read_inbox = inbox.each([&](std::int64_t life, std::int64_t seq, EventId event) {
            auto& events = found[keys[life]];
            dense = dense && seq == static_cast<std::int64_t>(events.size()) + 1;
            events.push_back(event.value);
            ids.insert(event.value);
        });
        if (!read_lives || !read_inbox) return false;
        for (const auto& [life, seq] : marks) {
            dense = dense && static_cast<std::int64_t>(found[keys[life]].size()) == seq;
        }
        if (!dense) world_.fail("I4", "the stored mark of a life is not its unbroken row of events");
        return dense;
    }

    void compare(const std::map<LifeKey, std::vector<Bits128>>& found,
                 const std::unordered_set<Bits128>& ids) {
        for (const auto& [life, events] : lives_) {
            const auto now = found.find(life);
            for (std::size_t i = 0; i < events.size(); ++i) {
                if (now == found.end() || i >= now->second.size())
                    return world_.fail(name(), "an acknowledged event is gone after a start of the server");
                if (now->second[i] != events[i])
                    return world_.fail("I6", "another event stands where an acknowledged one stood");
            }
        }
        for (const Bits128 id : world_.oracle.at_server) {
            if (!ids.contains(id)) return world_.fail(name(), "a committed event is gone");
        }
    }

    std::map<LifeKey, std::vector<Bits128>> lives_;
    std::map<LifeKey, std::int64_t> marks_ever_; ///< of any past of the server
};

/// I5, I6: every sale of every life that any disk could still prove is at the server in the end.
class NothingIsLost final : public Checker {
public:
    using Checker::Checker;
    [[nodiscard]] std::string_view name() const override { return "I5"; }

    void at_rest() override {
        Serial serial = 0;
        for (const Deed& deed : world_.oracle.deeds()) {
            ++serial;
            if (!deed.ok || deed.lost || world_.oracle.at_server.contains(deed.event.value)) continue;
            return world_.fail(name(), "sale " + std::to_string(serial) + " of till " +
                                           std::to_string(deed.till) + " did not reach the server");
        }
    }
};

} // namespace

void add_inbox_checkers(World& world, std::vector<std::unique_ptr<Checker>>& out) {
    out.push_back(std::make_unique<MarksAreTrue>(world));
    out.push_back(std::make_unique<NothingIsLost>(world));
}

} // namespace mudi::sim
