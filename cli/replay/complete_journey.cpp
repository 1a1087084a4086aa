#include <array>

#include "cli/replay/rows.hpp"

namespace mudi::cli {
namespace {

constexpr Currency usd{840};

enum Column {
    household,
    basket,
    product,
    quantity,
    sales_value,
    retail_disc,
    coupon_disc,
    coupon_match_disc,
    timestamp,
    column_count
};
constexpr std::array<std::string_view, column_count> columns{
    "household_id", "basket_id",         "product_id",           "quantity", "sales_value", "retail_disc",
    "coupon_disc",  "coupon_match_disc", "transaction_timestamp"};

struct Amounts {
    std::int64_t sales, retail, coupon, match;
};

Result<Amounts> amounts_from(std::int64_t row, std::span<const std::string_view> cells) {
    const auto sales = parse_money(cells[sales_value], usd);
    const auto retail = parse_money(cells[retail_disc], usd);
    const auto coupon = parse_money(cells[coupon_disc], usd);
    const auto match = parse_money(cells[coupon_match_disc], usd);
    if (!sales || !retail || !coupon || !match || sales->minor < 0 || coupon->minor < 0)
        return bad_row(row, "an amount cannot be read");
    return Amounts{sales->minor, retail->minor, coupon->minor, match->minor};
}

/// A household's number is too short for a card: "HH0906".
std::string card_of(std::string_view household_id) {
    std::string digits(household_id);
    if (digits.size() < 4) digits.insert(0, 4 - digits.size(), '0');
    return "HH" + digits;
}

/// The data set's own reading: sales_value is what the shop received after the loyalty-card discount and the
/// coupon match; the customer's coupon is a means of payment.
ReplayLine line_from(std::span<const std::string_view> cells, const Amounts& amounts, Quantity count) {
    ReplayLine line;
    line.item = std::string(cells[product]);
    line.quantity = count.thousandths;
    line.amount = amounts.sales;
    if (amounts.retail > 0) line.discounts.push_back({"loyalty card", amounts.retail});
    if (amounts.match > 0) line.discounts.push_back({"coupon match", amounts.match});
    std::int64_t shelf = amounts.sales;
    for (const ReplayDiscount& discount : line.discounts) shelf += discount.minor;
    const Money price{round_half_even(Wide{shelf} * 1000, count.thousandths), usd};
    const auto expected = extend(price, count);
    if (expected && expected->minor == shelf) line.unit_price = price.minor;
    return line;
}

} // namespace

Result<ReplayFile> read_complete_journey(const ReadPiece& read, std::size_t sales_max,
                                         const ReplayProgress& progress) {
    ReplayFile file;
    file.currency = usd;
    SaleList list;
    const auto visit = [&](std::int64_t row, std::span<const std::string_view> cells) -> Status {
        const auto count = parse_quantity(cells[quantity]);
        const auto time = parse_time(cells[timestamp]);
        if (!count || count->thousandths < 0 || !time)
            return bad_row(row, "quantity or timestamp cannot be read");
        if (count->thousandths == 0) {
            progress(++file.lines_read);
            ++file.lines_left_out;
            // The file has a rounding error of 4e-16 dollars on such a line: worth nothing, like the line.
            file.left_out_minor += parse_money(cells[sales_value], usd).value_or(Money{}).minor;
            return {};
        }
        MUDI_TRY(const Amounts amounts, amounts_from(row, cells));
        ReplaySale* sale = list.find_or_add(file.sales, std::string(cells[basket]), sales_max);
        if (sale == nullptr) return {};
        progress(++file.lines_read);
        sale->time = *time;
        sale->customer = card_of(cells[household]);
        sale->voucher += amounts.coupon;
        sale->lines.push_back(line_from(cells, amounts, *count));
        return {};
    };
    MUDI_CHECK(read_rows(read, columns, visit));
    return file;
}

} // namespace mudi::cli
