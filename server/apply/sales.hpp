#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <unordered_set>

#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/crm/transaction.hpp>
#include <mudi/server/apply.hpp>

#include "books.hpp"
#include "settlement.hpp"

namespace mudi::server {

/// One transaction of a till into purchases, ledger and habits. Plain sales are only gathered; what refers to
/// others is settled at once.
class Sales {
public:
    Sales(Books& books, const ApplyRules& rules) : books_(books), rules_(rules), settlement_(books, rules) {}

    /// First in every transaction.
    Status begin();
    void forget() { loaded_ = false; }

    /// False: it is known already under another event id. `contested`: somebody else came first under its
    /// business key.
    Result<bool> apply(const WaitingEvent& event, const crm::RetailTransaction& sale, bool contested,
                       Time now);

private:
    Result<bool> is_repeat(const crm::RetailTransaction& sale, std::uint32_t& flags);
    Result<SourceRecordId> owner_of(const WaitingEvent& event, const crm::RetailTransaction& sale,
                                    IdentifierHash member, Time now);
    Result<SourceRecordId> owner_of_originals(const std::vector<crm::BusinessKey>& links,
                                              std::uint32_t& flags);
    Status post(const PurchaseEntry& entry, std::int64_t correction, Time now);
    Result<SourceRecordId> account_for(const crm::LedgerEntry& booked, const PurchaseEntry& entry, Time now);
    Status give_back(const crm::RetailTransaction& sale, Time now);
    Result<bool> is_awaited(std::int64_t hash);
    bool is_first_of_its_minute(const crm::RetailTransaction& sale);

    Books& books_;
    const ApplyRules& rules_;
    Settlement settlement_;
    /// Business keys that returns and voids wait for.
    std::unordered_set<std::int64_t> awaited_;
    bool awaited_complete_{true};
    bool loaded_{false};
    std::set<std::string> minutes_; ///< of mutant dedupe_by_time
};

} // namespace mudi::server
