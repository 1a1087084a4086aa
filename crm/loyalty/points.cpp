#include <mudi/crm/loyalty.hpp>

#include <algorithm>

namespace mudi::crm {
namespace {

auto overflow() { return fail(Code::invalid, "money.overflow", "the amount is out of range"); }

/// What the customer pays for a line, whichever way the receipt shows tax.
Wide paid(const LineItem& line, bool tax_included) {
    return Wide{line.amount.minor} + (tax_included ? 0 : line.tax.minor);
}

/// Goods kept minus what points paid for; may be negative.
Wide earning_minor(const RetailTransaction& transaction) {
    if (transaction.training ||
        (transaction.kind != TransactionKind::sale && transaction.kind != TransactionKind::return_))
        return 0;
    Wide minor = 0;
    for (const LineItem& line : transaction.lines)
        if (line.goods)
            minor += (line.type == LineType::return_ ? -1 : 1) * paid(line, transaction.tax_included);
    for (const Tender& tender : transaction.tenders)
        if (tender.kind == TenderKind::loyalty_points) minor -= tender.amount.minor;
    return minor;
}

Status check_currency(const RetailTransaction& transaction, const LoyaltyRules& rules) {
    if (transaction.currency == rules.per_point.currency) return {};
    return fail(Code::invalid, "money.currency_mismatch", "the programme counts in another currency");
}

Result<Points> points_for(Wide minor, const LoyaltyRules& rules) {
    if (minor <= 0 || rules.per_point.minor <= 0) return Points{0};
    if (minor > money_minor_max) return overflow();
    // Rounded down here, once, on the sum.
    const std::int64_t points = floor_div(minor, rules.per_point.minor);
    if (points > points_max) return overflow();
    return Points{points};
}

} // namespace

Result<Points> points_earned(const RetailTransaction& transaction, const LoyaltyRules& rules) {
    MUDI_CHECK(check_currency(transaction, rules));
    return points_for(earning_minor(transaction), rules);
}

Result<Points> points_reversed(const RetailTransaction& original, std::span<const LineItem> returned_so_far,
                               Points reversed_before, const LoyaltyRules& rules) {
    MUDI_CHECK(check_currency(original, rules));
    const Wide bought = earning_minor(original);
    Wide kept = bought;
    for (const LineItem& line : returned_so_far) {
        if (line.type != LineType::return_ || !line.link || line.link->original != original.key) continue;
        const auto sold = std::ranges::find(original.lines, line.link->line, &LineItem::number);
        // The sold line decides what is goods: postage that comes back takes no points along.
        if (sold != original.lines.end() && sold->goods) kept -= paid(line, original.tax_included);
    }
    MUDI_TRY(const Points earned, points_for(bought, rules));
    MUDI_TRY(const Points remaining, points_for(std::min(kept, bought), rules));
    return Points{std::max<std::int64_t>(0, earned.value - remaining.value - reversed_before.value)};
}

Result<Money> points_value(Points points, Points available, const LoyaltyRules& rules) {
    if (rules.point_value.minor <= 0)
        return fail(Code::invalid, "redeem.closed", "the programme does not pay in points");
    if (points.value <= 0 || points < rules.redeem_min)
        return fail(Code::invalid, "redeem.minimum", "fewer points than can be redeemed at once");
    if (points > available) return fail(Code::invalid, "redeem.balance", "more points than there are");
    const Wide minor = Wide{points.value} * rules.point_value.minor;
    if (minor > money_minor_max) return overflow();
    return Money{static_cast<std::int64_t>(minor), rules.point_value.currency};
}

} // namespace mudi::crm
