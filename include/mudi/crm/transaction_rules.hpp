#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <mudi/base/result.hpp>
#include <mudi/crm/transaction.hpp>

namespace mudi::crm {

inline constexpr std::size_t lines_max = 2000;
inline constexpr std::size_t tenders_max = 50;
inline constexpr std::size_t discounts_per_line_max = 50;
inline constexpr std::size_t redeemed_offers_max = 50;
inline constexpr std::size_t ledger_entries_max = 50;
inline constexpr std::size_t text_bytes_max = 200;
inline constexpr std::size_t number_bytes_max = 64;
inline constexpr std::size_t key_part_bytes_max = 32; ///< store and workstation
inline constexpr std::int32_t tax_rate_max = 10'000;  ///< basis points

/// What the shop allows.
struct ShopRules {
    Currency currency{inr};
};

/// Everything that can be said of a transaction without knowing any other. The first thing wrong is refused,
/// all Code::invalid:
///
/// - sale.kind: one we do not know.
/// - sale.number: number, store or workstation empty or too long; no real day; a number like a bank card.
/// - sale.text: too long, not UTF-8, control characters, or like a bank card.
/// - sale.currency: not the shop's, or an amount in another one than the sale's.
/// - sale.times: ends before it begins, or outside 1970..9999.
/// - sale.empty: no lines (all kinds but post_void).
/// - sale.too_many_lines, sale.too_many_tenders: more than `lines_max`, `tenders_max`.
/// - sale.rewards: too many redeemed offers or ledger entries, an offer twice, points out of range, or
///   ledger entries where nobody can have them: training, adjustment, no member.
/// - sale.link: a post-void without link or of another workstation; a link that names nothing, or itself;
///   a linked sale line; a linked adjustment.
/// - line.type: one we do not know, a sale line in a return, any line in a post-void.
/// - line.number: below 1, or twice.
/// - line.item: none, or like a bank card (a number with a right GTIN check digit is not).
/// - line.quantity: not above 0 (adjustment: 0), or out of range.
/// - line.amount_negative: amount or unit price below 0 (adjustment: any).
/// - line.amount_mismatch: unit price x quantity, rounded half to even, minus discounts is not `amount`,
///   beyond 1 minor unit; only where there is a unit price.
/// - line.discount: not above 0, or more than `discounts_per_line_max`.
/// - line.tax: rate outside 0..`tax_rate_max`, tax below 0 (adjustment: any), or above the amount it is in.
/// - tender.kind: one we do not know.
/// - tender.amount: 0.
/// - tender.reference: like a bank card.
/// - sale.tax_mismatch: the lines' taxes differ from `tax_total` by more than a minor unit for each line.
/// - sale.total_mismatch: `total` is not total_of(lines). Where tax is not included, lines + `tax_total` is
///   right too: some hosts round it once for the receipt.
/// - sale.tender_mismatch: tenders do not add up to `total` (an adjustment may have none).
/// - money.overflow: an amount or a sum beyond `money_minor_max`.
Status validate(const RetailTransaction& transaction, const ShopRules& rules);

/// Sum of sale lines minus sum of return lines, plus the lines' tax where it is not included.
/// Errors: money.overflow, money.currency_mismatch.
Result<Money> total_of(std::span<const LineItem> lines, Currency currency, bool tax_included);

/// How much of each line of one original has been returned before; a line may stand in several entries.
struct ReturnedQuantity {
    std::int32_t line{};
    Quantity quantity;
    Money amount;
};

/// `returned` are the return lines that take back goods of `original`, each with a link to its sold line;
/// several may take back parts of one. Refuses more than was sold (`return.quantity`), more money than was
/// paid (`return.amount`), a line that is not there or was not sold there (`return.line`), another item
/// (`return.item`). Code::invalid.
Status check_return(const RetailTransaction& original, std::span<const ReturnedQuantity> before,
                    std::span<const LineItem> returned);

} // namespace mudi::crm
