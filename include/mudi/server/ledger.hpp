#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/id.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/crm/transaction.hpp>

namespace mudi::server {

/// One movement between a member's account and the programme's.
struct Posting {
    std::int64_t purchase{}; ///< the event that is being applied
    std::int32_t ordinal{};  ///< 0..postings_per_purchase-1, unique within it
    SourceRecordId account;  ///< > 0
    crm::LedgerKind kind{crm::LedgerKind::accumulate_points};
    Points points; ///< what the member's balance changes by
    std::optional<HoldId> hold;
    Time at;
};
inline constexpr std::int32_t postings_per_purchase = 64;

/// Double entry: post() writes both rows. Inside the caller's write transaction.
class Ledger {
public:
    explicit Ledger(db::Connection& writer);
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;
    ~Ledger();

    /// Gathered until flush().
    Status post(const Posting& posting);
    Status flush();
    /// What members' balances changed by through this purchase, whoever they are. Needs flush() before.
    Result<Points> net(std::int64_t purchase);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace mudi::server
