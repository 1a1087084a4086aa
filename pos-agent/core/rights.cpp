#include <mudi/crm/rights.hpp>

#include <algorithm>
#include <utility>

#include <mudi/crm/loyalty.hpp>

#include "desk_impl.hpp"

namespace mudi::till {
namespace {

/// A sale that used a hold may come late from the spool; with the time a hold lives it stays below
/// crm::holds_lapse_after.
constexpr Duration given_back_after{std::chrono::minutes{15}};
/// How long a lapsed hold under the floor limit is remembered, so that its late use is told from an unknown
/// one; and how long a question that the lead never answered is put to it again.
constexpr Duration lapsed_kept{std::chrono::hours{24}};
constexpr Duration lent_kept{std::chrono::hours{24}};
constexpr Duration heard_apart{std::chrono::minutes{1}};
/// Each costs an fsync.
constexpr std::size_t given_back_per_call = 20;

bool is_free(const Hold& hold) { return hold.asked == AskedOf::nobody && hold.lender == RightsHolder{}; }

} // namespace

bool Desk::Impl::is_lead() const { return lead.till.value != 0 && lead.till == options.till; }

/// A hold that has lapsed counts until it is given back: a sale that ended before may still come.
sync::OnHold Desk::Impl::held_now(RightsHolder own) const {
    auto worst = sync::OnHold::nothing;
    for (const auto& [id, hold] : holds) {
        if (is_free(hold)) continue;
        const bool known =
            hold.asked == AskedOf::server || (hold.asked == AskedOf::nobody && hold.lender == own);
        if (!known) return sync::OnHold::borrowed;
        worst = sync::OnHold::known;
    }
    return worst;
}

void Desk::Impl::server_seen(const ServerSeen& now_seen) {
    seen = now_seen;
    const auto at = seen.heard ? seen.heard : seen.level_at;
    if (!at) return;
    heard = at;
    if (heard_kept && std::chrono::abs(*heard - *heard_kept) < heard_apart) return;
    if (storage.keep(ServerHeard{*heard})) heard_kept = heard;
}

Points Desk::Impl::usable(const std::optional<crm::RightUse>& right, Time now) const {
    if (!right || !heard) return {};
    return crm::usable(*right, now - *heard);
}

Result<Points> Desk::Impl::own_right(const OpenTransaction& transaction, Time now) {
    if (!transaction.member) return Points{};
    MUDI_TRY(const auto profile, held(transaction.member->identifier));
    if (!profile) return Points{};
    const Points local = available(*profile, now);
    const Points most = offline_points == crm::OfflinePoints::floor_limit ? below_cap(*profile, now)
                                                                          : usable(profile->right, now);
    return Points{std::max<std::int64_t>(std::min(local.value, most.value), 0)};
}

Result<HoldView> Desk::Impl::take_own_right(OpenTransaction& transaction, const Redeemer& redeemer,
                                            Points points, Time now) {
    const auto& right = redeemer.profile.right;
    if (!right || usable(right, now) < points) {
        return fail(Code::invalid, "redeem.offline",
                    "the server cannot be asked, and not so many points are set aside for such times");
    }
    Hold hold = new_hold(transaction, redeemer, points, now);
    hold.lender = right->right.holder;
    MUDI_CHECK(storage.keep(RightUsed{{hold.lender, hold.profile, points}, hold}));
    holds.emplace(hold.id, hold);
    transaction.hold = hold;
    return HoldView{hold, is_stale(now)};
}

Result<RedeemQuestion> Desk::Impl::prepare_redeem(OpenTransaction& transaction, Points points, AskedOf asked,
                                                  Time now) {
    MUDI_TRY(const Redeemer redeemer, redeemer_of(transaction, points, now));
    Hold hold = new_hold(transaction, redeemer, points, now);
    hold.asked = asked;
    hold.granted = false;
    MUDI_CHECK(storage.keep(hold));
    holds.emplace(hold.id, hold);
    under_way.insert(hold.id);
    transaction.asking = hold.id;
    return RedeemQuestion{hold.id, hold.profile, hold.points, hold.amount};
}

/// The transaction that waits for the answer, if it still does.
OpenTransaction* Desk::Impl::answered(const TransactionName& name, const RedeemQuestion& question, Time now) {
    under_way.erase(question.hold);
    const auto found = open.find(key_of(name, now));
    if (found == open.end() || found->second.asking != question.hold) return nullptr;
    found->second.asking.reset();
    return &found->second;
}

Result<HoldView> Desk::Impl::hold_granted(const TransactionName& name, const RedeemQuestion& question,
                                          RightsHolder lender, Time now) {
    OpenTransaction* transaction = answered(name, question, now);
    const auto found = holds.find(question.hold);
    if (found == holds.end()) return fail(Code::not_found, "hold.unknown", "no such points were asked for");
    Hold& hold = found->second;
    hold.granted = true;
    hold.lender = lender;
    hold.expires = now + options.hold_for;
    const auto kept = storage.keep(hold);
    if (transaction == nullptr || !kept) {
        let_go(hold, now);
        if (!kept) return tl::make_unexpected(kept.error());
        return fail(Code::not_found, "txn.unknown", "nobody waits for these points any more");
    }
    transaction->hold = hold;
    return HoldView{hold, is_stale(now)};
}

Status Desk::Impl::hold_refused(const TransactionName& name, const RedeemQuestion& question, Time now) {
    answered(name, question, now);
    MUDI_CHECK(storage.keep(HoldReleased{question.hold}));
    holds.erase(question.hold);
    return {};
}

Status Desk::Impl::hold_unanswered(const TransactionName& name, const RedeemQuestion& question, Time now) {
    answered(name, question, now);
    const auto found = holds.find(question.hold);
    // What the lead may have lent is not known to the server: it has to be asked again.
    if (found == holds.end() || found->second.asked != AskedOf::server) return {};
    return give_back(Hold(found->second), now);
}

/// Nobody spends it: whoever set it aside is told.
Status Desk::Impl::give_back(const Hold& hold, Time now) {
    if (is_free(hold)) {
        MUDI_CHECK(storage.keep(HoldReleased{hold.id}));
    } else if (hold.asked == AskedOf::nobody) {
        const RightMove unused{hold.lender, hold.profile, {-hold.points.value}};
        MUDI_CHECK(storage.keep(RightUsed{unused, {}, {}, hold.id}));
        // The server may be waiting for just these.
        MUDI_CHECK(return_rights(now));
    } else {
        MUDI_CHECK(record_return({hold.profile, hold.lender, hold.id, hold.points}, hold.id, {}, now));
    }
    holds.erase(HoldId(hold.id));
    return {};
}

/// What cannot be given back just now has lapsed at least.
void Desk::Impl::let_go(const Hold& hold, Time now) {
    const HoldId id = hold.id;
    if (give_back(Hold(hold), now)) return;
    if (const auto left = holds.find(id); left != holds.end())
        left->second.expires = std::min(left->second.expires, now - given_back_after);
}

Status Desk::Impl::record_return(const sync::RightReturned& returned, std::optional<HoldId> released,
                                 std::optional<RightMove> move, Time now) {
    SaleToRecord record;
    record.captured = now;
    record.event.id = EventId{random.bits128()};
    record.event.hlc = hlc.next(now);
    record.event.kind = static_cast<std::uint32_t>(sync::EventKind::right_returned);
    record.event.body = sync::encode(returned);
    record.released = released;
    record.right = move;
    MUDI_TRY(last_captured, storage.record(record));
    return {};
}

/// True: there may be more.
Result<bool> Desk::Impl::return_rights(Time now) {
    MUDI_TRY(const auto due, storage.rights_due(given_back_per_call));
    for (const RightDue& each : due) {
        const RightsHolder holder = each.use.right.holder;
        const Points points = crm::to_return(each.use);
        MUDI_CHECK(record_return({each.profile, holder, {}, points}, {},
                                 RightMove{holder, each.profile, points, true}, now));
    }
    return due.size() == given_back_per_call;
}

Result<sync::ReserveAnswer> Desk::Impl::lend(const sync::Reserve& asked, Time now) {
    sync::ReserveAnswer answer;
    if (const auto known = lent.find(asked.hold); known != lent.end()) {
        const auto& [before, holder] = known->second;
        answer.granted = before.profile == asked.profile && before.points == asked.points;
        if (answer.granted) answer.lender = holder;
        return answer;
    }
    if (!is_lead() || offline_points != crm::OfflinePoints::escrow)
        return fail(Code::denied, "till.not_lead", "this till lends no points");
    if (asked.points.value <= 0 || asked.points.value > points_max)
        return fail(Code::invalid, "points.amount", "so many points cannot be spent");
    MUDI_TRY(const auto profile, storage.find_profile(asked.profile));
    if (!profile || !profile->right) return answer;
    answer.available = usable(profile->right, now);
    if (answer.available < asked.points) return answer;
    const RightsHolder holder = profile->right->right.holder;
    const Lent fresh{asked.hold, asked.profile, asked.points, asked.till, now};
    MUDI_CHECK(storage.keep(RightUsed{{holder, asked.profile, asked.points}, {}, fresh}));
    lent.emplace(fresh.hold, LentUnder{fresh, holder});
    answer.granted = true;
    answer.lender = holder;
    return answer;
}

std::vector<sync::Reserve> Desk::Impl::unsettled() const {
    std::vector<sync::Reserve> questions;
    for (const auto& [id, hold] : holds) {
        if (hold.asked == AskedOf::lead && !hold.granted && !under_way.contains(id))
            questions.push_back({options.till, id, hold.profile, hold.points});
    }
    return questions;
}

Status Desk::Impl::settled(HoldId id, const sync::ReserveAnswer& answer, Time now) {
    const auto found = holds.find(id);
    if (found == holds.end() || found->second.granted || under_way.contains(id)) return {};
    if (!answer.granted) {
        MUDI_CHECK(storage.keep(HoldReleased{id}));
        holds.erase(id);
        return {};
    }
    found->second.granted = true;
    found->second.lender = answer.lender;
    return give_back(Hold(found->second), now);
}

Duration Desk::Impl::lapse_of(const Hold& hold) const {
    if (is_free(hold)) return lapsed_kept;
    if (hold.granted) return given_back_after;
    // The server may have set it aside for a question that a crash has cut off.
    return hold.asked == AskedOf::server ? -options.hold_for : lapsed_kept;
}

Result<bool> Desk::Impl::tidy(Time now) {
    std::vector<Hold> gone;
    for (const auto& [id, hold] : holds) {
        if (gone.size() == given_back_per_call) break;
        if (!under_way.contains(id) && now >= hold.expires + lapse_of(hold)) gone.push_back(hold);
    }
    for (const Hold& hold : gone) {
        for (auto& [key, transaction] : open)
            if (transaction.hold && transaction.hold->id == hold.id) transaction.hold.reset();
        if (hold.asked == AskedOf::lead && !hold.granted) {
            MUDI_CHECK(storage.keep(HoldReleased{hold.id}));
            holds.erase(hold.id);
        } else {
            MUDI_CHECK(give_back(hold, now));
        }
    }
    std::erase_if(lent, [&](const auto& each) { return now - each.second.lent.at >= lent_kept; });
    MUDI_TRY(const bool more, return_rights(now));
    return more || gone.size() == given_back_per_call;
}

} // namespace mudi::till
