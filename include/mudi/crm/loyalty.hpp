#pragma once

#include <span>

#include <mudi/base/result.hpp>
#include <mudi/crm/customer.hpp>
#include <mudi/crm/transaction.hpp>

namespace mudi::crm {

/// Points for what the customer kept, rounded down once, on the sum: goods lines only, sale minus return lines, without what was
/// paid in points. Never negative: a pure return books reverse_points from points_reversed().
Result<Points> points_earned(const RetailTransaction& transaction, const LoyaltyRules& rules);

/// A return is the difference of two receipts: what the original earned minus what it would have earned without everything
/// returned so far including now, minus what was reversed before. >= 0.
Result<Points> points_reversed(const RetailTransaction& original, std::span<const LineItem> returned_so_far,
                               Points reversed_before, const LoyaltyRules& rules);

/// What so many points pay: `redeem.minimum`, `redeem.balance`, `money.overflow` (Code::invalid).
Result<Money> points_value(Points points, Points available, const LoyaltyRules& rules);

} // namespace mudi::crm
