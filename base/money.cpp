#include <mudi/base/money.hpp>

#include <algorithm>
#include <array>
#include <charconv>

#include <mudi/base/assert.hpp>

namespace mudi {
namespace {

struct KnownCurrency {
    std::string_view code;
    std::uint16_t number;
    int digits;
};

// ISO 4217, the currencies a shop of ours or a data set we read may use.
constexpr std::array known_currencies{
    KnownCurrency{"INR", 356, 2}, KnownCurrency{"BDT", 50, 2},  KnownCurrency{"NPR", 524, 2},
    KnownCurrency{"LKR", 144, 2}, KnownCurrency{"PKR", 586, 2}, KnownCurrency{"USD", 840, 2},
    KnownCurrency{"EUR", 978, 2}, KnownCurrency{"GBP", 826, 2}, KnownCurrency{"AED", 784, 2},
    KnownCurrency{"JPY", 392, 0}, KnownCurrency{"KWD", 414, 3}, KnownCurrency{"SGD", 702, 2},
};

const KnownCurrency* find(Currency currency) {
    const auto* found = std::ranges::find(known_currencies, currency.number, &KnownCurrency::number);
    return found == known_currencies.end() ? nullptr : found;
}

Result<Money> in_range(Wide minor, Currency currency) {
    if (minor > money_minor_max || minor < -money_minor_max)
        return fail(Code::invalid, "money.overflow", "the amount is out of range");
    return Money{static_cast<std::int64_t>(minor), currency};
}

Result<Money> combine(Money a, Money b, int sign) {
    if (a.currency != b.currency)
        return fail(Code::invalid, "money.currency_mismatch", "two currencies in one sum");
    return in_range(Wide{a.minor} + sign * Wide{b.minor}, a.currency);
}

/// [-]digits[.digits] with at most `digits` decimals, as a whole number of 10^-digits.
std::optional<std::int64_t> parse_fixed(std::string_view text, int digits) {
    const bool negative = !text.empty() && text.front() == '-';
    if (negative) text.remove_prefix(1);
    const auto point = text.find('.');
    const std::string_view whole = text.substr(0, point);
    std::string_view fraction = point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
    if (point != std::string_view::npos && fraction.empty()) return std::nullopt;
    while (fraction.size() > static_cast<std::size_t>(digits) && fraction.back() == '0')
        fraction.remove_suffix(1);
    if (whole.empty() || fraction.size() > static_cast<std::size_t>(digits)) return std::nullopt;
    std::string all(whole);
    all += fraction;
    all.append(static_cast<std::size_t>(digits) - fraction.size(), '0');
    if (!std::ranges::all_of(all, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(all.data(), all.data() + all.size(), value);
    if (error != std::errc{} || end != all.data() + all.size()) return std::nullopt;
    return negative ? -value : value;
}

std::string format_fixed(std::int64_t value, int digits) {
    const bool negative = value < 0;
    auto magnitude =
        negative ? std::uint64_t{0} - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
    std::string text = std::to_string(magnitude);
    const auto places = static_cast<std::size_t>(digits);
    if (text.size() <= places) text.insert(0, places + 1 - text.size(), '0');
    if (places > 0) text.insert(text.size() - places, 1, '.');
    return negative ? "-" + text : text;
}

} // namespace

std::optional<Currency> currency_from_code(std::string_view code) {
    const auto* found = std::ranges::find(known_currencies, code, &KnownCurrency::code);
    if (found == known_currencies.end()) return std::nullopt;
    return Currency{found->number};
}

std::string_view currency_code(Currency currency) {
    const auto* found = find(currency);
    return found == nullptr ? "???" : found->code;
}

int minor_digits(Currency currency) {
    const auto* found = find(currency);
    return found == nullptr ? 2 : found->digits;
}

Result<Money> add(Money a, Money b) { return combine(a, b, 1); }
Result<Money> subtract(Money a, Money b) { return combine(a, b, -1); }

std::int64_t floor_div(Wide numerator, std::int64_t divisor) {
    MUDI_ASSERT(divisor > 0);
    const Wide quotient = numerator / divisor;
    const Wide result = numerator % divisor < 0 ? quotient - 1 : quotient;
    return static_cast<std::int64_t>(result);
}

std::int64_t round_half_even(Wide numerator, std::int64_t divisor) {
    const std::int64_t floor = floor_div(numerator, divisor);
    const Wide twice_rest = 2 * (numerator - Wide{floor} * divisor);
    if (twice_rest < divisor) return floor;
    if (twice_rest > divisor) return floor + 1;
    return floor % 2 == 0 ? floor : floor + 1;
}

Result<Money> extend(Money unit_price, Quantity quantity) {
    const Wide product = Wide{unit_price.minor} * quantity.thousandths;
    constexpr Wide product_max = Wide{money_minor_max} * 1000;
    if (product > product_max || product < -product_max)
        return fail(Code::invalid, "money.overflow", "the amount is out of range");
    return in_range(round_half_even(product, 1000), unit_price.currency);
}

Result<Money> parse_money(std::string_view text, Currency currency) {
    const auto value = parse_fixed(text, minor_digits(currency));
    if (!value) return fail(Code::invalid, "money.syntax", "not an amount of money in this currency");
    return in_range(*value, currency);
}

std::string format_money(Money money) { return format_fixed(money.minor, minor_digits(money.currency)); }

Result<Quantity> parse_quantity(std::string_view text) {
    const auto value = parse_fixed(text, 3);
    if (!value || *value > quantity_thousandths_max || *value < -quantity_thousandths_max)
        return fail(Code::invalid, "quantity.syntax", "not a quantity with at most three decimals");
    return Quantity{*value};
}

std::string format_quantity(Quantity quantity) { return format_fixed(quantity.thousandths, 3); }

} // namespace mudi
