#include "sale_table.hpp"

#include <algorithm>

namespace mudi::till {
namespace {

constexpr std::int64_t begin_bit = 1;
constexpr std::int64_t end_bit = 2;
constexpr std::int64_t member_bit = 4;
constexpr std::int64_t training_bit = 8;

std::int64_t flags_of(const SaleRows& sale) {
    return (sale.given.begin ? begin_bit : 0) | (sale.given.end ? end_bit : 0) |
           (sale.given.member ? member_bit : 0) | (sale.training ? training_bit : 0);
}

} // namespace

SaleTable::SaleTable(db::Connection& connection)
    : find_(connection, "SELECT event, kind, content_hash, flags, balance, voided_by FROM retail_transaction "
                        "WHERE business_day = :day AND number = :number"),
      insert_(connection, "INSERT INTO retail_transaction (business_day, number, event, kind, content_hash, "
                          "flags, total, balance) "
                          "VALUES (:day, :number, :event, :kind, :hash, :flags, :total, :balance)"),
      void_(connection, "UPDATE retail_transaction SET voided_by = :by WHERE business_day = :day AND number "
                        "= :number RETURNING event"),
      give_back_(connection, "DELETE FROM returned_line WHERE return_event = :event"),
      add_returned_(connection,
                    "INSERT INTO returned_line (original, return_event, line, quantity, amount, tax, points) "
                    "VALUES (:original, :event, :line, :quantity, :amount, :tax, :points)"),
      returned_(connection,
                "SELECT line, sum(quantity), sum(amount), sum(tax), sum(points) FROM returned_line "
                "WHERE original = :original GROUP BY line"),
      add_ledger_(connection, "INSERT INTO ledger_entry (event, position, member, profile, kind, points) "
                              "VALUES (:event, :position, :member, :profile, :kind, :points)"),
      ledger_of_member_(connection,
                        "SELECT event, kind, points, member FROM ledger_entry WHERE member = :member"),
      ledger_of_profile_(
          connection,
          "SELECT event, kind, points, member FROM ledger_entry WHERE profile = :profile AND points < 0"),
      erase_sales_(connection, "DELETE FROM retail_transaction WHERE event <= :event"),
      erase_returned_(connection, "DELETE FROM returned_line WHERE original <= :event"),
      erase_ledger_(connection, "DELETE FROM ledger_entry WHERE event <= :event") {}

Result<std::optional<SaleRow>> SaleTable::find(const TransactionKey& key) {
    MUDI_TRY(const auto found, find_.first(key.day, key.number));
    if (!found) return std::optional<SaleRow>{};
    const auto& [event, kind, hash, flags, balance, voided_by] = *found;
    const GivenByHost given{(flags & begin_bit) != 0, (flags & end_bit) != 0, (flags & member_bit) != 0};
    return std::optional{SaleRow{event, kind, hash, given, balance, voided_by.has_value()}};
}

Status SaleTable::insert(EventRow event, const SaleRows& sale) {
    MUDI_CHECK(insert_(sale.key.day, sale.key.number, event, sale.kind, sale.content_hash, flags_of(sale),
                       sale.total.minor, sale.balance));
    std::int64_t position = 0;
    for (const LedgerRow& row : sale.ledger) {
        MUDI_CHECK(add_ledger_(event, ++position, row.member, row.profile, row.entry.kind, row.entry.points));
    }
    for (const ReturnRow& row : sale.returns) {
        // Line 0 stands for the whole and carries the points.
        MUDI_CHECK(add_returned_(row.original, event, 0, Quantity{}, 0, 0, row.points));
        for (const ReturnedLine& line : row.lines) {
            MUDI_CHECK(add_returned_(row.original, event, line.line, line.quantity, line.amount.minor,
                                     line.tax.minor, Points{}));
        }
    }
    if (sale.voids) return mark_voided(*sale.voids, event);
    return {};
}

Status SaleTable::mark_voided(const TransactionKey& original, EventRow by) {
    MUDI_TRY(const auto event, void_.first(by, original.day, original.number));
    if (!event) return fail(Code::not_found, "void.unknown", "the transaction to undo is not stored here");
    MUDI_CHECK(give_back_(std::get<0>(*event)));
    return {};
}

Status SaleTable::returned(EventRow original, StoredTransaction& out) {
    return returned_.each(
        [&](std::int32_t line, std::int64_t quantity, std::int64_t amount, std::int64_t tax,
            std::int64_t points) {
            out.reversed.value += points;
            if (line == 0) return;
            const Currency currency = out.transaction.currency;
            out.returned.push_back({line, Quantity{quantity}, Money{amount, currency}, Money{tax, currency}});
        },
        original);
}

Result<LocalPoints> SaleTable::local_points(const crm::ProfileSlice& slice, SliceMarks marks) {
    LocalPoints sum;
    const auto add = [&](EventRow event, crm::LedgerKind kind, std::int64_t points) {
        // What went out counts until the slice surely has it, what came in only while it surely has not.
        if (points > 0 ? event <= marks.handed : event <= marks.reflected) return;
        sum.local.value += points;
        if (kind == crm::LedgerKind::redeem_reward && points < 0) sum.spent.value -= points;
    };
    for (const IdentifierHash& member : slice.identifiers) {
        MUDI_CHECK(ledger_of_member_.each([&](EventRow event, crm::LedgerKind kind, std::int64_t points,
                                              IdentifierHash) { add(event, kind, points); },
                                          member));
    }
    MUDI_CHECK(ledger_of_profile_.each(
        [&](EventRow event, crm::LedgerKind kind, std::int64_t points, IdentifierHash member) {
            if (std::ranges::find(slice.identifiers, member) == slice.identifiers.end())
                add(event, kind, points);
        },
        slice.id));
    return sum;
}

Status SaleTable::erase_up_to(EventRow event) {
    MUDI_CHECK(erase_sales_(event));
    MUDI_CHECK(erase_returned_(event));
    MUDI_CHECK(erase_ledger_(event));
    return {};
}

} // namespace mudi::till
