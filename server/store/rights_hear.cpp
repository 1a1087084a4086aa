#include <mudi/server/rights.hpp>

#include <algorithm>
#include <chrono>
#include <limits>
#include <set>
#include <string>

#include <mudi/base/bytes.hpp>
#include <mudi/crm/rights.hpp>

#include "rights_impl.hpp"

namespace mudi::server {

namespace {

/// A till that was not heard for so long is not waited for: what it held has lapsed long ago.
constexpr std::chrono::days waited_days{35};
/// In the place of the time at which a till was asked for what it holds.
constexpr Time cannot_say{Duration{-1}};

std::string machine_of(const sync::TillHello& hello) {
    return hello.machine.is_zero() ? std::string{} : to_hex(hello.machine);
}

} // namespace

// ---- a database that was put back ----

Result<std::optional<std::int64_t>> RightsBook::Impl::start_of(std::uint64_t generation) {
    MUDI_TRY(const auto found, find_start.first(generation));
    return found ? std::optional{std::get<0>(*found)} : std::nullopt;
}

/// Did the till have to do with a server that this database does not remember?
Result<bool> RightsBook::Impl::has_lost_history(const sync::TillHello& hello, EventSeq mark) {
    if (hello.acked > mark) return true;
    if (hello.ack_generation != 0) {
        MUDI_TRY(const auto start, start_of(hello.ack_generation));
        if (!start) return true;
    }
    if (hello.cursor.generation == 0) return false;
    MUDI_TRY(const auto start, start_of(hello.cursor.generation));
    if (!start) return true;
    MUDI_TRY(const auto next, first_version.first(*start + 1));
    return next && hello.cursor.version > std::get<0>(*next);
}

/// Of a restore that was settled before: the till was away meanwhile.
Result<bool> RightsBook::Impl::is_old_news(const sync::TillHello& hello) {
    MUDI_TRY(const std::int64_t settled, counters.get(counter::points_settled));
    if (settled == 0) return false;
    MUDI_TRY(const auto newest, newest_start.first());
    if (newest && settled >= std::get<0>(*newest)) return true;
    if (hello.ack_generation == 0) return false;
    for (const std::uint64_t generation : {hello.ack_generation, hello.cursor.generation}) {
        if (generation == 0) continue;
        MUDI_TRY(const auto start, start_of(generation));
        if (!start || *start >= settled) return false;
    }
    return true;
}

Status RightsBook::Impl::note_lost(const sync::TillHello& hello, Time now) {
    MUDI_TRY(const std::int64_t since, counters.get(counter::points_settling));
    if (since != 0) return {};
    MUDI_TRY(const bool old, is_old_news(hello));
    if (old) return {};
    MUDI_TRY(const auto newest, newest_start.first());
    return begin_settling(now, newest ? std::get<0>(*newest) : 0);
}

/// `from`: the first start that goes on from the backup.
Status RightsBook::Impl::begin_settling(Time since, std::int64_t from) {
    MUDI_CHECK(counters.set(counter::points_settling, to_ms(since)));
    return counters.set(counter::points_settled, from);
}

Status RightsBook::settle(Time now) {
    MUDI_TRY(const auto newest, impl_->newest_start.first());
    return impl_->begin_settling(now, (newest ? std::get<0>(*newest) : 0) + 1);
}

Result<bool> RightsBook::settle_now(Time now) {
    MUDI_TRY(const std::int64_t since, impl_->counters.get(counter::points_settling));
    if (since != 0) return false;
    MUDI_TRY(const auto newest, impl_->newest_start.first());
    MUDI_CHECK(impl_->begin_settling(now, newest ? std::get<0>(*newest) : 0));
    return true;
}

Result<Time> RightsBook::Impl::oldest_waiting() {
    MUDI_TRY(const std::int64_t cursor, counters.get(counter::apply_cursor));
    MUDI_TRY(const auto row, waiting_since.first(cursor));
    // A till newer than this server may have spent points in words that the next one understands.
    MUDI_TRY(const auto parked, not_understood_since.first());
    const Time none = time_from_ms(std::numeric_limits<std::int64_t>::max());
    return std::min(row ? std::get<0>(*row) : none, parked ? std::get<0>(*parked) : none);
}

Result<bool> RightsBook::Impl::settling(Time now) {
    MUDI_TRY(const std::int64_t since_ms, counters.get(counter::points_settling));
    if (since_ms == 0) return false;
    const Time since = time_from_ms(since_ms);
    bool over = now - since >= crm::rights_freed_after;
    if (!over) {
        MUDI_TRY(const Time applied, oldest_waiting());
        MUDI_TRY(const auto left,
                 waited_for.first(since - waited_days, since + crm::holds_lapse_after, applied, since));
        over = !left;
    }
    if (!over) return true;
    MUDI_CHECK(counters.set(counter::points_settling, 0));
    // What was not given out meanwhile is now.
    MUDI_CHECK(wake_all(now));
    return false;
}

// ---- tills and their memories ----

/// While it is settled after a restore, a till that still goes by what was lost has not told all: it would
/// spend by rights that nobody knows of. Nor does one of two machines speak for the other, which may have
/// sold under the same number.
Result<bool> RightsBook::Impl::has_told_all(const sync::TillHello& hello, EventSeq mark, Time now) {
    if (hello.last != mark) return false;
    MUDI_TRY(const auto other, elsewhere.first(hello.till, machine_of(hello), now - crm::rights_freed_after));
    if (other) return false;
    MUDI_TRY(const std::int64_t since, counters.get(counter::points_settling));
    if (since == 0 || hello.cursor.generation == 0) return true;
    return goes_by_this_history(hello);
}

Result<bool> RightsBook::Impl::goes_by_this_history(const sync::TillHello& hello) {
    MUDI_TRY(const std::int64_t from, counters.get(counter::points_settled));
    MUDI_TRY(const auto start, start_of(hello.cursor.generation));
    return start && *start >= from;
}

/// Of a till that has told all.
Status RightsBook::Impl::hear_holds(const sync::TillHello& hello, std::optional<Time> asked) {
    if (!asked || hello.on_hold == sync::OnHold::not_said) {
        MUDI_CHECK(save_holds(cannot_say, cannot_say, hello.till));
        return {};
    }
    const bool borrows = hello.on_hold == sync::OnHold::borrowed;
    bool holds = hello.on_hold != sync::OnHold::nothing;
    MUDI_TRY(const std::int64_t since, counters.get(counter::points_settling));
    if (since != 0 && !holds) {
        // By rights of a history that was lost it could hold more any moment.
        MUDI_TRY(const bool knows, goes_by_this_history(hello));
        holds = !knows;
    }
    MUDI_CHECK(save_holds(borrows ? Time{} : *asked, holds ? Time{} : *asked, hello.till));
    return {};
}

Status RightsBook::Impl::hear_holder(const sync::TillHello& hello, Time now, Time asked) {
    if (hello.holder.value == 0) return {};
    MUDI_TRY(const auto known, find_holder.first(hello.holder));
    if (known) {
        const auto& [till, died, freed] = *known;
        // What was set aside for it still is, unless it was freed: then it stays dead.
        if (till != hello.till || died == Time{} || freed) return {};
        MUDI_CHECK(bury(asked, hello.till, hello.holder));
        MUDI_CHECK(revive(hello.holder));
        return {};
    }
    // The memory before it was over when this one was asked for its name.
    MUDI_CHECK(bury(asked, hello.till, hello.holder));
    MUDI_CHECK(make_holder(hello.holder, hello.till, machine_of(hello), now));
    MUDI_TRY(const auto lead, is_lead.first(hello.till));
    MUDI_TRY(const std::int64_t till_max, counters.get(counter::points_till_max));
    if (lead && (std::get<0>(*lead) || till_max > 0)) MUDI_CHECK(wake_store(now, hello.store));
    return {};
}

Status RightsBook::heard(const sync::TillHello& hello, EventSeq mark, Time now, std::optional<Time> asked) {
    MUDI_TRY(const bool lost, impl_->has_lost_history(hello, mark));
    if (lost) MUDI_CHECK(impl_->note_lost(hello, now));
    MUDI_TRY(const bool drained, impl_->has_told_all(hello, mark, now));
    if (drained) MUDI_CHECK(impl_->save_drained(now, hello.till));
    if (drained) MUDI_CHECK(impl_->hear_holds(hello, asked));
    return impl_->hear_holder(hello, now, asked.value_or(now));
}

// ---- what nobody can spend any more ----

Result<std::vector<RightsBook::Impl::DeadHolder>> RightsBook::Impl::the_dead() {
    std::vector<DeadHolder> holders;
    MUDI_CHECK(dead.each([&](RightsHolder holder, TillId till, Time died, const std::string& machine,
                             const std::string& successor) {
        holders.push_back({holder, till, died, !machine.empty() && machine == successor});
    }));
    return holders;
}

/// Was it asked when the memory was over? The till itself was when it named its successor.
bool RightsBook::Impl::is_after(const DeadHolder& holder, TillId till, Time asked) {
    return asked > holder.died || (till == holder.till && asked == holder.died);
}

Result<bool> RightsBook::Impl::may_free(const DeadHolder& holder, Time now) {
    MUDI_TRY(const Time applied, oldest_waiting());
    std::vector<crm::DrainedTill> tills;
    MUDI_CHECK(neighbours.each(
        [&](TillId till, Time drained, Time unborrowed, Time revoked) {
            const bool told = drained != Time{} && drained < applied;
            // Clocks of tills lie: what may have lapsed by now is asked of those who can say.
            const bool by_time = told && unborrowed == cannot_say;
            tills.push_back({revoked != Time{}, by_time ? std::optional{drained} : std::nullopt,
                             told && is_after(holder, till, unborrowed)});
        },
        holder.till));
    return crm::may_free(holder.died, holder.same_machine, tills, now);
}

Result<std::size_t> RightsBook::Impl::free_the_dead(Time now) {
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(writer, db::Commit::relaxed));
    MUDI_TRY([[maybe_unused]] const bool settles, settling(now)); // it ends here, when nobody asks for points
    MUDI_TRY(const Time applied, oldest_waiting());
    MUDI_TRY(const auto revoked, any_to_bury.first());
    if (revoked && std::get<0>(*revoked) > 0) MUDI_CHECK(bury_revoked(now));
    MUDI_CHECK(close_unused(crm::holds_lapse_after.count(), applied, now - crm::rights_freed_after));
    // Who had them has them again.
    MUDI_CHECK(wake_wished(now, now - RightsBook::wish_lasts));
    MUDI_CHECK(forget_wishes(now - RightsBook::wish_lasts));
    MUDI_TRY(const auto holders, the_dead());
    std::size_t freed = 0;
    for (const DeadHolder& one : holders) {
        MUDI_TRY(const bool may, may_free(one, now));
        if (!may) continue;
        MUDI_CHECK(free_holder(one.holder));
        MUDI_CHECK(wake_accounts(now, one.holder));
        MUDI_CHECK(drop_accounts(one.holder));
        ++freed;
    }
    MUDI_CHECK(forget_accounts(now - crm::rights_freed_after));
    MUDI_CHECK(forget_holders(now - crm::rights_freed_after));
    MUDI_CHECK(transaction.commit());
    return freed;
}

