#pragma once

#include <string>
#include <string_view>

namespace mudi {

/// True for well-formed UTF-8 (no overlong forms, surrogates or values past U+10FFFF; Unicode 15, table 3-7).
bool is_utf8(std::string_view text);
/// Number of code points; `text` is well-formed UTF-8.
std::size_t code_points(std::string_view text);
/// Without leading and trailing ASCII blanks, tabs and line ends.
std::string_view trim(std::string_view text);
/// True when every byte is an ASCII digit and there is at least one.
bool is_digits(std::string_view text);
/// Indian, Arabic and full-width decimal digits become 0-9; everything else stays. `text` is well-formed
/// UTF-8.
std::string with_ascii_digits(std::string_view text);

} // namespace mudi
