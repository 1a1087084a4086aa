#include <mudi/server/import.hpp>

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include <mudi/base/hash.hpp>
#include <mudi/base/text.hpp>
#include <mudi/crm/loyalty.hpp>
#include <mudi/crm/transaction_rules.hpp>
#include <mudi/server/backlog.hpp>
#include <mudi/server/phone.hpp>
#include <mudi/server/purchase_book.hpp>
#include <mudi/server/records.hpp>
#include <mudi/sync/event.hpp>

#include "readable.hpp"

namespace mudi::server {

namespace {

/// The same sale of the same file is the same event, today and next year.
EventId imported_event(const crm::BusinessKey& key) {
    std::string text = "mudi import";
    for (const std::string& part :
         {key.store.value, key.workstation.value, std::to_string(key.day.yyyymmdd), key.number}) {
        text += '\0';
        text += part;
    }
    return EventId{hash128(text)};
}

Status too_many(std::size_t rows) {
    if (rows <= Import::rows_max) return {};
    return fail(Code::invalid, "import.too_many", "more rows at once than an import takes");
}

Result<crm::Identifier> normal(const crm::Identifier& identifier, const crm::IdentifierRules& rules) {
    if (identifier.kind == crm::IdentifierKind::card) return crm::parse_card(identifier.value, rules);
    MUDI_TRY(auto phone, normal_phone(identifier.value, rules));
    return crm::Identifier{crm::IdentifierKind::phone, std::move(phone)};
}

Result<crm::SourceRecord> normal(crm::SourceRecord record, const ApplyRules& rules) {
    record.phone = std::string(trim(record.phone));
    if (!record.phone.empty()) {
        MUDI_TRY(record.phone, normal_phone(record.phone, rules.identifiers));
    }
    std::vector<std::string> cards;
    for (const std::string& raw : record.cards) {
        if (trim(raw).empty()) continue;
        MUDI_TRY(auto card, crm::parse_card(raw, rules.identifiers));
        if (std::find(cards.begin(), cards.end(), card.value) == cards.end())
            cards.push_back(std::move(card.value));
    }
    record.cards = std::move(cards);
    MUDI_CHECK(check_record(record, rules));
    return record;
}

bool is_clean(std::string_view text) {
    return text.size() <= crm::text_bytes_max && is_utf8(text) && text.find('\0') == std::string_view::npos;
}

Status check(const crm::Product& product) {
    if (product.item_id.empty()) return fail(Code::invalid, "product.item", "a product needs an item id");
    for (const std::string* text : {&product.item_id, &product.name, &product.category, &product.unit}) {
        if (!is_clean(*text)) return fail(Code::invalid, "product.text", "a text is too long or no UTF-8");
    }
    return {};
}

/// Imported sales that Apply has not taken yet: a file that comes again meanwhile is known by them.
class WaitingSales {
public:
    explicit WaitingSales(Backlog& backlog) : backlog_(backlog) {}

    /// First in every import.
    Status begin() {
        if (!loaded_) {
            MUDI_TRY(const auto events, backlog_.own_waiting());
            for (const auto& event : events) add(event.event, event.body_hash, event.seq);
            loaded_ = true;
        }
        MUDI_TRY(const EventSeq taken, backlog_.own_taken());
        while (!order_.empty() && order_.front().first <= taken) {
            bodies_.erase(order_.front().second.value);
            order_.pop_front();
        }
        return {};
    }
    void add(EventId event, Bits128 body_hash, EventSeq seq) {
        bodies_.insert_or_assign(event.value, body_hash);
        order_.emplace_back(seq, event);
    }
    [[nodiscard]] std::optional<Bits128> body_hash(EventId event) const {
        const auto found = bodies_.find(event.value);
        return found == bodies_.end() ? std::nullopt : std::optional{found->second};
    }
    void forget() {
        bodies_.clear();
        order_.clear();
        loaded_ = false;
    }

private:
    Backlog& backlog_;
    std::unordered_map<Bits128, Bits128> bodies_;
    std::deque<std::pair<EventSeq, EventId>> order_;
    bool loaded_{false};
};

} // namespace

struct Import::Impl {
    Impl(db::Connection& connection, Inbox& events, ApplyRules given)
        : writer(connection), inbox(events), rules(std::move(given)),
          records(connection, rules.identifier_key), feed(connection), purchases(connection),
          backlog(connection), waiting(backlog) {}

    Result<ImportReport> customers(std::span<const crm::SourceRecord> rows, Time now);
    Result<ImportReport> products(std::span<const crm::Product> rows);
    Result<sync::Event> event_of(crm::RetailTransaction sale) const;
    Result<Result<Imported>> compare(const sync::Event& event);
    Result<ImportReport> purchases_of(std::span<const crm::RetailTransaction> rows, Time now);

