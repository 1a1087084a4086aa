#include <mudi/server/purchase_book.hpp>

#include <string>

#include <mudi/base/db/bulk.hpp>
#include <mudi/base/db/statement.hpp>
#include <mudi/base/hash.hpp>

namespace mudi::server {

namespace {

using db::Columns;
using db::Params;
using OptionalMoney = std::optional<std::int64_t>;

constexpr const char* head_columns = "SELECT p.id, p.kind, p.record, p.flags, p.at_ms, p.store, "
                                     "p.workstation, p.day, p.number FROM purchase p ";

using HeadColumns = Columns<std::int64_t, crm::TransactionKind, SourceRecordId, std::uint32_t, Time, StoreId,
                            WorkstationId, BusinessDay, std::string>;

template <class Row>
std::optional<PurchaseHead> head_of(const std::optional<Row>& row) {
    if (!row) return std::nullopt;
    const auto& [id, kind, record, flags, at, store, workstation, day, number] = *row;
    return PurchaseHead{id, kind, record, flags, at, {store, workstation, day, number}};
}

} // namespace

std::int64_t key_hash(const crm::BusinessKey& key, bool training) {
    std::string text;
    text.reserve(key.store.value.size() + key.workstation.value.size() + key.number.size() + 16);
    text += training ? 't' : 's';
    for (const std::string* part : {&key.store.value, &key.workstation.value}) {
        text += *part;
        text += '\0';
    }
    text += std::to_string(key.day.yyyymmdd);
    text += '\0';
    text += key.number;
    return static_cast<std::int64_t>(hash128(text).high);
}

struct PurchaseBook::Impl {
    explicit Impl(db::Connection& writer)
        : keys(writer, "business_key", "hash, purchase", "ON CONFLICT (hash) DO NOTHING"),
          purchases(writer, "purchase",
                    "id, event, till, store, workstation, day, number, kind, training, begin_ms, end_ms, "
                    "at_ms, operator_id, "
                    "host, currency, member_hash, record, total, tax_total, tax_included, lines, flags"),
          lines(writer, "purchase_line",
                "purchase, line, type, item, description, category, unit, quantity, unit_price, amount, "
                "tax_rate, tax, goods"),
          discounts(writer, "line_discount", "purchase, line, ordinal, promotion, offer, amount"),
          tenders(writer, "tender", "purchase, ordinal, kind, amount, reference"),
          redemptions(writer, "redemption", "purchase, ordinal, offer"),
          key_holder(writer, "SELECT purchase FROM business_key WHERE hash = :hash"),
          holder(writer,
                 std::string(head_columns) + "JOIN business_key k ON k.purchase = p.id WHERE k.hash = :hash"),
          head(writer, std::string(head_columns) + "WHERE p.id = :id"),
          by_event(writer, "SELECT id FROM purchase WHERE event = :event"),
          link(writer, "INSERT INTO purchase_link (original, purchase) VALUES (:original, :purchase) "
                       "ON CONFLICT (original, purchase) DO NOTHING"),
          linked(writer, "SELECT purchase FROM purchase_link WHERE original = :original ORDER BY purchase"),
          dangling(writer, "SELECT DISTINCT l.original FROM purchase_link l LEFT JOIN business_key k ON "
                           "k.hash = l.original "
                           "WHERE k.hash IS NULL LIMIT :limit"),
          update(writer, "UPDATE purchase SET flags = :flags, record = :record WHERE id = :id") {}

