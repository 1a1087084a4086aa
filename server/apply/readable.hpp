#pragma once

#include <mudi/base/result.hpp>
#include <mudi/crm/transaction_rules.hpp>
#include <mudi/server/apply.hpp>
#include <mudi/server/backlog.hpp>
#include <mudi/server/ledger.hpp>
#include <mudi/sync/event.hpp>

namespace mudi::server {

/// Everything that can be refused without looking at any table, so that a poison event leaves no half of
/// itself behind. Errors: those of sync::decode and crm::validate, customer.source_key, customer.text,
/// card.bank_card.
Result<sync::EventBody> read_event(const sync::Event& event, const ApplyRules& rules);
Status check_sale(const crm::RetailTransaction& transaction, const ApplyRules& rules);
Status check_record(const crm::SourceRecord& record, const ApplyRules& rules);

/// Postings of one event: those of the till come first, then the server's own.
inline constexpr std::int32_t correction_ordinal = static_cast<std::int32_t>(crm::ledger_entries_max);
inline constexpr std::int32_t settlement_ordinal = correction_ordinal + 1;
static_assert(settlement_ordinal < postings_per_purchase);

/// What the till booked for earning, which the server's rules decide in the end; the rest is taken as it is.
bool is_earning(crm::LedgerKind kind);
/// The same sale, whoever's points rules and event ids were used.
bool same_content(crm::RetailTransaction a, crm::RetailTransaction b);

} // namespace mudi::server
