#pragma once

#include <span>
#include <vector>

#include <mudi/base/id.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/crm/customer.hpp>

/// Spending points while the server cannot be asked, and never more of them than there are: escrow (O'Neil
/// 1986; bounded counters, Balegas et al. 2015). The server grants a holder, one till's uninterrupted memory,
/// the right to spend so many points of a customer and sets them aside. All amounts are counts that only
/// grow, so that lost, late and repeated messages do no harm. Pure; the books are the server's, the use of a
/// right is the till's.
namespace mudi::crm {

/// One customer's rights of one holder, as the server's books have them.
struct RightsAccount {
    RightsHolder holder;
    Points granted;   ///< in all
    Points recalled;  ///< of these, asked back in all
    Points closed;    ///< spent or given back, in all; more than granted only after a breach (see close())
    bool dead{false}; ///< the holder has no memory of it any more: nothing is granted to it again

    friend bool operator==(const RightsAccount&, const RightsAccount&) = default;
};

/// What the holder may still spend, as far as the server knows. >= 0.
Points outstanding(const RightsAccount& account);

/// What of the balance nobody holds: can be granted or held. Never negative.
Points free_points(Points balance, Points held, std::span<const RightsAccount> accounts);

struct RightsPolicy {
    Points store_max;    ///< of one customer, for the lead till of a store; 0: none
    Points till_max;     ///< of one customer, for any other till; 0: none
    Points useful_min{}; ///< below it a right helps nobody: LoyaltyRules::redeem_min
};

/// Grants up to `max` to one holder; gives what it adds. Nothing while a recall is open or when the holder
/// could not reach `useful_min` with it.
Points top_up(RightsAccount& account, Points max, Points useful_min, Points free);

/// Asks back so much from the living that `wanted` becomes free, at least in theory; gives how much was asked
/// back now. Who was asked before is not asked again for the same points.
Points recall(std::vector<RightsAccount>& accounts, Points wanted);

/// Points were spent or given back under the account. Gives what was not covered: > 0 is a breach (a right
/// used twice), to be reported as such.
Points close(RightsAccount& account, Points points);

/// What a till may do with a right it was granted.
struct RightUse {
    Right right; ///< as the newest slice has it
    Points used; ///< spent, lent and given back, in all, by this holder
};
/// How many points it may spend now. `since_contact`: since the server was last heard; beyond rights_last, or
/// when the clock went back, none: the server frees the rights of holders it has not heard of for much
/// longer.
Points usable(const RightUse& use, Duration since_contact);
/// How many of them the server wants back and can have. >= 0.
Points to_return(const RightUse& use);

inline constexpr Duration rights_last{std::chrono::hours{72}};
/// The holder of a right is gone for good: its points are free again after so long; sooner, when it is known
/// that nobody can spend them any more (see may_free).
inline constexpr Duration rights_freed_after{std::chrono::hours{144}};
/// Longer than any hold that was taken under a right lives.
inline constexpr Duration holds_lapse_after{std::chrono::hours{1}};

/// A till of the store, seen from the death of a holder.
struct DrainedTill {
    bool revoked{false};
    std::optional<Time> drained; ///< when it last had nothing unsent
    /// It said, asked after the death, that it has told all and holds nothing that was borrowed.
    bool borrows_nothing{false};
};
/// May the points of a dead holder be free again? Either its time has run out, or its successor runs on the
/// same machine (so the memory is gone for good) and every till that may have borrowed of it has told all
/// since: when it said that nothing borrowed is left, or else once whatever it held has lapsed.
bool may_free(Time died, bool same_machine, std::span<const DrainedTill> tills, Time now);

} // namespace mudi::crm
