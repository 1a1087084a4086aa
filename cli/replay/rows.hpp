#pragma once

#include <functional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "cli/replay/sales.hpp"

namespace mudi::cli {

/// Cells of one row in the order of the wanted columns.
using RowVisit = std::function<Status(std::int64_t row, std::span<const std::string_view> cells)>;

/// Reads a CSV with a header; `columns` may stand in any order, others are passed over. replay.columns names
/// a missing one.
Status read_rows(const ReadPiece& read, std::span<const std::string_view> columns, const RowVisit& visit);

tl::unexpected<Error> bad_row(std::int64_t row, std::string_view why);

/// Transactions by number, in the order in which their first line came.
class SaleList {
public:
    /// `sales_max` 0 = all. Null when the list is full and this one is new.
    ReplaySale* find_or_add(std::vector<ReplaySale>& sales, const std::string& number, std::size_t sales_max);

private:
    std::unordered_map<std::string, std::size_t> index_;
};

} // namespace mudi::cli