Result<std::size_t> RightsBook::free_the_dead(Time now) { return impl_->free_the_dead(now); }

Result<std::vector<TillId>> RightsBook::Impl::awaited(Time now) {
    std::set<TillId> tills;
    MUDI_TRY(const std::int64_t since_ms, counters.get(counter::points_settling));
    const Time since = time_from_ms(since_ms);
    if (since_ms != 0) {
        MUDI_CHECK(waited_for.each([&](TillId till) { tills.insert(till); }, since - waited_days,
                                   since + crm::holds_lapse_after,
                                   time_from_ms(std::numeric_limits<std::int64_t>::max()), since));
    }
    MUDI_TRY(const auto holders, the_dead());
    for (const DeadHolder& one : holders) {
        const Time lapsed = one.died + crm::holds_lapse_after;
        if (!one.same_machine) continue;
        MUDI_CHECK(neighbours.each(
            [&](TillId till, Time drained, Time unborrowed, Time revoked) {
                const bool in_vain = now < lapsed && unborrowed == cannot_say;
                const bool by_time = unborrowed == cannot_say && drained >= lapsed;
                if (revoked == Time{} && !by_time && !in_vain && !is_after(one, till, unborrowed))
                    tills.insert(till);
            },
            one.till));
    }
    return std::vector<TillId>(tills.begin(), tills.end());
}

Result<std::vector<TillId>> RightsBook::awaited(Time now) { return impl_->awaited(now); }

} // namespace mudi::server
