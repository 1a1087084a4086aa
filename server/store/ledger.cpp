#include <mudi/server/ledger.hpp>

#include <mudi/base/assert.hpp>
#include <mudi/base/db/bulk.hpp>
#include <mudi/base/db/statement.hpp>

namespace mudi::server {

namespace {
constexpr SourceRecordId programme{0};
} // namespace

struct Ledger::Impl {
    explicit Impl(db::Connection& writer)
        : entries(writer, "ledger_entry", "account, posting, kind, points, at_ms, hold"),
          // The programme's side has every posting, whoever the member is.
          net(writer, "SELECT CAST(COALESCE(SUM(points), 0) AS INTEGER) FROM ledger_entry "
                      "WHERE account = 0 AND posting >= :from AND posting < :to") {}

    db::Bulk<SourceRecordId, std::int64_t, crm::LedgerKind, Points, Time, std::optional<HoldId>> entries;
    db::Query<db::Columns<Points>, db::Params<std::int64_t, std::int64_t>> net;
};

Ledger::Ledger(db::Connection& writer) : impl_(std::make_unique<Impl>(writer)) {}
Ledger::~Ledger() = default;

Status Ledger::post(const Posting& p) {
    MUDI_ASSERT(p.account.value > 0 && p.ordinal >= 0 && p.ordinal < postings_per_purchase);
    const std::int64_t posting = p.purchase * postings_per_purchase + p.ordinal;
    MUDI_CHECK(impl_->entries.add(p.account, posting, p.kind, p.points, p.at, p.hold));
    return impl_->entries.add(programme, posting, p.kind, Points{-p.points.value}, p.at, p.hold);
}

Status Ledger::flush() {
    MUDI_CHECK(impl_->entries.flush());
    return {};
}

Result<Points> Ledger::net(std::int64_t purchase) {
    MUDI_TRY(const auto row,
             impl_->net.first(purchase * postings_per_purchase, (purchase + 1) * postings_per_purchase));
    return Points{row ? -std::get<0>(*row).value : 0};
}

} // namespace mudi::server
