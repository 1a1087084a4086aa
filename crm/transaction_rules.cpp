#include <mudi/crm/transaction_rules.hpp>

#include <algorithm>
#include <set>
#include <string>

#include <mudi/base/text.hpp>
#include <mudi/crm/identifier.hpp>

namespace mudi::crm {
namespace {

auto refuse(std::string name, std::string what) {
    return fail(Code::invalid, std::move(name), std::move(what));
}

auto overflow() { return refuse("money.overflow", "the amount is out of range"); }

bool is_clean(std::string_view text, std::size_t bytes_max) {
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
    return text.size() <= bytes_max && is_utf8(text) && std::ranges::none_of(text, is_control);
}

/// A GTIN may pass Luhn by chance; nobody prints 13- or 14-digit bank cards with a right GS1 check digit.
bool is_gtin(std::string_view text) {
    return (text.size() == 13 || text.size() == 14) && is_digits(text) && passes_gs1(text);
}

bool could_be_bank_card(std::string_view text) { return !is_gtin(text) && contains_bank_card(text); }

Status check_text(std::string_view text) {
    if (!is_clean(text, text_bytes_max))
        return refuse("sale.text", "a text is too long, not UTF-8 or has control characters");
    if (could_be_bank_card(text)) return refuse("sale.text", "a text looks like a bank card");
    return {};
}

bool names_something(const BusinessKey& key) {
    const auto fits = [](std::string_view text, std::size_t bytes_max) {
        return !text.empty() && is_clean(text, bytes_max);
    };
    return fits(key.store.value, key_part_bytes_max) && fits(key.workstation.value, key_part_bytes_max) &&
           fits(key.number, number_bytes_max) && !contains_bank_card(key.number) &&
           parse_business_day(format_business_day(key.day)) == key.day;
}

class Validator {
public:
    Validator(const RetailTransaction& transaction, const ShopRules& rules)
        : sale_(transaction), rules_(rules), adjusts_(transaction.kind == TransactionKind::adjustment) {}

    Status head() const;
    Status rewards() const;
    Status link() const;
    Status line(const LineItem& line) const;
    Status tender(const Tender& tender) const;
    Status sums() const;

private:
    Status member() const;
    Status amount(Money money) const;
    Status line_kind(const LineItem& line) const;
    Status line_amounts(const LineItem& line) const;
    Status line_tax(const LineItem& line) const;

