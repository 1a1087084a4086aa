#include "cli/replay/rows.hpp"

#include <algorithm>

#include <mudi/base/csv.hpp>

namespace mudi::cli {
namespace {

Result<std::vector<std::size_t>> places_of(std::span<const std::string> header,
                                           std::span<const std::string_view> columns) {
    std::vector<std::size_t> places;
    for (const std::string_view column : columns) {
        const auto found = std::ranges::find(header, column);
        if (found == header.end())
            return fail(Code::invalid, "replay.columns", "the file has no column " + std::string(column));
        places.push_back(static_cast<std::size_t>(found - header.begin()));
    }
    return places;
}

class Rows {
public:
    Rows(std::span<const std::string_view> columns, const RowVisit& visit)
        : columns_(columns), visit_(visit), cells_(columns.size()) {}

    Status take(const csv::Reader& reader) {
        if (reader.row() == 1) {
            MUDI_TRY(places_, places_of(reader.fields(), columns_));
            return {};
        }
        for (std::size_t i = 0; i < places_.size(); ++i) cells_[i] = reader.fields()[places_[i]];
        return visit_(reader.row(), cells_);
    }

private:
    std::span<const std::string_view> columns_;
    const RowVisit& visit_;
    std::vector<std::size_t> places_;
    std::vector<std::string_view> cells_;
};

} // namespace

Status read_rows(const ReadPiece& read, std::span<const std::string_view> columns, const RowVisit& visit) {
    csv::Reader reader;
    Rows rows(columns, visit);
    for (;;) {
        MUDI_TRY(std::string_view piece, read());
        if (piece.empty()) break;
        for (;;) {
            MUDI_TRY(const bool row, reader.next(piece));
            if (!row) break;
            MUDI_CHECK(rows.take(reader));
        }
    }
    MUDI_TRY(const bool last, reader.finish());
    if (last) MUDI_CHECK(rows.take(reader));
    if (reader.row() == 0) return fail(Code::invalid, "replay.columns", "the file is empty");
    return {};
}

tl::unexpected<Error> bad_row(std::int64_t row, std::string_view why) {
    return fail(Code::invalid, "replay.row", "row " + std::to_string(row) + ": " + std::string(why));
}

ReplaySale* SaleList::find_or_add(std::vector<ReplaySale>& sales, const std::string& number,
                                  std::size_t sales_max) {
    const auto [found, added] = index_.try_emplace(number, sales.size());
    if (!added) return &sales[found->second];
    if (sales_max > 0 && sales.size() >= sales_max) {
        index_.erase(found);
        return nullptr;
    }
    sales.emplace_back().number = number;
    return &sales.back();
}

} // namespace mudi::cli
