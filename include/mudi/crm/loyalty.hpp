#pragma once

#include <span>

#include <mudi/base/result.hpp>
#include <mudi/crm/customer.hpp>
#include <mudi/crm/transaction.hpp>

namespace mudi::crm {

/// Points for what the customer kept, rounded down once, on the sum: goods lines only, sale minus return
/// lines, without what was paid in points; with tax where the receipt adds it. 0 for training, post-voids and
/// adjustments, and while `per_point` is 0. Never negative: a pure return books reverse_points from
/// points_reversed(). Errors: money.currency_mismatch, money.overflow.
Result<Points> points_earned(const RetailTransaction& transaction, const LoyaltyRules& rules);

/// A return is the difference of two receipts: what the original earned minus what it would have earned
/// without everything returned so far including now, minus what was reversed before. >= 0. `returned_so_far`
/// are return lines linked to `original` (others are ignored), with the original's way of showing tax.
Result<Points> points_reversed(const RetailTransaction& original, std::span<const LineItem> returned_so_far,
                               Points reversed_before, const LoyaltyRules& rules);

/// What so many points pay: `redeem.minimum`, `redeem.balance`, `redeem.closed` (a point pays nothing),
/// `money.overflow` (Code::invalid).
Result<Money> points_value(Points points, Points available, const LoyaltyRules& rules);

} // namespace mudi::crm
