#include <mudi/crm/rights.hpp>

#include <algorithm>

namespace mudi::crm {
namespace {

std::int64_t open_recall(const RightsAccount& account) {
    return std::max<std::int64_t>(account.recalled.value - account.closed.value, 0);
}

} // namespace

Points outstanding(const RightsAccount& account) {
    return {std::max<std::int64_t>(account.granted.value - account.closed.value, 0)};
}

Points free_points(Points balance, Points held, std::span<const RightsAccount> accounts) {
    std::int64_t left = balance.value - held.value;
    for (const RightsAccount& account : accounts) left -= outstanding(account).value;
    return {std::max<std::int64_t>(left, 0)};
}

Points top_up(RightsAccount& account, Points max, Points useful_min, Points free) {
    if (account.dead || open_recall(account) > 0) return {};
    const std::int64_t has = outstanding(account).value;
    const std::int64_t more = std::min(max.value - has, free.value);
    if (more <= 0 || has + more < useful_min.value) return {};
    account.granted.value += more;
    return {more};
}

Points recall(std::vector<RightsAccount>& accounts, Points wanted) {
    std::int64_t asked = 0;
    for (RightsAccount& account : accounts) {
        if (account.dead) continue;
        const std::int64_t under_way = std::min(open_recall(account), outstanding(account).value);
        const std::int64_t left = wanted.value - asked - under_way;
        if (left <= 0) return {asked};
        // Counted from what is closed: the holder gives back on top of what it has spent.
        const std::int64_t base = std::max(account.recalled.value, account.closed.value);
        const std::int64_t more = std::min(left, account.granted.value - base);
        if (more <= 0) continue;
        account.recalled.value = base + more;
        asked += more;
    }
    return {asked};
}

Points close(RightsAccount& account, Points points) {
    account.closed.value += points.value;
    const std::int64_t over = account.closed.value - account.granted.value;
    return {std::clamp<std::int64_t>(over, 0, points.value)};
}

Points usable(const RightUse& use, Duration since_contact) {
    if (since_contact < Duration{0} || since_contact > rights_last) return {};
    // What is asked back is not spent any more, even before it has been given back.
    const std::int64_t limit = use.right.granted.value - to_return(use).value;
    return {std::max<std::int64_t>(limit - use.used.value, 0)};
}

Points to_return(const RightUse& use) {
    const std::int64_t wanted = use.right.recalled.value - use.used.value;
    const std::int64_t has = use.right.granted.value - use.used.value;
    return {std::max<std::int64_t>(std::min(wanted, has), 0)};
}

bool may_free(Time died, bool same_machine, std::span<const DrainedTill> tills, Time now) {
    if (now - died >= rights_freed_after) return true;
    if (!same_machine) return false;
    const bool lapsed = now - died >= holds_lapse_after;
    return std::all_of(tills.begin(), tills.end(), [&](const DrainedTill& till) {
        return till.revoked || till.borrows_nothing ||
               (lapsed && till.drained && *till.drained - died >= holds_lapse_after);
    });
}

} // namespace mudi::crm
