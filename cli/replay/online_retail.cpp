#include <algorithm>
#include <array>

#include <mudi/base/text.hpp>

#include "cli/replay/rows.hpp"

namespace mudi::cli {
namespace {

constexpr Currency gbp{826};

enum Column {
    basket,
    customer,
    timestamp,
    product,
    description,
    quantity,
    unit_price,
    sales_value,
    column_count
};
constexpr std::array<std::string_view, column_count> columns{"basket_id",  "customer_id", "timestamp",
                                                             "product_id", "description", "quantity",
                                                             "unit_price", "sales_value"};

/// C... cancels, A... corrects the books; a plain number with a negative quantity writes stock off (its price
/// is 0).
ReplayKind kind_of(std::string_view number, std::int64_t thousandths) {
    if (number.starts_with('C')) return ReplayKind::return_;
    return number.starts_with('A') || thousandths < 0 ? ReplayKind::adjustment : ReplayKind::sale;
}

/// Stock codes begin with five digits; POST, DOT, M, D, S, BANK CHARGES and the like are services and
/// corrections.
bool is_goods(std::string_view item) { return item.size() >= 5 && is_digits(item.substr(0, 5)); }

Result<ReplayLine> line_from(std::int64_t row, std::span<const std::string_view> cells, ReplayKind kind) {
    ReplayLine line;
    line.item = std::string(cells[product]);
    line.description = std::string(cells[description]);
    line.goods = is_goods(cells[product]);
    const auto count = parse_quantity(cells[quantity]);
    const auto value = parse_money(cells[sales_value], gbp);
    if (!count || !value || count->thousandths == 0)
        return bad_row(row, "quantity or sales_value cannot be read");
    line.quantity = count->thousandths;
    line.amount = value->minor;
    // A few prices have tenths of a penny: then the value alone counts.
    if (const auto price = parse_money(cells[unit_price], gbp)) {
        const auto expected = extend(*price, *count);
        if (expected && expected->minor == value->minor && price->minor >= 0) line.unit_price = price->minor;
    }
    if (kind == ReplayKind::return_) {
        if (line.quantity > 0 || line.amount > 0)
            return bad_row(row, "a cancellation with a positive quantity");
        line.quantity = -line.quantity;
        line.amount = -line.amount;
    }
    if (kind == ReplayKind::sale && line.amount < 0) return bad_row(row, "a sale with a negative value");
    return line;
}

} // namespace

Result<ReplayFile> read_online_retail(const ReadPiece& read, std::size_t sales_max,
                                      const ReplayProgress& progress) {
    ReplayFile file;
    file.currency = gbp;
    SaleList list;
    const auto visit = [&](std::int64_t row, std::span<const std::string_view> cells) -> Status {
        ReplaySale* sale = list.find_or_add(file.sales, std::string(cells[basket]), sales_max);
        if (sale == nullptr) return {};
        progress(++file.lines_read);
        const auto count = parse_quantity(cells[quantity]);
        if (!count) return bad_row(row, "quantity cannot be read");
        const ReplayKind kind = kind_of(cells[basket], count->thousandths);
        if (sale->lines.empty()) {
            const auto time = parse_time(cells[timestamp]);
            if (!time) return bad_row(row, "timestamp cannot be read");
            sale->kind = kind;
            sale->time = *time;
            sale->customer = std::string(cells[customer]);
        } else if (sale->kind != kind || sale->customer != cells[customer]) {
            return bad_row(row, "belongs to a transaction of another kind or customer");
        }
        MUDI_TRY(auto line, line_from(row, cells, kind));
        sale->lines.push_back(std::move(line));
        return {};
    };
    MUDI_CHECK(read_rows(read, columns, visit));
    link_returns(file);
    return file;
}

} // namespace mudi::cli
