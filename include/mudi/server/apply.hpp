#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/hash.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/crm/customer.hpp>
#include <mudi/crm/identifier.hpp>

namespace mudi::server {

struct ApplyRules {
    Currency currency{inr};
    crm::LoyaltyRules loyalty;
    Key256 identifier_key;
    crm::IdentifierRules identifiers;
};

struct ApplyReport {
    std::size_t taken{}; ///< events looked at
    std::size_t applied{};
    std::size_t duplicates{}; ///< known under the same event id, or the same sale again: nothing to do
    std::size_t quarantined{};
    bool more{false}; ///< others wait
    Points breached{}; ///< spent under rights that did not cover it (RightsBook)
};

/// Inbox -> purchases, ledger, source records, profiles, rights. Idempotent by event id; an event that cannot
/// be applied goes to quarantine with its reason and the next one goes on. Profiles whose offers must be
/// chosen again become dirty (OfferRefresh takes them). One object per database, on the writer's connection
/// and thread.
class Apply {
public:
    Apply(db::Connection& writer, ApplyRules rules);
    Apply(const Apply&) = delete;
    Apply& operator=(const Apply&) = delete;
    ~Apply();

    /// The next waiting events in arrival order, in one transaction. An error (busy, io, unavailable) changes
    /// nothing: call again later.
    Result<ApplyReport> apply_some(std::size_t events_max, Time now);
    /// The most it takes at once: some 80 ms in which nothing is accepted, while a backlog goes at full rate.
    static constexpr std::size_t chunk = 1024;

    /// Once more, after an upgrade or a repair: true when it is applied now, false when it stays with a new
    /// reason and one more attempt. quarantine.unknown (not_found).
    Result<bool> retry(std::int64_t quarantine_id, Time now);
    struct RetryReport {
        std::size_t retried{};
        std::size_t applied{};
        std::size_t left{};
    };
    /// Every quarantined event, oldest first.
    Result<RetryReport> retry_all(Time now);
    /// At every start: when another version of the program wrote here last, the events that this one did not
    /// understand (event.unknown_kind, event.newer_schema) are tried again. An error: the rest is tried at
    /// the next start.
    Result<RetryReport> retry_after_upgrade(const std::string& program, Time now);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace mudi::server
