#include <mudi/server/habits.hpp>

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <mudi/base/db/bulk.hpp>
#include <mudi/base/db/statement.hpp>

namespace mudi::server {

namespace {

using db::Columns;
using db::Params;

/// One fold for a chunk of events and for a rebuild: every step commutes, so the order and the size of the
/// chunks cannot show in the result.
struct Tally {
    std::int64_t times{};
    std::int64_t first_ms{std::numeric_limits<std::int64_t>::max()};
    std::int64_t last_ms{std::numeric_limits<std::int64_t>::min()};
    std::int64_t spent{};
    std::int64_t counted_in{}; ///< the purchase that counted last, so that two lines of an item count once

    void seen(Time at) {
        ++times;
        first_ms = std::min(first_ms, to_ms(at));
        last_ms = std::max(last_ms, to_ms(at));
    }
};

struct Words {
    std::string description;
    std::string category;
};

constexpr std::size_t known_items_max = 100'000;

struct RecordAnd {
    std::int64_t record{};
    std::string text;

    friend bool operator==(const RecordAnd&, const RecordAnd&) = default;
};
struct RecordAndHash {
    std::size_t operator()(const RecordAnd& key) const noexcept {
        return std::hash<std::string>{}(key.text) ^
               (static_cast<std::size_t>(key.record) * 0x9e3779b97f4a7c15ULL);
    }
};
using Tallies = std::unordered_map<RecordAnd, Tally, RecordAndHash>;

/// Neighbours in the tree are written together.
std::vector<const Tallies::value_type*> in_order(const Tallies& tallies) {
    std::vector<const Tallies::value_type*> rows;
    rows.reserve(tallies.size());
    for (const auto& row : tallies) rows.push_back(&row);
    std::sort(rows.begin(), rows.end(), [](const auto* a, const auto* b) {
        return std::tie(a->first.record, a->first.text) < std::tie(b->first.record, b->first.text);
    });
    return rows;
}

} // namespace

struct Habits::Impl {
    explicit Impl(db::Connection& writer)
        : items(writer, "item_habit", "record, item, times, first_ms, last_ms, spent",
                "ON CONFLICT (record, item) DO UPDATE SET times = item_habit.times + excluded.times, "
                "first_ms = CASE WHEN excluded.first_ms < item_habit.first_ms THEN excluded.first_ms "
                "ELSE item_habit.first_ms END, "
                "last_ms = CASE WHEN excluded.last_ms > item_habit.last_ms THEN excluded.last_ms ELSE "
                "item_habit.last_ms END, "
                "spent = item_habit.spent + excluded.spent"),
          visits(writer, "record_visit", "record, store, visits, first_ms, last_ms, spent",
                 "ON CONFLICT (record, store) DO UPDATE SET visits = record_visit.visits + excluded.visits, "
                 "first_ms = CASE WHEN excluded.first_ms < record_visit.first_ms THEN excluded.first_ms "
                 "ELSE record_visit.first_ms END, "
                 "last_ms = CASE WHEN excluded.last_ms > record_visit.last_ms THEN excluded.last_ms "
                 "ELSE record_visit.last_ms END, "
                 "spent = record_visit.spent + excluded.spent"),
          words(writer, "item_word", "item, description, category",
                "ON CONFLICT (item) DO UPDATE SET "
                "description = CASE WHEN item_word.description = '' THEN excluded.description ELSE "
                "item_word.description END, "
                "category = CASE WHEN item_word.category = '' THEN excluded.category ELSE item_word.category "
                "END"),
          drop_items(writer, "DELETE FROM item_habit WHERE record = :record"),
          drop_visits(writer, "DELETE FROM record_visit WHERE record = :record"),
          bought(
              writer,
              "SELECT p.id, p.at_ms, l.type, l.item, l.amount FROM purchase p "
              "JOIN purchase_line l ON l.purchase = p.id WHERE p.record = :record AND p.record <> 0 "
              "AND p.training = 0 AND p.kind IN (1, 2) AND (p.flags & 1) = 0 AND l.goods = 1 ORDER BY p.id"),
          visited(writer, "SELECT p.at_ms, p.store, p.kind, p.total FROM purchase p WHERE p.record = :record "
                          "AND p.record <> 0 AND p.training = 0 AND p.kind IN (1, 2) AND (p.flags & 1) = 0") {
    }