    const RetailTransaction& sale_;
    const ShopRules& rules_;
    bool adjusts_;
};

Status Validator::head() const {
    if (to_string(sale_.kind) == "unknown") return refuse("sale.kind", "an unknown kind of transaction");
    if (!names_something(sale_.key))
        return refuse("sale.number", "store, workstation, day and number do not name a transaction");
    MUDI_CHECK(check_text(sale_.operator_id));
    MUDI_CHECK(check_text(sale_.host));
    MUDI_CHECK(member());
    if (sale_.currency != rules_.currency) return refuse("sale.currency", "not the shop's currency");
    constexpr std::int64_t ms_max = 253'402'300'799'999; // the end of the year 9999
    if (sale_.end < sale_.begin || to_ms(sale_.begin) < 0 || to_ms(sale_.end) > ms_max)
        return refuse("sale.times", "the transaction ends before it begins");
    if (sale_.lines.empty() && sale_.kind != TransactionKind::post_void)
        return refuse("sale.empty", "a transaction without lines");
    if (sale_.lines.size() > lines_max) return refuse("sale.too_many_lines", "too many lines");
    if (sale_.tenders.size() > tenders_max) return refuse("sale.too_many_tenders", "too many tenders");
    return {};
}

/// A card's number itself may look like a bank card: the loyalty ranges, which parse_card knew, decide that.
Status Validator::member() const {
    if (!sale_.member) return {};
    const Identifier& identifier = sale_.member->identifier;
    if (identifier.value.empty() || to_string(identifier.kind) == "unknown" ||
        !is_clean(identifier.value, number_bytes_max))
        return refuse("sale.text", "the customer's identifier is not in its normal form");
    return {};
}

Status Validator::rewards() const {
    if (sale_.redeemed_offers.size() > redeemed_offers_max || sale_.ledger.size() > ledger_entries_max)
        return refuse("sale.rewards", "too many redeemed offers or ledger entries");
    const std::set<OfferId> distinct(sale_.redeemed_offers.begin(), sale_.redeemed_offers.end());
    if (distinct.size() != sale_.redeemed_offers.size())
        return refuse("sale.rewards", "an offer is redeemed twice");
    if (!sale_.ledger.empty() && (adjusts_ || sale_.training || !sale_.member))
        return refuse("sale.rewards", "points move where no customer can have them");
    for (const LedgerEntry& entry : sale_.ledger)
        if (to_string(entry.kind) == "unknown" || entry.points.value > points_max ||
            entry.points.value < -points_max)
            return refuse("sale.rewards", "a ledger entry is out of range");
    return {};
}

Status Validator::link() const {
    const bool voids = sale_.kind == TransactionKind::post_void;
    if (!sale_.link) {
        if (voids) return refuse("sale.link", "a post-void must name what it undoes");
        return {};
    }
    if (adjusts_ || !names_something(*sale_.link) || *sale_.link == sale_.key)
        return refuse("sale.link", "the link names no other transaction");
    if (voids && (sale_.link->store != sale_.key.store || sale_.link->workstation != sale_.key.workstation))
        return refuse("sale.link", "a post-void undoes a transaction of its own workstation");
    return {};
}

Status Validator::amount(Money money) const {
    if (money.currency != sale_.currency) return refuse("sale.currency", "an amount in another currency");
    if (money.minor > money_minor_max || money.minor < -money_minor_max) return overflow();
    return {};
}

Status Validator::line(const LineItem& line) const {
    MUDI_CHECK(line_kind(line));
    if (line.item_id.empty() || could_be_bank_card(line.item_id))
        return refuse("line.item", "a line without an item number");
    for (const std::string* text : {&line.item_id, &line.description, &line.category, &line.unit})
        MUDI_CHECK(check_text(*text));
    MUDI_CHECK(line_amounts(line));
    return line_tax(line);
}

Status Validator::line_kind(const LineItem& line) const {
    if (to_string(line.type) == "unknown") return refuse("line.type", "an unknown type of line");
    if (sale_.kind == TransactionKind::post_void)
        return refuse("line.type", "a post-void has no lines of its own");
    if (sale_.kind == TransactionKind::return_ && line.type != LineType::return_)
        return refuse("line.type", "a return has return lines only");
    if (!line.link) return {};
    if (line.type != LineType::return_ || line.link->line < 1 || !names_something(line.link->original))
        return refuse("sale.link", "a line's link names no sold line");
    return {};
}

Status Validator::line_amounts(const LineItem& line) const {
    const std::int64_t quantity = line.quantity.thousandths;
    if (quantity == 0 || (quantity < 0 && !adjusts_) || quantity > quantity_thousandths_max ||
        quantity < -quantity_thousandths_max)
        return refuse("line.quantity", "a quantity must be above zero and in range");
    MUDI_CHECK(amount(line.amount));
    if (line.unit_price) MUDI_CHECK(amount(*line.unit_price));
    if (!adjusts_ && (line.amount.minor < 0 || (line.unit_price && line.unit_price->minor < 0)))
        return refuse("line.amount_negative", "a line costs less than nothing");
    if (line.discounts.size() > discounts_per_line_max)
        return refuse("line.discount", "too many discounts on a line");
    Wide discounts = 0;
    for (const Discount& discount : line.discounts) {
        MUDI_CHECK(check_text(discount.promotion));
        MUDI_CHECK(amount(discount.amount));
        if (discount.amount.minor <= 0) return refuse("line.discount", "a discount must be above zero");
        discounts += discount.amount.minor;
    }
    if (!line.unit_price) return {};
    MUDI_TRY(const Money regular, extend(*line.unit_price, line.quantity));
    const Wide difference = Wide{regular.minor} - discounts - line.amount.minor;
    if (difference > 1 || difference < -1)
        return refuse("line.amount_mismatch", "price x quantity - discounts is not the line's amount");
    return {};
}

Status Validator::line_tax(const LineItem& line) const {
    MUDI_CHECK(amount(line.tax));
    const std::int64_t tax = adjusts_ ? std::abs(line.tax.minor) : line.tax.minor;
    const std::int64_t amount = std::abs(line.amount.minor);
    if (line.tax_rate.value < 0 || line.tax_rate.value > tax_rate_max || tax < 0 ||
        (sale_.tax_included && tax > amount))
        return refuse("line.tax", "tax rate or tax of a line is out of range");
    return {};
}

Status Validator::tender(const Tender& tender) const {
    if (to_string(tender.kind) == "unknown") return refuse("tender.kind", "an unknown kind of tender");
    MUDI_CHECK(amount(tender.amount));
    if (tender.amount.minor == 0) return refuse("tender.amount", "a tender of nothing");
    if (contains_bank_card(tender.reference))
        return refuse("tender.reference", "a tender's reference looks like a bank card");
    return check_text(tender.reference);
}

struct LineSums {
    Wide amount{};
    Wide tax{};
};

LineSums sums_of(std::span<const LineItem> lines) {
    LineSums sums;
    for (const LineItem& line : lines) {
        const int sign = line.type == LineType::return_ ? -1 : 1;
        sums.amount += sign * Wide{line.amount.minor};
        sums.tax += sign * Wide{line.tax.minor};
    }
    return sums;
}

Status Validator::sums() const {
    MUDI_CHECK(amount(sale_.total));
    MUDI_CHECK(amount(sale_.tax_total));
    MUDI_TRY(const Money total, total_of(sale_.lines, sale_.currency, sale_.tax_included));
    const LineSums lines = sums_of(sale_.lines);
    const Wide tax_difference = lines.tax - sale_.tax_total.minor;
    const auto tolerance = static_cast<Wide>(sale_.lines.size()); // hosts round per line or once per receipt
    if (tax_difference > tolerance || tax_difference < -tolerance)
        return refuse("sale.tax_mismatch", "the lines' taxes are not the tax total");
    const bool adds_up = sale_.total == total ||
                         (!sale_.tax_included && lines.amount + sale_.tax_total.minor == sale_.total.minor);
    if (!adds_up) return refuse("sale.total_mismatch", "the lines do not add up to the total");
    if (adjusts_ && sale_.tenders.empty()) return {};
    Wide paid = 0;
    for (const Tender& tender : sale_.tenders) paid += tender.amount.minor;
    if (paid != sale_.total.minor)
        return refuse("sale.tender_mismatch", "the tenders do not add up to the total");
    return {};
}

Status check_line_numbers(std::span<const LineItem> lines) {
    std::set<std::int32_t> numbers;
    for (const LineItem& line : lines)
        if (line.number < 1 || !numbers.insert(line.number).second)
            return refuse("line.number", "line numbers start at 1 and stand once");
    return {};
}

} // namespace

Status validate(const RetailTransaction& transaction, const ShopRules& rules) {
    const Validator validator(transaction, rules);
    MUDI_CHECK(validator.head());
    MUDI_CHECK(validator.rewards());
    MUDI_CHECK(validator.link());
    MUDI_CHECK(check_line_numbers(transaction.lines));
    for (const LineItem& line : transaction.lines) MUDI_CHECK(validator.line(line));
    for (const Tender& tender : transaction.tenders) MUDI_CHECK(validator.tender(tender));
    return validator.sums();
}

Result<Money> total_of(std::span<const LineItem> lines, Currency currency, bool tax_included) {
    for (const LineItem& line : lines)
        if (line.amount.currency != currency || (!tax_included && line.tax.currency != currency))
            return refuse("money.currency_mismatch", "two currencies in one sum");
    const LineSums sums = sums_of(lines);
    const Wide total = tax_included ? sums.amount : sums.amount + sums.tax;
    if (total > money_minor_max || total < -money_minor_max) return overflow();
    return Money{static_cast<std::int64_t>(total), currency};
}

Status check_return(const RetailTransaction& original, std::span<const ReturnedQuantity> before,
                    std::span<const LineItem> returned) {
    for (const LineItem& line : returned) {
        if (line.type != LineType::return_ || !line.link || line.link->original != original.key)
            return refuse("return.line", "a returned line does not name a line of this sale");
        const auto sold = std::ranges::find(original.lines, line.link->line, &LineItem::number);
        if (sold == original.lines.end() || sold->type != LineType::sale)
            return refuse("return.line", "the sale has no such line");
        if (sold->item_id != line.item_id) return refuse("return.item", "another item was sold on that line");
        if (sold->amount.currency != line.amount.currency)
            return refuse("money.currency_mismatch", "the sale was paid in another currency");
        Wide quantity = 0;
        Wide amount = 0;
        for (const ReturnedQuantity& earlier : before) {
            if (earlier.line != sold->number) continue;
            quantity += earlier.quantity.thousandths;
            amount += earlier.amount.minor;
        }
        for (const LineItem& other : returned) {
            if (!other.link || other.link->line != sold->number) continue;
            quantity += other.quantity.thousandths;
            amount += other.amount.minor;
        }
        if (quantity > sold->quantity.thousandths)
            return refuse("return.quantity", "more comes back than was sold");
        if (amount > sold->amount.minor) return refuse("return.amount", "more money goes back than was paid");
    }
    return {};
}

} // namespace mudi::crm
