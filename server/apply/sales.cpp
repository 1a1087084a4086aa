#include "sales.hpp"

#include <algorithm>
#include <chrono>

#include <mudi/base/mutant.hpp>
#include <mudi/crm/identifier.hpp>
#include <mudi/crm/loyalty.hpp>
#include <mudi/server/purchases.hpp>

#include "readable.hpp"

namespace mudi::server {

namespace {

constexpr std::size_t awaited_max = 1'000'000;
/// Less than this is the network, not the clock.
constexpr Duration clock_noise{std::chrono::seconds{5}};
constexpr Duration clock_skew_min{std::chrono::minutes{5}};

void set(std::uint32_t& flags, PurchaseFlag flag) { flags |= static_cast<std::uint32_t>(flag); }

bool clock_lies(Duration ahead) { return ahead > clock_skew_min || ahead < -clock_skew_min; }

/// What we believe about when it ended: nothing is sold after it has arrived.
Time corrected(Time end, const WaitingEvent& event) {
    const bool noise = event.ahead < clock_noise && event.ahead > -clock_noise;
    return std::min(noise ? end : end - event.ahead, std::max(event.received, Time{}));
}

/// What the rules give beyond what the till booked.
std::int64_t points_correction(const crm::RetailTransaction& sale, const crm::LoyaltyRules& rules) {
    if (sale.kind != crm::TransactionKind::sale || sale.training) return 0;
    const auto earned = crm::points_earned(sale, rules);
    if (!earned) return 0; // another currency than the programme's: the till's word stands
    std::int64_t booked = 0;
    for (const crm::LedgerEntry& entry : sale.ledger) {
        if (is_earning(entry.kind)) booked += entry.points.value;
    }
    return earned->value - booked;
}

} // namespace

Status Sales::begin() {
    if (loaded_) return {};
    MUDI_TRY(const auto keys, books_.purchases.dangling(awaited_max));
    awaited_.clear();
    awaited_complete_ = keys.has_value();
    if (keys) awaited_.insert(keys->begin(), keys->end());
    loaded_ = true;
    return {};
}

Result<bool> Sales::is_awaited(std::int64_t hash) {
    if (awaited_complete_) return awaited_.erase(hash) > 0;
    MUDI_TRY(const auto linked, books_.purchases.linked(hash));
    return !linked.empty();
}

/// Another event has the business key: either the till told us twice, or two sales claim it and both must
/// show.
Result<bool> Sales::is_repeat(const crm::RetailTransaction& sale, std::uint32_t& flags) {
    MUDI_CHECK(books_.flush());
    MUDI_TRY(const auto first, books_.purchases.holder(key_hash(sale.key, sale.training)));
    if (!first || first->key != sale.key) return false; // only the hash is the same
    MUDI_TRY(const auto event, books_.backlog.one(first->arrival));
    if (event) {
        MUDI_TRY(const auto body, sync::decode(event->event));
        const auto* known = std::get_if<crm::RetailTransaction>(&body);
        if (known != nullptr && same_content(*known, sale)) return true;
    }
    set(flags, PurchaseFlag::conflict);
    MUDI_CHECK(books_.purchases.update(
        first->arrival, first->flags | static_cast<std::uint32_t>(PurchaseFlag::conflict), first->record));
    return false;
}

Result<SourceRecordId> Sales::owner_of(const WaitingEvent& event, const crm::RetailTransaction& sale,
                                       IdentifierHash member, Time now) {
    MUDI_TRY(const SourceRecordId owner, books_.records.owner(member, sale.member->profile));
    if (owner.value != 0) return owner;
    return books_.records.admit_unknown(sale.member->identifier, event.till, now);
}

Result<SourceRecordId> Sales::owner_of_originals(const std::vector<crm::BusinessKey>& links,
                                                 std::uint32_t& flags) {
    SourceRecordId owner;
    MUDI_CHECK(books_.flush());
    for (const crm::BusinessKey& key : links) {
        const std::int64_t hash = key_hash(key, false);
        MUDI_TRY(const auto original, books_.purchases.holder(hash));
        if (!original) {
            set(flags, PurchaseFlag::original_unknown);
            if (awaited_complete_) awaited_.insert(hash);
        } else if (owner.value == 0 && original->key == key) {
            owner = original->record;
        }
    }
    if (awaited_.size() > awaited_max) {
        awaited_.clear();
        awaited_complete_ = false;
    }
    return owner;
}

/// Mutant dedupe_by_time: one workstation sells once a minute.
bool Sales::is_first_of_its_minute(const crm::RetailTransaction& sale) {
    const auto minute = std::chrono::floor<std::chrono::minutes>(sale.end).time_since_epoch().count();
    return minutes_
        .insert(sale.key.store.value + '\0' + sale.key.workstation.value + '\0' + std::to_string(minute))
        .second;
}

/// Points that were held are taken from where they were held, also when the card has become somebody else's
/// since: else they would be spent on a balance that nobody asked.
Result<SourceRecordId> Sales::account_for(const crm::LedgerEntry& booked, const PurchaseEntry& entry,
                                          Time now) {
    MUDI_TRY(const SourceRecordId held, books_.rights.held_of(booked, entry.transaction->member->profile));
    MUDI_CHECK(books_.rights.redeemed(held.value != 0 ? held : entry.record, booked, now));
    if (held.value == 0) return entry.record;
    MUDI_TRY(const bool same, books_.rights.same_profile(held, entry.record));
    if (same) return entry.record;
    books_.records.mark_dirty(held, now);
    return held;
}

/// A sale that is told twice is none: what was held for it is free.
Status Sales::give_back(const crm::RetailTransaction& sale, Time now) {
    if (!sale.member) return {};
    for (const crm::LedgerEntry& booked : sale.ledger) {
        MUDI_TRY(const SourceRecordId held, books_.rights.held_of(booked, sale.member->profile));
        if (held.value == 0) continue;
        MUDI_CHECK(books_.rights.not_redeemed(held, booked, now));
        books_.records.mark_dirty(held, now);
    }
    return {};
}

Status Sales::post(const PurchaseEntry& entry, std::int64_t correction, Time now) {
    std::int32_t ordinal = 0;
    for (const crm::LedgerEntry& booked : entry.transaction->ledger) {
        MUDI_TRY(const SourceRecordId account, account_for(booked, entry, now));
        MUDI_CHECK(books_.ledger.post(
            {entry.arrival, ordinal++, account, booked.kind, booked.points, booked.hold, entry.at}));
    }
    if (correction == 0) return {};
    return books_.ledger.post({entry.arrival, correction_ordinal, entry.record,
                               crm::LedgerKind::adjust_points, Points{correction}, std::nullopt, entry.at});
}

Result<bool> Sales::apply(const WaitingEvent& event, const crm::RetailTransaction& sale, bool contested,
                          Time now) {
    if (mutant::planted(mutant::Bug::dedupe_by_time) && !is_first_of_its_minute(sale)) return false;
    PurchaseEntry entry{event.id, event.till, corrected(sale.end, event), {}, {}, 0, &sale};
    if (contested) {
        MUDI_TRY(const bool repeat, is_repeat(sale, entry.flags));
        if (repeat) {
            MUDI_CHECK(give_back(sale, now));
            return false;
        }
    }
    if (clock_lies(event.ahead)) set(entry.flags, PurchaseFlag::clock_skew);
    const auto links = sale.training ? std::vector<crm::BusinessKey>{} : links_of(sale);
    if (sale.member) {
        entry.member = crm::identifier_hash(rules_.identifier_key, sale.member->identifier);
        if (!sale.training) {
            MUDI_TRY(entry.record, owner_of(event, sale, *entry.member, now));
        }
    }
    if (!links.empty()) {
        MUDI_TRY(const SourceRecordId owner, owner_of_originals(links, entry.flags));
        if (entry.record.value == 0) entry.record = owner;
    }
    const std::int64_t correction = entry.record.value == 0 ? 0 : points_correction(sale, rules_.loyalty);
    if (correction != 0) set(entry.flags, PurchaseFlag::points_adjusted);
    MUDI_CHECK(books_.purchases.add(entry));
    books_.habits.add(entry.record, entry.at, sale);
    if (entry.record.value != 0 && !sale.training) {
        MUDI_CHECK(post(entry, correction, now));
        books_.records.mark_dirty(entry.record, now);
    }
    books_.counters.add(counter::purchases, 1);
    books_.counters.add(counter::lines, static_cast<std::int64_t>(sale.lines.size()));
    for (const crm::BusinessKey& key : links)
        MUDI_CHECK(books_.purchases.link(key_hash(key, false), event.id));
    bool related = !links.empty();
    if (!sale.training && !contested) {
        MUDI_TRY(const bool awaited, is_awaited(key_hash(sale.key, false)));
        related = related || awaited;
    }
    if (related) {
        MUDI_CHECK(books_.flush());
        MUDI_CHECK(settlement_.settle(event.id, now));
    }
    return true;
}

} // namespace mudi::server