    void count_line(SourceRecordId record, std::int64_t purchase, Time at, crm::LineType type,
                    const std::string& item, std::int64_t amount) {
        Tally& tally = item_tallies[{record.value, item}];
        if (type == crm::LineType::return_) {
            tally.spent -= amount;
            return;
        }
        tally.spent += amount;
        if (tally.counted_in == purchase) return;
        tally.counted_in = purchase;
        tally.seen(at);
    }
    void count_visit(SourceRecordId record, const StoreId& store, Time at, crm::TransactionKind kind,
                     std::int64_t total) {
        Tally& tally = visit_tallies[{record.value, store.value}];
        tally.spent += total;
        if (kind == crm::TransactionKind::sale) tally.seen(at);
    }
    void note_words(const crm::LineItem& line) {
        if (line.description.empty() && line.category.empty()) return;
        if (complete_items.contains(line.item_id)) return;
        Words& words_of = new_words[line.item_id];
        if (words_of.description.empty()) words_of.description = line.description;
        if (words_of.category.empty()) words_of.category = line.category;
    }

    db::Bulk<std::int64_t, std::string, std::int64_t, std::int64_t, std::int64_t, std::int64_t> items;
    db::Bulk<std::int64_t, std::string, std::int64_t, std::int64_t, std::int64_t, std::int64_t> visits;
    db::Bulk<std::string, std::string, std::string> words;
    db::Command<SourceRecordId> drop_items;
    db::Command<SourceRecordId> drop_visits;
    db::Query<Columns<std::int64_t, Time, crm::LineType, std::string, std::int64_t>, Params<SourceRecordId>>
        bought;
    db::Query<Columns<Time, StoreId, crm::TransactionKind, std::int64_t>, Params<SourceRecordId>> visited;

    Tallies item_tallies;
    Tallies visit_tallies;
    std::map<std::string, Words> new_words;
    std::unordered_set<std::string> complete_items;
    std::int64_t next_purchase{1};
};

Habits::Habits(db::Connection& writer) : impl_(std::make_unique<Impl>(writer)) {}
Habits::~Habits() = default;

void Habits::add(SourceRecordId record, Time at, const crm::RetailTransaction& transaction) {
    const bool counts =
        transaction.kind == crm::TransactionKind::sale || transaction.kind == crm::TransactionKind::return_;
    if (transaction.training || !counts) return;
    const std::int64_t purchase = impl_->next_purchase++;
    for (const crm::LineItem& line : transaction.lines) {
        if (!line.goods) continue;
        impl_->note_words(line);
        if (record.value != 0)
            impl_->count_line(record, purchase, at, line.type, line.item_id, line.amount.minor);
    }
    if (record.value != 0) {
        impl_->count_visit(record, transaction.key.store, at, transaction.kind, transaction.total.minor);
    }
}

Status Habits::flush() {
    for (const auto* row : in_order(impl_->item_tallies)) {
        const auto& [key, tally] = *row;
        MUDI_CHECK(
            impl_->items.add(key.record, key.text, tally.times, tally.first_ms, tally.last_ms, tally.spent));
    }
    for (const auto* row : in_order(impl_->visit_tallies)) {
        const auto& [key, tally] = *row;
        MUDI_CHECK(
            impl_->visits.add(key.record, key.text, tally.times, tally.first_ms, tally.last_ms, tally.spent));
    }
    for (const auto& [item, words] : impl_->new_words) {
        MUDI_CHECK(impl_->words.add(item, words.description, words.category));
        if (impl_->complete_items.size() >= known_items_max) impl_->complete_items.clear();
        if (!words.description.empty() && !words.category.empty()) impl_->complete_items.insert(item);
    }
    impl_->item_tallies.clear();
    impl_->visit_tallies.clear();
    impl_->new_words.clear();
    MUDI_CHECK(impl_->items.flush());
    MUDI_CHECK(impl_->visits.flush());
    MUDI_CHECK(impl_->words.flush());
    return {};
}

Status Habits::rebuild(SourceRecordId record) {
    if (record.value == 0) return {};
    MUDI_CHECK(flush());
    MUDI_CHECK(impl_->drop_items(record));
    MUDI_CHECK(impl_->drop_visits(record));
    MUDI_CHECK(impl_->bought.each(
        [&](std::int64_t purchase, Time at, crm::LineType type, const std::string& item,
            std::int64_t amount) { impl_->count_line(record, -purchase, at, type, item, amount); },
        record));
    MUDI_CHECK(
        impl_->visited.each([&](Time at, const StoreId& store, crm::TransactionKind kind,
                                std::int64_t total) { impl_->count_visit(record, store, at, kind, total); },
                            record));
    return flush();
}

void Habits::forget() {
    impl_->item_tallies.clear();
    impl_->visit_tallies.clear();
    impl_->new_words.clear();
    impl_->complete_items.clear();
}

} // namespace mudi::server