    db::Connection& writer;
    Inbox& inbox;
    ApplyRules rules;
    Records records;
    FeedWriter feed;
    PurchaseBook purchases;
    Backlog backlog;
    WaitingSales waiting;
};

Import::Import(db::Connection& writer, Inbox& inbox, ApplyRules rules)
    : impl_(std::make_unique<Impl>(writer, inbox, std::move(rules))) {}
Import::~Import() = default;

Result<ImportReport> Import::Impl::customers(std::span<const crm::SourceRecord> rows, Time now) {
    ImportReport report;
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(writer));
    MUDI_CHECK(records.begin());
    for (const crm::SourceRecord& row : rows) {
        auto record = normal(row, rules);
        if (!record) {
            report.rows.push_back(tl::make_unexpected(std::move(record).error()));
            continue;
        }
        MUDI_TRY(const auto admission, records.admit(*record, {}, now));
        report.rows.push_back(admission.stored ? Imported::stored : Imported::unchanged);
    }
    MUDI_CHECK(records.flush());
    MUDI_CHECK(transaction.commit());
    return report;
}

Result<ImportReport> Import::Impl::products(std::span<const crm::Product> rows) {
    ImportReport report;
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(writer));
    for (const crm::Product& row : rows) {
        if (auto checked = check(row); !checked) {
            report.rows.push_back(tl::make_unexpected(std::move(checked).error()));
            continue;
        }
        MUDI_TRY(const bool stored, feed.put_product(row));
        report.rows.push_back(stored ? Imported::stored : Imported::unchanged);
    }
    MUDI_TRY(report.moved, feed.finish());
    MUDI_CHECK(transaction.commit());
    return report;
}

Result<ImportReport> Import::customers(std::span<const crm::SourceRecord> rows, Time now) {
    MUDI_CHECK(too_many(rows.size()));
    auto report = impl_->customers(rows, now);
    if (!report) impl_->records.forget();
    return report;
}

Result<ImportReport> Import::products(std::span<const crm::Product> rows, Time) {
    MUDI_CHECK(too_many(rows.size()));
    auto report = impl_->products(rows);
    if (!report) impl_->feed.forget();
    return report;
}

Result<sync::Event> Import::Impl::event_of(crm::RetailTransaction sale) const {
    if (sale.member) {
        MUDI_TRY(sale.member->identifier, normal(sale.member->identifier, rules.identifiers));
        sale.member->profile.reset();
    }
    sale.id = imported_event(sale.key);
    MUDI_CHECK(check_sale(sale, rules));
    if (sale.member && sale.ledger.empty() && sale.kind == crm::TransactionKind::sale && !sale.training) {
        // No till booked points for it; we do what a till would have done.
        MUDI_TRY(const Points earned, crm::points_earned(sale, rules.loyalty));
        if (earned.value > 0)
            sale.ledger.push_back({crm::LedgerKind::accumulate_points, earned, std::nullopt});
    }
    sync::Event event;
    event.id = sale.id;
    event.kind = static_cast<std::uint32_t>(sync::EventKind::retail_transaction);
    event.body = sync::encode(sale);
    return event;
}

/// Against what came before under the same event id.
Result<Result<Imported>> Import::Impl::compare(const sync::Event& event) {
    std::optional<Bits128> known = waiting.body_hash(event.id);
    if (!known) {
        MUDI_TRY(const auto arrival, purchases.arrival_of(event.id));
        if (!arrival) return Result<Imported>(Imported::stored);
        MUDI_TRY(const auto applied, backlog.one(*arrival));
        if (applied) known = hash128(applied->event.body);
    }
    if (known && *known == hash128(event.body)) return Result<Imported>(Imported::unchanged);
    return Result<Imported>(
        fail(Code::conflict, "sale.conflict", "this transaction is there with another content"));
}

Result<ImportReport> Import::Impl::purchases_of(std::span<const crm::RetailTransaction> rows, Time now) {
    ImportReport report;
    std::vector<sync::Event> events;
    MUDI_CHECK(waiting.begin());
    MUDI_TRY(const auto own, inbox.append_own({}, now));
    EventSeq seq = own.mark.seq;
    for (const crm::RetailTransaction& row : rows) {
        auto event = event_of(row);
        if (!event) {
            report.rows.push_back(tl::make_unexpected(std::move(event).error()));
            continue;
        }
        MUDI_TRY(auto result, compare(*event));
        if (result && *result == Imported::stored) {
            waiting.add(event->id, hash128(event->body), EventSeq{++seq.value});
            events.push_back(std::move(*event));
        }
        report.rows.push_back(std::move(result));
    }
    MUDI_CHECK(inbox.append_own(std::move(events), now));
    return report;
}

Result<ImportReport> Import::purchases(std::span<const crm::RetailTransaction> rows, Time now) {
    MUDI_CHECK(too_many(rows.size()));
    auto report = impl_->purchases_of(rows, now);
    if (!report) impl_->waiting.forget();
    return report;
}

} // namespace mudi::server
