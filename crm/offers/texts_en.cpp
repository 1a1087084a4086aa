#include <array>

#include "texts.hpp"

namespace mudi::crm {
namespace {

constexpr std::array errors{
    ErrorText{"sale.kind", "This kind of transaction is not known."},
    ErrorText{"sale.number", "The bill number, store, till or day is missing or wrong."},
    ErrorText{"sale.text", "A text in the bill is too long or not allowed."},
    ErrorText{"sale.currency", "The bill is not in the shop's currency."},
    ErrorText{"sale.times", "The bill's begin and end times do not fit."},
    ErrorText{"sale.empty", "The bill has no items."},
    ErrorText{"sale.too_many_lines", "The bill has too many items."},
    ErrorText{"sale.too_many_tenders", "The bill has too many payments."},
    ErrorText{"sale.rewards", "The points or offers of this bill are not right."},
    ErrorText{"sale.link", "The earlier bill named here does not fit."},
    ErrorText{"sale.total_mismatch", "The items do not add up to the total."},
    ErrorText{"sale.tax_mismatch", "The taxes do not add up to the tax total."},
    ErrorText{"sale.tender_mismatch", "The payments do not add up to the total."},
    ErrorText{"line.type", "This line does not belong in this kind of bill."},
    ErrorText{"line.number", "The line numbers of the bill are wrong."},
    ErrorText{"line.item", "An item number is missing or not allowed."},
    ErrorText{"line.quantity", "A quantity must be more than zero."},
    ErrorText{"line.amount_negative", "A price must not be below zero."},
    ErrorText{"line.amount_mismatch", "Price, quantity and discount do not give this amount."},
    ErrorText{"line.discount", "A discount on the bill is wrong."},
    ErrorText{"line.tax", "The tax of an item is wrong."},
    ErrorText{"tender.kind", "This way of paying is not known."},
    ErrorText{"tender.amount", "A payment of nothing is not allowed."},
    ErrorText{"tender.reference", "A bank card number must not be stored."},
    ErrorText{"money.overflow", "The amount is too large."},
    ErrorText{"money.currency_mismatch", "Two currencies do not go into one bill."},
    ErrorText{"return.quantity", "More is coming back than was sold."},
    ErrorText{"return.amount", "More money would go back than was paid."},
    ErrorText{"return.line", "This line was not sold on that bill."},
    ErrorText{"return.item", "Another item was sold on that line."},
    ErrorText{"return.unknown_original", "The bill for this return was not found."},
    ErrorText{"card.empty", "No card number was given."},
    ErrorText{"card.syntax", "This is not a card number."},
    ErrorText{"card.bank_card", "This is a bank card. Please use the loyalty card."},
    ErrorText{"card.check_digit", "The card number was misread. Please scan it again."},
    ErrorText{"card.payment_code", "This is a payment code, not a loyalty card."},
    ErrorText{"card.product_code", "This is a product, not a loyalty card."},
    ErrorText{"phone.syntax", "This is not a phone number."},
    ErrorText{"qr.signature", "This code was not issued by our shop."},
    ErrorText{"qr.expired", "This code has expired. Please open a new one."},
    ErrorText{"redeem.minimum", "Too few points to redeem."},
    ErrorText{"redeem.balance", "There are not that many points."},
    ErrorText{"redeem.closed", "Points cannot be redeemed now."},
    ErrorText{"redeem.no_customer", "Scan the customer's card first, then redeem points."},
    ErrorText{"offer.unknown", "This offer is not known."},
    ErrorText{"offer.expired", "This offer has expired."},
    ErrorText{"offer.not_yet", "This offer has not started yet."},
    ErrorText{"offer.basket_min", "The bill is too small for this offer."},
    ErrorText{"offer.no_matching_line", "Nothing on the bill is part of this offer."},
    ErrorText{"offer.currency", "This offer is in another currency."},
    ErrorText{"customer.unknown", "This customer is not known here yet."},
    ErrorText{"transaction.unknown", "This bill was not found."},
    ErrorText{"transaction.completed", "This bill is already finished."},
    ErrorText{"transaction.conflict", "This bill number is already saved with other content."},
    ErrorText{"server.unreachable", "The shop's server cannot be reached. Selling goes on."},
};

constexpr Texts texts{
    .zero_digit = "0",
    .percent_item = "{percent}% off {item}",
    .percent_category = "{percent}% off everything from {category}",
    .percent_basket = "{percent}% off your shopping",
    .amount_item = "{amount} off {item}",
    .amount_category = "{amount} off {category}",
    .amount_basket = "{amount} off your shopping",
    .with_minimum = "{title} on a bill of {min} or more",
    .usual_item = "You usually buy {item} {every}; the last time was {ago}.",
    .often_item = "You often buy {item}.",
    .favourite_category = "You often buy from {category}.",
    .welcome = "Welcome to our shop; this is a small gift for you.",
    .chosen = "Chosen for you.",
    .every_day = "every day",
    .every_days = "every {n} days",
    .today = "today",
    .yesterday = "yesterday",
    .days_ago = "{n} days ago",
    .greeting = "Hello, {name}!",
    .greeting_nameless = "Hello!",
    .errors = errors,
};

} // namespace

const Texts& texts_en() { return texts; }

} // namespace mudi::crm
