#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <mudi/base/result.hpp>

namespace mudi {

/// ISO 4217 numeric code.
struct Currency {
    std::uint16_t number{};

    friend auto operator<=>(const Currency&, const Currency&) = default;
};

inline constexpr Currency inr{356};

/// "INR" -> 356; empty for a code we do not know.
std::optional<Currency> currency_from_code(std::string_view code);
/// "INR"; "???" for an unknown number.
std::string_view currency_code(Currency currency);
/// Digits after the point: 2 for INR, 0 for JPY.
int minor_digits(Currency currency);

/// Whole minor units (paise) of one currency. No floating point ever touches it.
struct Money {
    std::int64_t minor{};
    Currency currency{};

    friend auto operator<=>(const Money&, const Money&) = default;
};

/// Amounts beyond this are refused everywhere: sums of many stay far from overflow. 10^15 minor units.
inline constexpr std::int64_t money_minor_max = 1'000'000'000'000'000;

/// Refuse mixed currencies (`money.currency_mismatch`) and |result| > money_minor_max (`money.overflow`).
Result<Money> add(Money a, Money b);
Result<Money> subtract(Money a, Money b);

/// Ten-thousandths: 500 = 5 %.
struct BasisPoints {
    std::int32_t value{};

    friend auto operator<=>(const BasisPoints&, const BasisPoints&) = default;
};

/// Thousandths of the unit of measure: 2 pieces = 2000, 350 g of a kilogram item = 350.
struct Quantity {
    std::int64_t thousandths{};

    friend auto operator<=>(const Quantity&, const Quantity&) = default;
};
inline constexpr std::int64_t quantity_thousandths_max = 1'000'000'000'000;

struct Points {
    std::int64_t value{};

    friend auto operator<=>(const Points&, const Points&) = default;
};
inline constexpr std::int64_t points_max = 1'000'000'000'000;

/// The only two divisions allowed on money, points and tax. `divisor` > 0. The 128-bit numerator cannot
/// overflow for products of two in-range values.
__extension__ typedef __int128 Wide;
std::int64_t floor_div(Wide numerator, std::int64_t divisor);
std::int64_t round_half_even(Wide numerator, std::int64_t divisor);

/// unit price x quantity, rounded half to even once. `money.overflow` when out of range.
Result<Money> extend(Money unit_price, Quantity quantity);

/// "1234.50" -> 123450 paise. Refuses signs in odd places, exponents and more digits than the currency has
/// (`money.syntax`).
Result<Money> parse_money(std::string_view text, Currency currency);
/// "1234.50"; no grouping and no symbol: for files and logs. People's text is made at the edge.
std::string format_money(Money money);

/// "0.350" -> 350. At most three digits after the point (`quantity.syntax`).
Result<Quantity> parse_quantity(std::string_view text);
std::string format_quantity(Quantity quantity);

} // namespace mudi
