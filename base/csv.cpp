#include <mudi/base/csv.hpp>

#include <algorithm>
#include <utility>

namespace mudi::csv {
namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

void append_field(std::string& out, std::string_view field, char separator) {
    const char special[] = {separator, '"', '\r', '\n'};
    if (field.find_first_of(std::string_view(special, sizeof special)) == std::string_view::npos) {
        out += field;
        return;
    }
    out += '"';
    for (const char c : field) {
        if (c == '"') out += '"';
        out += c;
    }
    out += '"';
}

template <class Fields>
void append_fields(std::string& out, const Fields& fields, char separator) {
    bool first = true;
    for (const std::string_view field : fields) {
        if (!first) out += separator;
        first = false;
        append_field(out, field, separator);
    }
    // A single empty field would read back as an empty line.
    if (fields.size() == 1 && fields.begin()->empty()) out += "\"\"";
    out += "\r\n";
}

} // namespace

Reader::Reader(ReadOptions options) : options_(options) {}

tl::unexpected<Error> Reader::refuse(std::string_view name, std::string_view why) {
    state_ = State::skip;
    field_.clear();
    used_ = 0;
    row_ = lines_ + 1;
    return fail(Code::invalid, std::string(name), "row " + std::to_string(row_) + ": " + std::string(why));
}

Status Reader::append(std::string_view text) {
    if (field_.size() + text.size() > field_bytes_max) return refuse("csv.field", "a field is too long");
    field_ += text;
    return {};
}

Status Reader::end_field() {
    if (used_ == columns_max) return refuse("csv.columns", "there are too many columns");
    if (used_ == fields_.size()) fields_.emplace_back();
    fields_[used_++].swap(field_);
    field_.clear();
    return {};
}

Result<bool> Reader::end_row() {
    // The line is complete: whatever is wrong with it, the next one starts fresh.
    const auto ended = end_field();
    state_ = State::row_start;
    row_ = ++lines_;
    if (!ended) {
        used_ = 0;
        return tl::make_unexpected(ended.error());
    }
    if (columns_ == 0) columns_ = used_;
    if (options_.same_columns && used_ != columns_) {
        return fail(Code::invalid, "csv.columns",
                    "row " + std::to_string(row_) + ": " + std::to_string(used_) +
                        " columns where the header has " + std::to_string(columns_));
    }
    return true;
}

Result<bool> Reader::next(std::string_view& chunk) {
    while (!chunk.empty()) {
        if (carriage_return_) {
            carriage_return_ = false;
            if (chunk.front() == '\n') {
                chunk.remove_prefix(1);
                continue;
            }
        }
        MUDI_TRY(const bool row, step(chunk));
        if (row) return true;
    }
    return false;
}

Result<bool> Reader::step(std::string_view& chunk) {
    const char c = chunk.front();
    if (state_ == State::mark) {
        MUDI_CHECK(step_mark(chunk));
        return false;
    }
    if (state_ == State::quoted) {
        MUDI_CHECK(step_quoted(chunk));
        return false;
    }
    if (c == '\n' || c == '\r') {
        chunk.remove_prefix(1);
        carriage_return_ = c == '\r';
        if (state_ != State::row_start && state_ != State::skip) return end_row();
        ++lines_;
        state_ = State::row_start;
        return false;
    }
    switch (state_) {
    case State::skip: chunk.remove_prefix(std::min(chunk.find_first_of("\r\n"), chunk.size())); break;
    case State::row_start:
        used_ = 0;
        field_.clear();
        state_ = State::field_start;
        break;
    case State::field_start:
        state_ = c == '"' ? State::quoted : State::plain;
        if (c == '"') chunk.remove_prefix(1);
        break;
    default: MUDI_CHECK(step_field(chunk));
    }
    return false;
}

Status Reader::step_mark(std::string_view& chunk) {
    if (chunk.front() == byte_order_mark[mark_bytes_]) {
        chunk.remove_prefix(1);
        if (++mark_bytes_ == byte_order_mark.size()) state_ = State::row_start;
        return {};
    }
    // It only began like one: then it is text.
    state_ = mark_bytes_ == 0 ? State::row_start : State::plain;
    return append(byte_order_mark.substr(0, mark_bytes_));
}

Status Reader::step_quoted(std::string_view& chunk) {
    const auto text = chunk.substr(0, chunk.find('"'));
    chunk.remove_prefix(text.size());
    MUDI_CHECK(append(text));
    if (!chunk.empty()) {
        chunk.remove_prefix(1);
        state_ = State::quote_in_quoted;
    }
    return {};
}

Status Reader::step_field(std::string_view& chunk) {
    const char c = chunk.front();
    if (state_ == State::quote_in_quoted && c == '"') {
        chunk.remove_prefix(1);
        state_ = State::quoted;
        return append("\"");
    }
    if (c == options_.separator) {
        chunk.remove_prefix(1);
        state_ = State::field_start;
        return end_field();
    }
    if (state_ == State::quote_in_quoted) return refuse("csv.quote", "there is text behind a closing quote");
    const char special[] = {options_.separator, '"', '\r', '\n'};
    const auto text = chunk.substr(0, chunk.find_first_of(std::string_view(special, sizeof special)));
    if (text.empty()) return refuse("csv.quote", "there is a quote inside a field that is not quoted");
    chunk.remove_prefix(text.size());
    return append(text);
}

Result<bool> Reader::finish() {
    const State state = std::exchange(state_, State::row_start);
    switch (state) {
    case State::quoted: {
        auto refused = refuse("csv.quote", "a quote is never closed");
        state_ = State::row_start;
        return refused;
    }
    case State::mark:
    case State::row_start:
    case State::skip: return false;
    default: return end_row();
    }
}

Status read(std::string_view text,
            const std::function<Status(std::int64_t, std::span<const std::string>)>& visit,
            ReadOptions options) {
    Reader reader(options);
    while (true) {
        MUDI_TRY(const bool row, reader.next(text));
        if (!row) break;
        MUDI_CHECK(visit(reader.row(), reader.fields()));
    }
    MUDI_TRY(const bool row, reader.finish());
    if (row) MUDI_CHECK(visit(reader.row(), reader.fields()));
    return {};
}

void append_row(std::string& out, std::span<const std::string> fields, char separator) {
    append_fields(out, fields, separator);
}

void append_row(std::string& out, std::initializer_list<std::string_view> fields, char separator) {
    append_fields(out, fields, separator);
}

} // namespace mudi::csv
