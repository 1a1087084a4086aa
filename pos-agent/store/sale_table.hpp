#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <mudi/base/db/statement.hpp>
#include <mudi/till/storage.hpp>

namespace mudi::till {

/// A transaction's row without its event.
struct SaleRow {
    EventRow event;
    crm::TransactionKind kind{};
    Bits128 content_hash;
    GivenByHost given;
    std::optional<Points> balance;
    bool voided{false};
};

/// Up to which own event a profile slice surely contains us (`reflected`) and from which on surely not
/// (`handed`).
struct SliceMarks {
    EventRow reflected;
    EventRow handed;
};

struct LocalPoints {
    Points local;
    Points spent;
};

/// Transactions by business key, what was taken back of them, and their movements of points.
class SaleTable {
public:
    explicit SaleTable(db::Connection& connection);

    Result<std::optional<SaleRow>> find(const TransactionKey& key);
    Status insert(EventRow event, const SaleRows& sale);
    /// What was taken back so far of the transaction of that event.
    Status returned(EventRow original, StoredTransaction& out);
    Result<LocalPoints> local_points(const crm::ProfileSlice& slice, SliceMarks marks);
    /// Rows of events that are no more.
    Status erase_up_to(EventRow event);

private:
    Status mark_voided(const TransactionKey& original, EventRow by);

    db::Query<db::Columns<EventRow, crm::TransactionKind, Bits128, std::int64_t, std::optional<Points>,
                          std::optional<EventRow>>,
              db::Params<BusinessDay, std::string>>
        find_;
    db::Command<BusinessDay, std::string, EventRow, crm::TransactionKind, Bits128, std::int64_t, std::int64_t,
                std::optional<Points>>
        insert_;
    db::Query<db::Columns<EventRow>, db::Params<EventRow, BusinessDay, std::string>> void_;
    db::Command<EventRow> give_back_;
    db::Command<EventRow, EventRow, std::int32_t, Quantity, std::int64_t, std::int64_t, Points> add_returned_;
    db::Query<db::Columns<std::int32_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t>,
              db::Params<EventRow>>
        returned_;
    db::Command<EventRow, std::int64_t, IdentifierHash, ProfileId, crm::LedgerKind, Points> add_ledger_;
    using LedgerColumns = db::Columns<EventRow, crm::LedgerKind, std::int64_t, IdentifierHash>;
    db::Query<LedgerColumns, db::Params<IdentifierHash>> ledger_of_member_;
    db::Query<LedgerColumns, db::Params<ProfileId>> ledger_of_profile_;
    db::Command<EventRow> erase_sales_;
    db::Command<EventRow> erase_returned_;
    db::Command<EventRow> erase_ledger_;
};

} // namespace mudi::till
