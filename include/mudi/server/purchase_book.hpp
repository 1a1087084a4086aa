#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/id.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/crm/transaction.hpp>

namespace mudi::server {

/// Stands for a business key in indexes. Exercises have their own: they never meet a real sale.
std::int64_t key_hash(const crm::BusinessKey& key, bool training);

/// One applied purchase on its way into the tables. `transaction` must live until add() returns.
struct PurchaseEntry {
    std::int64_t arrival{};
    TillId till;
    Time at; ///< corrected end
    std::optional<IdentifierHash> member;
    SourceRecordId record; ///< 0: nobody
    std::uint32_t flags{};
    const crm::RetailTransaction* transaction{};
};

/// What settling and linking need to know of a stored purchase.
struct PurchaseHead {
    std::int64_t arrival{};
    crm::TransactionKind kind{crm::TransactionKind::sale};
    SourceRecordId record;
    std::uint32_t flags{};
    Time at;
    crm::BusinessKey key;
};

/// Tables purchase, purchase_line, line_discount, tender, redemption, business_key, purchase_link; inside the
/// caller's write transaction. The writer's thread only.
class PurchaseBook {
public:
    explicit PurchaseBook(db::Connection& writer);
    PurchaseBook(const PurchaseBook&) = delete;
    PurchaseBook& operator=(const PurchaseBook&) = delete;
    ~PurchaseBook();

    struct Claim {
        std::int64_t hash{};
        std::int64_t arrival{};
    };
    /// Takes business keys for these arrivals, first come first served; gives the arrivals that came too
    /// late.
    Result<std::vector<std::int64_t>> claim(std::span<const Claim> claims);
    /// Gathered until flush().
    Status add(const PurchaseEntry& entry);
    Status flush();

    /// Who holds the key; empty when nobody does. Needs flush() before.
    Result<std::optional<PurchaseHead>> holder(std::int64_t hash);
    Result<std::optional<PurchaseHead>> head(std::int64_t arrival);
    Result<std::optional<std::int64_t>> arrival_of(EventId event);
    Status link(std::int64_t original, std::int64_t arrival);
    /// Purchases that refer to this key, in arrival order.
    Result<std::vector<std::int64_t>> linked(std::int64_t original);
    /// Keys that are referred to but held by nobody; empty optional when there are more than `limit`.
    Result<std::optional<std::vector<std::int64_t>>> dangling(std::size_t limit);
    Status update(std::int64_t arrival, std::uint32_t flags, SourceRecordId record);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace mudi::server
