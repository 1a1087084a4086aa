#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/id.hpp>
#include <mudi/base/result.hpp>
#include <mudi/crm/transaction.hpp>

namespace mudi::server {

/// What was found about a purchase when it was applied; bits of PurchaseRow::flags.
enum class PurchaseFlag : std::uint32_t {
    voided = 1,           ///< a post_void names it
    discrepancy = 2,      ///< returns more, or something else, than its original sold
    conflict = 4,         ///< another event has the same business key with another content
    original_unknown = 8, ///< return or void whose original has not come (yet)
    clock_skew = 16,      ///< the till's clock was more than 5 minutes off
    points_adjusted = 32, ///< the till's points were not those of the rules
};
inline bool has(std::uint32_t flags, PurchaseFlag flag) {
    return (flags & static_cast<std::uint32_t>(flag)) != 0;
}

/// One row per (kind of figure); money in minor units. Training counts in `training` only.
struct PurchaseFigures {
    std::int64_t transactions{}; ///< all kinds but training
    std::int64_t lines{};        ///< of those
    std::int64_t returns{};
    std::int64_t voids{};
    std::int64_t adjustments{};
    std::int64_t training{};
    std::int64_t value_minor{};  ///< sum of the totals of sales, voided ones included
    std::int64_t return_minor{}; ///< what returns paid back, positive
    std::int64_t void_minor{};   ///< sum of the totals of voided sales

    friend bool operator==(const PurchaseFigures&, const PurchaseFigures&) = default;
};
struct TillFigures {
    TillId till;
    PurchaseFigures figures;
};
struct PurchaseSummary {
    PurchaseFigures all;
    std::int64_t customers{};         ///< different cards and phones in them, training left out
    std::vector<TillFigures> by_till; ///< by till number; 0 = imported
};

struct PurchaseRow {
    std::int64_t arrival{}; ///< rising; `after` of the next call
    EventId event;
    TillId till;
    crm::BusinessKey key;
    crm::TransactionKind kind{crm::TransactionKind::sale};
    bool training{false};
    Time at; ///< end, corrected by what we know of the till's clock
    Money total;
    std::int64_t lines{};
    std::uint32_t flags{};
};

/// Constructible on any connection.
class PurchaseReader {
public:
    explicit PurchaseReader(db::Connection& connection);
    PurchaseReader(const PurchaseReader&) = delete;
    PurchaseReader& operator=(const PurchaseReader&) = delete;
    ~PurchaseReader();

    /// Exact sums over all rows: for reconciliation, not for a page that refreshes itself.
    Result<PurchaseSummary> summary();
    /// Arrival order, arrival > after, at most `limit` (cut to list_max).
    Result<std::vector<PurchaseRow>> list(std::optional<TillId> till, std::int64_t after, std::size_t limit);
    /// Newest first, over all records of the profile.
    Result<std::vector<PurchaseRow>> of_profile(ProfileId profile, std::size_t limit);

    static constexpr std::size_t list_max = 10'000;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace mudi::server