    db::Bulk<std::int64_t, std::int64_t> keys;
    db::Bulk<std::int64_t, EventId, TillId, StoreId, WorkstationId, BusinessDay, std::string,
             crm::TransactionKind, bool, Time, Time, Time, std::string, std::string, std::uint16_t,
             std::optional<IdentifierHash>, SourceRecordId, std::int64_t, std::int64_t, bool, std::size_t,
             std::uint32_t>
        purchases;
    db::Bulk<std::int64_t, std::int32_t, crm::LineType, std::string, std::string, std::string, std::string,
             Quantity, OptionalMoney, std::int64_t, std::int32_t, std::int64_t, bool>
        lines;
    db::Bulk<std::int64_t, std::int32_t, std::int64_t, std::string, std::optional<OfferId>, std::int64_t>
        discounts;
    db::Bulk<std::int64_t, std::int64_t, crm::TenderKind, std::int64_t, std::string> tenders;
    db::Bulk<std::int64_t, std::int64_t, OfferId> redemptions;
    db::Query<Columns<std::int64_t>, Params<std::int64_t>> key_holder;
    db::Query<HeadColumns, Params<std::int64_t>> holder;
    db::Query<HeadColumns, Params<std::int64_t>> head;
    db::Query<Columns<std::int64_t>, Params<EventId>> by_event;
    db::Command<std::int64_t, std::int64_t> link;
    db::Query<Columns<std::int64_t>, Params<std::int64_t>> linked;
    db::Query<Columns<std::int64_t>, Params<std::size_t>> dangling;
    db::Command<std::uint32_t, SourceRecordId, std::int64_t> update;
};

PurchaseBook::PurchaseBook(db::Connection& writer) : impl_(std::make_unique<Impl>(writer)) {}
PurchaseBook::~PurchaseBook() = default;

Result<std::vector<std::int64_t>> PurchaseBook::claim(std::span<const Claim> claims) {
    std::vector<std::int64_t> late;
    for (const Claim& claim : claims) MUDI_CHECK(impl_->keys.add(claim.hash, claim.arrival));
    MUDI_TRY(const std::int64_t taken, impl_->keys.flush());
    if (taken == static_cast<std::int64_t>(claims.size())) return late;
    for (const Claim& claim : claims) {
        MUDI_TRY(const auto holder, impl_->key_holder.first(claim.hash));
        if (holder && std::get<0>(*holder) != claim.arrival) late.push_back(claim.arrival);
    }
    return late;
}

Status PurchaseBook::add(const PurchaseEntry& entry) {
    const crm::RetailTransaction& t = *entry.transaction;
    const std::int64_t id = entry.arrival;
    MUDI_CHECK(impl_->purchases.add(id, t.id, entry.till, t.key.store, t.key.workstation, t.key.day,
                                    t.key.number, t.kind, t.training, t.begin, t.end, entry.at, t.operator_id,
                                    t.host, t.currency.number, entry.member, entry.record, t.total.minor,
                                    t.tax_total.minor, t.tax_included, t.lines.size(), entry.flags));
    for (const crm::LineItem& line : t.lines) {
        const OptionalMoney price = line.unit_price ? OptionalMoney{line.unit_price->minor} : std::nullopt;
        MUDI_CHECK(impl_->lines.add(id, line.number, line.type, line.item_id, line.description, line.category,
                                    line.unit, line.quantity, price, line.amount.minor, line.tax_rate.value,
                                    line.tax.minor, line.goods));
        std::int64_t ordinal = 0;
        for (const crm::Discount& discount : line.discounts) {
            MUDI_CHECK(impl_->discounts.add(id, line.number, ordinal++, discount.promotion, discount.offer,
                                            discount.amount.minor));
        }
    }
    std::int64_t ordinal = 0;
    for (const crm::Tender& tender : t.tenders) {
        MUDI_CHECK(impl_->tenders.add(id, ordinal++, tender.kind, tender.amount.minor, tender.reference));
    }
    ordinal = 0;
    for (const OfferId& offer : t.redeemed_offers) MUDI_CHECK(impl_->redemptions.add(id, ordinal++, offer));
    return {};
}

Status PurchaseBook::flush() {
    MUDI_CHECK(impl_->purchases.flush());
    MUDI_CHECK(impl_->lines.flush());
    MUDI_CHECK(impl_->discounts.flush());
    MUDI_CHECK(impl_->tenders.flush());
    MUDI_CHECK(impl_->redemptions.flush());
    return {};
}

Result<std::optional<PurchaseHead>> PurchaseBook::holder(std::int64_t hash) {
    MUDI_TRY(const auto row, impl_->holder.first(hash));
    return head_of(row);
}

Result<std::optional<PurchaseHead>> PurchaseBook::head(std::int64_t arrival) {
    MUDI_TRY(const auto row, impl_->head.first(arrival));
    return head_of(row);
}

Result<std::optional<std::int64_t>> PurchaseBook::arrival_of(EventId event) {
    MUDI_TRY(const auto row, impl_->by_event.first(event));
    if (!row) return std::optional<std::int64_t>{};
    return std::optional{std::get<0>(*row)};
}

Status PurchaseBook::link(std::int64_t original, std::int64_t arrival) {
    MUDI_CHECK(impl_->link(original, arrival));
    return {};
}

Result<std::vector<std::int64_t>> PurchaseBook::linked(std::int64_t original) {
    std::vector<std::int64_t> arrivals;
    MUDI_CHECK(impl_->linked.each([&](std::int64_t arrival) { arrivals.push_back(arrival); }, original));
    return arrivals;
}

Result<std::optional<std::vector<std::int64_t>>> PurchaseBook::dangling(std::size_t limit) {
    std::vector<std::int64_t> keys;
    MUDI_CHECK(impl_->dangling.each([&](std::int64_t key) { keys.push_back(key); }, limit + 1));
    if (keys.size() > limit) return std::optional<std::vector<std::int64_t>>{};
    return std::optional{std::move(keys)};
}

Status PurchaseBook::update(std::int64_t arrival, std::uint32_t flags, SourceRecordId record) {
    MUDI_CHECK(impl_->update(flags, record, arrival));
    return {};
}

} // namespace mudi::server
