#include <mudi/server/rights.hpp>

#include <algorithm>
#include <tuple>
#include <utility>

#include "rights_impl.hpp"

namespace mudi::server {

Status RightsBook::Impl::breach(Points points) {
    if (points.value <= 0) return {};
    breached.value += points.value;
    counters.add(counter::points_breached, points.value);
    return counters.flush();
}

/// The server's own hold of this number, which may never have been asked for. A sale under somebody else's
/// right ends it as well: the till had asked here first and the answer was lost.
Status RightsBook::Impl::close_hold(const Closing& closing, Time now) {
    const bool ours = closing.lender.value == 0;
    MUDI_TRY(const auto known, find_hold.first(*closing.hold));
    if (!known) {
        MUDI_CHECK(
            save_hold(*closing.hold, closing.record, TillId{}, closing.points, now, HoldState::closed));
        return {};
    }
    const auto& [record, points, state] = *known;
    if (ours && closing.spent) {
        // A hold is spent once, whole or in part; what goes beyond was nobody's to give.
        const std::int64_t cover = state == HoldState::open ? points.value : 0;
        const std::int64_t over = closing.points.value - cover;
        // What was only wished for here may have been granted by the history that was lost.
        MUDI_TRY(const bool restored, settling(now));
        if (over > 0 && !restored) MUDI_CHECK(breach({over}));
    }
    if (state != HoldState::closed) MUDI_CHECK(close_row(*closing.hold));
    return {};
}

Status RightsBook::Impl::close_account(const Closing& closing, Time now) {
    MUDI_TRY(const auto holder, find_holder.first(closing.lender));
    if (holder && std::get<2>(*holder)) {
        // What was free again may have been given to somebody else since.
        return closing.spent ? breach(closing.points) : Status{};
    }
    Booked booked{closing.record, {closing.lender, {}, {}, {}, false}};
    crm::RightsAccount& account_now = booked.account;
    MUDI_TRY(const auto found, account.first(closing.record, closing.lender));
    if (found) std::tie(account_now.granted, account_now.recalled, account_now.closed) = *found;
    const Points over = crm::close(account_now, closing.points);
    if (over.value > 0) {
        MUDI_TRY(const bool restored, settling(now));
        // Granted by the history that was lost.
        if (restored) account_now.granted = account_now.closed;
        // Giving back too much spends nothing: a till that was told of no right any more gives back what it
        // had.
        if (!restored && closing.spent) MUDI_CHECK(breach(over));
    }
    return save(booked);
}

Status RightsBook::Impl::close(const Closing& closing, Time now) {
    const bool ours = closing.lender.value == 0;
    if (closing.hold && (ours || closing.spent)) MUDI_CHECK(close_hold(closing, now));
    if (ours) return {};
    if (closing.hold) {
        MUDI_TRY(const std::int64_t fresh, note_lent(*closing.hold, closing.lender));
        // The lender counted it once, whatever became of it.
        if (fresh == 0) return closing.spent ? breach(closing.points) : Status{};
    }
    return close_account(closing, now);
}

namespace {

std::optional<Closing> closing_of(SourceRecordId record, const crm::LedgerEntry& entry, bool spent) {
    const bool redeems = entry.kind == crm::LedgerKind::redeem_reward && entry.points.value < 0;
    if (!redeems || !entry.hold || record.value <= 0) return std::nullopt;
    return Closing{record, entry.lender, entry.hold, Points{-entry.points.value}, spent};
}

} // namespace

Result<SourceRecordId> RightsBook::held_of(const crm::LedgerEntry& entry, std::optional<ProfileId> meant) {
    if (!closing_of(SourceRecordId{1}, entry, true)) return SourceRecordId{};
    if (entry.lender.value == 0) {
        MUDI_TRY(const auto known, impl_->find_hold.first(*entry.hold));
        if (known) return std::get<0>(*known);
    }
    if (!meant) return SourceRecordId{};
    const SourceRecordId record{meant->value};
    MUDI_TRY(const auto there, impl_->profile_of.first(record));
    return there ? record : SourceRecordId{};
}

Result<bool> RightsBook::same_profile(SourceRecordId a, SourceRecordId b) {
    if (a == b) return true;
    MUDI_TRY(const auto of_a, impl_->profile_of.first(a));
    MUDI_TRY(const auto of_b, impl_->profile_of.first(b));
    return of_a && of_a == of_b;
}

Status RightsBook::redeemed(SourceRecordId record, const crm::LedgerEntry& entry, Time now) {
    const auto closing = closing_of(record, entry, true);
    return closing ? impl_->close(*closing, now) : Status{};
}

Status RightsBook::not_redeemed(SourceRecordId record, const crm::LedgerEntry& entry, Time now) {
    const auto closing = closing_of(record, entry, false);
    return closing ? impl_->close(*closing, now) : Status{};
}

Result<bool> RightsBook::returned(EventId event, const sync::RightReturned& returned, Time now) {
    MUDI_TRY(const std::int64_t fresh, impl_->note_event(event));
    if (fresh == 0) return false;
    const SourceRecordId record{returned.profile.value};
    MUDI_CHECK(impl_->close({record, returned.lender, returned.hold, returned.points, false}, now));
    MUDI_TRY(const auto there, impl_->profile_of.first(record));
    if (there) MUDI_CHECK(impl_->mark_dirty(record));
    return true;
}

Result<Points> RightsBook::confirm_breached() {
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(impl_->writer));
    MUDI_TRY(const std::int64_t breached, impl_->counters.get(counter::points_breached));
    MUDI_CHECK(impl_->counters.set(counter::points_confirmed, breached));
    MUDI_CHECK(transaction.commit());
    return Points{breached};
}

Result<Points> RightsBook::unconfirmed() {
    MUDI_TRY(const std::int64_t breached, impl_->counters.get(counter::points_breached));
    MUDI_TRY(const std::int64_t confirmed, impl_->counters.get(counter::points_confirmed));
    return Points{std::max<std::int64_t>(breached - confirmed, 0)};
}

Result<std::int64_t> RightsBook::moves() { return impl_->counters.get(counter::points_moves); }

Points RightsBook::take_breached() { return std::exchange(impl_->breached, Points{}); }

} // namespace mudi::server
