#include <algorithm>
#include <utility>

#include <mudi/crm/loyalty.hpp>

#include "desk_impl.hpp"

namespace mudi::till {
Points Desk::Impl::on_hold(ProfileId profile, Time now, const Hold* apart) const {
    Points sum;
    for (const auto& [id, hold] : holds) {
        const bool counts = hold.profile == profile && hold.expires > now &&
                            (hold.granted || under_way.contains(id)) && (apart == nullptr || apart->id != id);
        if (counts) sum.value += hold.points.value;
    }
    return sum;
}

Points Desk::Impl::available(const HeldProfile& profile, Time now, const Hold* apart) const {
    return {profile.slice.balance.value + profile.local.value - on_hold(profile.slice.id, now, apart).value};
}

Points Desk::Impl::below_cap(const HeldProfile& profile, Time now) const {
    const Points exposed{profile.spent.value + on_hold(profile.slice.id, now).value};
    return {std::max<std::int64_t>(loyalty.redeem_offline_max.value - exposed.value, 0)};
}

Result<Redeemer> Desk::Impl::redeemer_of(const OpenTransaction& transaction, Points points, Time now) {
    if (transaction.training) return fail(Code::invalid, "redeem.training", "an exercise spends no points");
    std::optional<HeldProfile> profile;
    if (transaction.member) {
        MUDI_TRY(profile, held(transaction.member->identifier));
    }
    if (!profile) return fail(Code::invalid, "redeem.customer", "no customer known here has been identified");
    if (transaction.asking || (transaction.hold && transaction.hold->expires > now)) {
        return fail(Code::conflict, "redeem.held", "the transaction holds points already");
    }
    MUDI_TRY(const Money amount, crm::points_value(points, available(*profile, now), loyalty));
    return Redeemer{*std::move(profile), amount};
}

Hold Desk::Impl::new_hold(const OpenTransaction& transaction, const Redeemer& redeemer, Points points,
                          Time now) {
    Hold hold;
    hold.id = HoldId{random.bits128()};
    hold.transaction = transaction.key;
    hold.profile = redeemer.profile.slice.id;
    hold.points = points;
    hold.amount = redeemer.amount;
    hold.expires = now + options.hold_for;
    return hold;
}

Result<HoldView> Desk::Impl::redeem(OpenTransaction& transaction, Points points, Time now) {
    MUDI_TRY(const Redeemer redeemer, redeemer_of(transaction, points, now));
    if (offline_points == crm::OfflinePoints::escrow)
        return take_own_right(transaction, redeemer, points, now);
    if (points > below_cap(redeemer.profile, now)) {
        return fail(Code::invalid, "redeem.offline_cap",
                    "more points than may be spent while the server cannot be asked");
    }
    const Hold hold = new_hold(transaction, redeemer, points, now);
    MUDI_CHECK(storage.keep(hold));
    holds.emplace(hold.id, hold);
    transaction.hold = hold;
    return HoldView{hold, is_stale(now)};
}

Status Desk::Impl::release(OpenTransaction& transaction, Time now) {
    const auto held_now = holds.find(transaction.hold->id);
    if (held_now != holds.end()) {
        auto given = give_back(Hold(held_now->second), now);
        // On a full disk it is given back when there is room again.
        if (!given && given.error().code != Code::unavailable) return given;
        if (!given) let_go(held_now->second, now);
    }
    transaction.hold.reset();
    return {};
}

/// Finds the hold that the loyalty_points tenders spend; they must agree to the last paisa.
Status Desk::Impl::take_hold(Capture& capture) const {
    const crm::RetailTransaction& sale = capture.draft.transaction;
    Wide tendered = 0;
    bool in_points = false;
    for (const crm::Tender& tender : sale.tenders) {
        if (tender.kind != crm::TenderKind::loyalty_points) continue;
        if (tender.amount.minor < 0) {
            return fail(Code::invalid, "tender.points_back", "points do not go back as a tender");
        }
        in_points = true;
        tendered += tender.amount.minor;
    }
    if (!in_points) return {}; // a hold that was not used after all is released with the transaction
    if (!capture.draft.hold)
        return fail(Code::invalid, "hold.missing", "paid in points without a hold on them");
    const auto found = holds.find(*capture.draft.hold);
    const TransactionKey key{sale.key.day, sale.key.number};
    if (found == holds.end() || found->second.transaction != key || !found->second.granted) {
        return fail(Code::not_found, "hold.unknown", "no such hold on this transaction");
    }
    const Hold& hold = found->second;
    // The spool may bring a sale long after it ended: what counts is when it ended.
    if (hold.expires <= sale.end)
        return fail(Code::invalid, "hold.expired", "the hold on points has expired");
    if (tendered != hold.amount.minor)
        return fail(Code::invalid, "hold.amount", "the tender is not what the hold pays");
    if (!capture.held || capture.held->slice.id != hold.profile) {
        return fail(Code::invalid, "hold.customer", "the points are held for another customer");
    }
    capture.hold = hold;
    return {};
}

Status Desk::Impl::book_points(Capture& capture) const {
    const crm::RetailTransaction& sale = capture.draft.transaction;
    if (capture.hold) {
        capture.ledger.push_back({crm::LedgerKind::redeem_reward,
                                  {-capture.hold->points.value},
                                  capture.hold->id,
                                  capture.hold->lender});
    }
    if (sale.kind == crm::TransactionKind::sale) {
        Points earned;
        const auto is_apart = [&](const crm::LineItem& line) {
            return line.link && std::ranges::find(capture.reversed_apart, line.link->original) !=
                                    capture.reversed_apart.end();
        };
        if (!capture.reversed_apart.empty()) {
            // What comes back is reversed from its own receipt; here only the rest earns.
            crm::RetailTransaction fresh = sale;
            std::erase_if(fresh.lines, is_apart);
            MUDI_TRY(earned, crm::points_earned(fresh, loyalty));
        } else {
            MUDI_TRY(earned, crm::points_earned(sale, loyalty));
        }
        if (earned.value > 0) capture.ledger.push_back({crm::LedgerKind::accumulate_points, earned, {}});
    }
    Points reversed;
    for (const ReturnRow& row : capture.returns) reversed.value += row.points.value;
    if (reversed.value > 0)
        capture.ledger.push_back({crm::LedgerKind::reverse_points, {-reversed.value}, {}});
    return {};
}

} // namespace mudi::till
