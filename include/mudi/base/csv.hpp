#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <mudi/base/result.hpp>

/// Comma-separated values, RFC 4180: quoted fields may hold separators, line ends and doubled quotes. Pure.
namespace mudi::csv {

inline constexpr std::size_t field_bytes_max = std::size_t{64} * 1024;
inline constexpr std::size_t columns_max = 256;

struct ReadOptions {
    char separator{','};
    /// Every row must have as many columns as the first one (the header).
    bool same_columns{true};
};

/// Reads rows out of chunks of any size; memory is one row. Line ends are LF, CRLF or CR; a UTF-8 byte order
/// mark at the start and empty lines are skipped. Rows are numbered from 1 (the header), as a spreadsheet
/// shows them. Errors (Code::invalid, the row number stands in `what`): csv.quote (a quote inside a plain
/// field, text behind a closing quote, or a quote never closed), csv.columns (more than columns_max, or not
/// as many as the header), csv.field (longer than field_bytes_max). The rest of the faulty line is skipped
/// and the next call goes on behind it.
class Reader {
public:
    explicit Reader(ReadOptions options = {});

    /// Takes bytes off the front of `chunk`; true when fields() holds a whole row, false when the chunk is
    /// used up.
    Result<bool> next(std::string_view& chunk);
    /// Behind the last chunk: true when a last row without a line end is in fields().
    Result<bool> finish();

    /// The row just read; valid until the next call.
    [[nodiscard]] std::span<const std::string> fields() const { return {fields_.data(), used_}; }
    /// Number of the row just read or refused; 0 before the first.
    [[nodiscard]] std::int64_t row() const { return row_; }

private:
    enum class State : std::uint8_t { mark, row_start, field_start, plain, quoted, quote_in_quoted, skip };

    Result<bool> step(std::string_view& chunk);
    Status step_mark(std::string_view& chunk);
    Status step_quoted(std::string_view& chunk);
    Status step_field(std::string_view& chunk);
    Result<bool> end_row();
    Status end_field();
    Status append(std::string_view text);
    tl::unexpected<Error> refuse(std::string_view name, std::string_view why);

    ReadOptions options_;
    State state_{State::mark};
    std::size_t mark_bytes_{};
    bool carriage_return_{};
    std::vector<std::string> fields_;
    std::size_t used_{};
    std::string field_;
    std::size_t columns_{};
    std::int64_t lines_{};
    std::int64_t row_{};
};

/// Reads a whole text; stops at the first error, or when `visit` fails (its error is given on).
Status read(std::string_view text,
            const std::function<Status(std::int64_t row, std::span<const std::string> fields)>& visit,
            ReadOptions options = {});

/// Appends one row; fields are quoted where they must be. Ends with CRLF, as the RFC has it.
void append_row(std::string& out, std::span<const std::string> fields, char separator = ',');
void append_row(std::string& out, std::initializer_list<std::string_view> fields, char separator = ',');

} // namespace mudi::csv
