#include "cli/terminal.hpp"

#include <algorithm>
#include <array>
#include <clocale>
#include <cstdio>
#include <cwchar>
#include <unistd.h>

#include <mudi/base/clock.hpp>

namespace mudi::cli {
namespace {

constexpr Duration redraw_every{100};

/// Columns of the code point at the front of `rest`, and its bytes.
std::pair<std::size_t, std::size_t> step(std::string_view rest) {
    static const bool utf8 = std::setlocale(LC_CTYPE, "C.UTF-8") != nullptr;
    std::mbstate_t state{};
    wchar_t point = 0;
    const std::size_t bytes = utf8 ? std::mbrtowc(&point, rest.data(), rest.size(), &state) : 1;
    if (bytes == 0 || bytes > rest.size()) return {1, 1};
    return {static_cast<std::size_t>(std::max(0, ::wcwidth(point))), bytes};
}

} // namespace

std::size_t columns_of(std::string_view text) {
    std::size_t columns = 0;
    while (!text.empty()) {
        const auto [wide, bytes] = step(text);
        columns += wide;
        text.remove_prefix(bytes);
    }
    return columns;
}

std::string fitted(std::string_view text, std::size_t columns) {
    const std::size_t wanted = columns_of(text);
    if (wanted <= columns) return std::string(text) + std::string(columns - wanted, ' ');
    std::string out;
    std::size_t used = 0;
    while (!text.empty()) {
        const auto [wide, bytes] = step(text);
        if (used + wide + 1 > columns) break;
        out += text.substr(0, bytes);
        used += wide;
        text.remove_prefix(bytes);
    }
    if (used < columns) {
        out += "…";
        ++used;
    }
    return out + std::string(columns - used, ' ');
}

std::string grouped(std::int64_t number) {
    std::string text = std::to_string(number);
    const std::size_t digits_begin = number < 0 ? 1 : 0;
    for (std::size_t at = text.size(); at > digits_begin + 3;) {
        at -= 3;
        text.insert(at, 1, ',');
    }
    return text;
}

std::string Table::text() const {
    std::vector<std::size_t> widths;
    for (const auto& row : rows_) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns_of(row[i]));
    }
    std::string out;
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            const std::string blanks(widths[i] - columns_of(row[i]), ' ');
            out += i == 0 ? row[i] + blanks : "  " + blanks + row[i];
        }
        out += '\n';
    }
    return out;
}

Progress::Progress(std::string what, std::int64_t total, bool quiet)
    : what_(std::move(what)), total_(total), shown_(!quiet && ::isatty(STDERR_FILENO) == 1),
      began_(SystemClock{}.mono()) {}

Progress::~Progress() {
    if (shown_) std::fputs("\r\x1b[K", stderr);
}

void Progress::at(std::int64_t done, std::string_view note) {
    if (!shown_) return;
    const MonoTime now = SystemClock{}.mono();
    if (now - drawn_ < redraw_every && (total_ == 0 || done < total_)) return;
    drawn_ = now;
    constexpr std::int64_t bar_columns = 30;
    const std::int64_t full = total_ > 0 ? std::min(bar_columns, done * bar_columns / total_) : 0;
    const double seconds = static_cast<double>(std::max<std::int64_t>(1, (now - began_).count())) / 1000.0;
    if (total_ == 0) {
        std::fprintf(stderr, "\r\x1b[K%s %s %.*s", what_.c_str(), grouped(done).c_str(),
                     static_cast<int>(note.size()), note.data());
        std::fflush(stderr);
        return;
    }
    std::fprintf(stderr, "\r\x1b[K%s [%s%s] %s/%s  %.0f/s  %.*s", what_.c_str(),
                 std::string(static_cast<std::size_t>(full), '#').c_str(),
                 std::string(static_cast<std::size_t>(bar_columns - full), '.').c_str(),
                 grouped(done).c_str(), grouped(total_).c_str(), static_cast<double>(done) / seconds,
                 static_cast<int>(note.size()), note.data());
    std::fflush(stderr);
}

} // namespace mudi::cli
