#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <mudi/base/time.hpp>

namespace mudi::cli {

/// Columns a text takes on a terminal (wcwidth of the UTF-8 locale; combining signs take none).
std::size_t columns_of(std::string_view text);
/// `text` padded with blanks, or cut at a code point with "…", to exactly `columns`.
std::string fitted(std::string_view text, std::size_t columns);
/// 1234567 -> "1,234,567".
std::string grouped(std::int64_t number);

/// Left-aligned first column, right-aligned others.
class Table {
public:
    explicit Table(std::vector<std::string> head) : rows_{std::move(head)} {}
    void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
    [[nodiscard]] std::string text() const;

private:
    std::vector<std::vector<std::string>> rows_;
};

/// One line on stderr, redrawn at most ten times a second; silent when stderr is no terminal or `quiet`.
class Progress {
public:
    Progress(std::string what, std::int64_t total, bool quiet);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    void at(std::int64_t done, std::string_view note = {});

private:
    std::string what_;
    std::int64_t total_;
    bool shown_;
    MonoTime drawn_{};
    MonoTime began_{};
};

} // namespace mudi::cli
