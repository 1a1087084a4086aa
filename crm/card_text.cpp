#include "card_text.hpp"

#include <algorithm>
#include <array>

#include <mudi/base/text.hpp>

namespace mudi::crm {
namespace {

// No-break space, the hyphens and dashes of U+2010..U+2014, narrow no-break space, zero-width marks, word
// joiner.
constexpr std::array<std::string_view, 12> separators{"\u00A0", "\u2010", "\u2011", "\u2012",
                                                      "\u2013", "\u2014", "\u202F", "\u200B",
                                                      "\u200C", "\u200D", "\u2060", "\uFEFF"};

bool is_upper_or_digit(char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

} // namespace

std::string without_separators(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const auto* found =
            std::ranges::find_if(separators, [&](std::string_view s) { return text.starts_with(s); });
        if (found != separators.end()) {
            text.remove_prefix(found->size());
            continue;
        }
        if (text.front() != ' ' && text.front() != '-') out.push_back(text.front());
        text.remove_prefix(1);
    }
    return out;
}

bool in_loyalty_range(std::string_view digits, const IdentifierRules& rules) {
    return std::ranges::any_of(rules.loyalty_ranges, [&](const CardRange& range) {
        const auto count = static_cast<std::int64_t>(digits.size());
        return digits.starts_with(range.prefix) && count >= range.digits_min && count <= range.digits_max;
    });
}

AimPrefix take_aim_prefix(std::string_view& text) {
    const auto is_letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
    if (text.size() < 3 || text[0] != ']' || !is_letter(text[1])) return {};
    const AimPrefix prefix{text[1], text[2]};
    text.remove_prefix(3);
    return prefix;
}

bool is_card_normal_form(std::string_view text) {
    return text.size() >= card_chars_min && text.size() <= card_chars_max &&
           std::ranges::all_of(text, is_upper_or_digit);
}

} // namespace mudi::crm
