#include "checkers.hpp"

#include <map>
#include <unordered_map>
#include <unordered_set>

#include <mudi/base/db/statement.hpp>
#include <mudi/base/hash.hpp>
#include <mudi/crm/transaction_rules.hpp>
#include <mudi/sync/event.hpp>

#include "operator.hpp"
#include "server_machine.hpp"

namespace mudi::sim {
namespace {

using db::Columns;
using db::Params;

constexpr std::int64_t postings_per_purchase = 64;

/// I2, I8, I9: the books are the sum over the distinct events that came, each once; what cannot be booked is
/// seen in quarantine and nowhere else; nothing is left there that an upgrade has learned to read.
class BooksAreTrue final : public Checker {
public:
    using Checker::Checker;
    [[nodiscard]] std::string_view name() const override { return "I2"; }

    void at_rest() override {
        const Glance glance(world_.server->disk.snapshot(), ServerMachine::file);
        connection_ = glance.connection();
        if (connection_ == nullptr || !read_purchases() || !read_side_tables()) return;
        if (!check_events()) return;
        check_deeds();
        check_ledger();
    }

private:
    struct Booked {
        std::int64_t arrival{};
        std::int64_t total{};
        std::int64_t kind{};
        bool training{};
        bool has_owner{};
    };
    bool broken(const char* who, const std::string& what) {
        world_.fail(who, what);
        return false;
    }

    bool read_purchases() {
        purchases_.clear();
        db::Query<Columns<std::int64_t, EventId, std::int64_t, std::int64_t, bool, std::int64_t>, Params<>>
            all{*connection_, "SELECT id, event, total, kind, training, record FROM purchase"};
        bool once = true;
        const auto read = all.each([&](std::int64_t id, EventId event, std::int64_t total, std::int64_t kind,
                                       bool training, std::int64_t record) {
            once = purchases_.emplace(event.value, Booked{id, total, kind, training, record != 0}).second &&
                   once;
        });
        if (!read) return broken("I2", "the purchases cannot be read: " + read.error().what);
        return once || broken("I2", "an event was booked twice");
    }

    bool read_side_tables() {
        records_.clear();
        quarantine_.clear();
        db::Query<Columns<EventId>, Params<>> records{*connection_, "SELECT event FROM record_event"};
        db::Query<Columns<EventId>, Params<>> returned{*connection_, "SELECT event FROM right_event"};
        db::Query<Columns<std::int64_t, std::string>, Params<>> quarantine{
            *connection_, "SELECT id, reason FROM quarantine"};
        const auto a = records.each([&](EventId event) { records_.insert(event.value); });
        const auto b = quarantine.each(
            [&](std::int64_t id, std::string reason) { quarantine_[id] = std::move(reason); });
        const auto c = returned.each([&](EventId event) { records_.insert(event.value); });
        return a.has_value() && b.has_value() && c.has_value();
    }

    /// Every event of the inbox is somewhere.
    bool check_events() {
        db::Query<Columns<std::int64_t, EventId, Bytes>, Params<>> inbox{
            *connection_, "SELECT id, event, body FROM inbox ORDER BY id"};
        bodies_.clear();
        booked_serials_.clear();
        std::unordered_map<Bits128, bool> placed; ///< event -> is it anywhere
        const auto read = inbox.each([&](std::int64_t id, EventId event, Bytes body) {
            const bool quarantined = quarantine_.contains(id);
            placed[event.value] = placed[event.value] || quarantined || purchases_.contains(event.value) ||
                                  records_.contains(event.value);
            bodies_[event.value] = std::move(body.data);
        });
        if (!read) return broken("I2", "the inbox cannot be read");
        for (const auto& [event, booked] : purchases_) {
            const Attempt* attempt = world_.oracle.attempt(EventId{event});
            if (attempt == nullptr) return broken("I2", "something was booked that nobody sold");
            if (!attempt->spoilt) ++booked_serials_[attempt->serial];
        }
        for (const auto& [event, somewhere] : placed) {
            const Attempt* attempt = world_.oracle.attempt(EventId{event});
            if (attempt == nullptr) return broken("I2", "an event came that nobody made");
            if (hash128(bodies_.at(event)) != attempt->content)
                return broken("I6", "an event did not arrive as it was stored at the till");
            // The same sale, told again after the till was put back: one of its events is booked.
            if (!somewhere && !booked_serials_.contains(attempt->serial))
                return broken("I8", "an event is neither booked nor in quarantine");
        }
        return check_quarantine();
    }

