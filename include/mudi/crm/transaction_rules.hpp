#pragma once

#include <span>

#include <mudi/base/result.hpp>
#include <mudi/crm/transaction.hpp>

namespace mudi::crm {

inline constexpr std::size_t lines_max = 2000;
inline constexpr std::size_t tenders_max = 50;
inline constexpr std::size_t discounts_per_line_max = 50;
inline constexpr std::size_t text_bytes_max = 200;
inline constexpr std::size_t number_bytes_max = 64;

/// What the shop allows.
struct ShopRules {
    Currency currency;
};

/// Everything that can be said of a transaction without knowing any other. Refuses with (all Code::invalid):
/// sale.number, sale.empty, sale.too_many_lines, sale.times, sale.currency, sale.text, line.number, line.item,
/// line.quantity, line.amount_negative, line.amount_mismatch (regular price x quantity - discounts is not `amount`,
/// beyond 1 minor unit), line.discount, line.tax, line.type, tender.amount, tender.reference (looks like a bank card),
/// sale.total_mismatch, sale.tax_mismatch, sale.tender_mismatch, sale.link, money.overflow.
Status validate(const RetailTransaction& transaction, const ShopRules& rules);

/// Sum of sale lines minus sum of return lines, plus tax where it is not included.
Result<Money> total_of(std::span<const LineItem> lines, Currency currency, bool tax_included);

/// How much of each line of one original has been returned before.
struct ReturnedQuantity {
    std::int32_t line{};
    Quantity quantity;
    Money amount;
};

/// Refuses a return of more than was sold (`return.quantity`), of more money than was paid (`return.amount`), of a line that
/// is not there (`return.line`) or of another item (`return.item`). Code::invalid.
Status check_return(const RetailTransaction& original, std::span<const ReturnedQuantity> before,
                    std::span<const LineItem> returned);

} // namespace mudi::crm