    bool check_quarantine() {
        db::Query<Columns<EventId>, Params<std::int64_t>> event_of{*connection_,
                                                                   "SELECT event FROM inbox WHERE id = :id"};
        for (const auto& [id, reason] : quarantine_) {
            const auto row = event_of.first(id);
            if (!row || !*row) return broken("I8", "a quarantined event has no body any more");
            const EventId event = std::get<0>(**row);
            const Attempt* attempt = world_.oracle.attempt(event);
            if (attempt != nullptr && !attempt->spoilt)
                return broken(attempt->future ? "I9" : "I8",
                              "a sound event is left in quarantine: " + reason);
        }
        return true;
    }

    /// Every deed is booked once, with its own figures.
    void check_deeds() {
        for (const auto& [event, booked] : purchases_) {
            const Attempt& attempt = *world_.oracle.attempt(EventId{event});
            if (attempt.spoilt) continue;
            const Deed& deed = world_.oracle.deed(attempt.serial);
            if (deed.is_join || booked.kind != static_cast<std::int64_t>(deed.kind) ||
                booked.training != deed.training) {
                return world_.fail("I2", "a sale was booked as something else");
            }
            if (deed.kind != crm::TransactionKind::post_void && booked.total != deed.total_minor)
                return world_.fail("I2", "a sale was booked with another total");
        }
        for (const auto& [serial, times] : booked_serials_) {
            if (times > 1) return world_.fail("I2", "sale " + std::to_string(serial) + " was booked twice");
        }
        Serial serial = 0;
        for (const Deed& deed : world_.oracle.deeds()) {
            ++serial;
            if (!deed.ok || deed.lost) continue;
            const Attempt* attempt = world_.oracle.attempt(deed.event);
            if (attempt == nullptr || attempt->spoilt) continue;
            const bool booked =
                deed.is_join ? records_.contains(deed.event.value) : booked_serials_.contains(serial);
            if (!booked) return world_.fail("I2", "sale " + std::to_string(serial) + " is not booked");
        }
    }

    /// Two rows for every posting, and of each purchase what its event says.
    void check_ledger() {
        db::Query<Columns<std::int64_t, std::int64_t, std::int64_t>, Params<>> ledger{
            *connection_, "SELECT account, posting, points FROM ledger_entry"};
        std::map<std::int64_t, std::int64_t> sums;
        std::unordered_map<std::int64_t, std::int64_t> said;
        const auto read = ledger.each([&](std::int64_t account, std::int64_t posting, std::int64_t points) {
            sums[posting] += points;
            const std::int64_t ordinal = posting % postings_per_purchase;
            if (account != 0 && ordinal < static_cast<std::int64_t>(crm::ledger_entries_max))
                said[posting / postings_per_purchase] += points;
        });
        if (!read) return world_.fail("I2", "the ledger cannot be read");
        for (const auto& [posting, sum] : sums) {
            if (sum != 0) return world_.fail("I2", "a posting does not add up to nothing");
        }
        for (const auto& [event, booked] : purchases_) {
            if (world_.oracle.attempt(EventId{event})->spoilt) {
                said.erase(booked.arrival);
                continue;
            }
            const auto body = sync::decode({{}, {}, 0, 1, sync::event_schema, bodies_.at(event)});
            const auto* sale = body ? std::get_if<crm::RetailTransaction>(&*body) : nullptr;
            if (sale == nullptr) return world_.fail("I2", "a booked event cannot be read");
            std::int64_t points = 0;
            for (const crm::LedgerEntry& entry : sale->ledger) points += entry.points.value;
            const auto found = said.find(booked.arrival);
            const std::int64_t posted = found == said.end() ? 0 : found->second;
            if (found != said.end()) said.erase(found);
            if (posted != (booked.has_owner && !booked.training ? points : 0))
                return world_.fail("I2", "the ledger has other points for a sale than its event");
        }
        std::erase_if(said, [](const auto& left) { return left.second == 0; });
        if (!said.empty()) world_.fail("I2", "points were posted for no purchase");
    }

    db::Connection* connection_{};
    std::unordered_map<Bits128, Booked> purchases_;
    std::unordered_set<Bits128> records_;
    std::map<std::int64_t, std::string> quarantine_;
    std::unordered_map<Bits128, std::string> bodies_;
    std::unordered_map<Serial, int> booked_serials_;
};

} // namespace

void add_book_checkers(World& world, std::vector<std::unique_ptr<Checker>>& out) {
    out.push_back(std::make_unique<BooksAreTrue>(world));
}

} // namespace mudi::sim
