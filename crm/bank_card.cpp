#include <mudi/crm/identifier.hpp>

#include <algorithm>
#include <array>
#include <span>

#include <mudi/base/text.hpp>

#include "card_text.hpp"

namespace mudi::crm {
namespace {

constexpr std::size_t bank_digits_min = 12;         // Maestro
constexpr std::size_t bank_digits_min_in_text = 13; // in free text 12 digits are mostly a payment reference
constexpr std::size_t bank_digits_max = 19;         // ISO/IEC 7812

/// Mastercard's second range: 16 digits, 2221 to 2720 in front.
bool is_in_second_range(std::string_view digits) {
    constexpr std::size_t second_range_digits = 16;
    const std::string_view front = digits.substr(0, 4);
    return digits.size() == second_range_digits && front >= "2221" && front <= "2720";
}

bool is_bank_number(std::string_view digits, std::size_t digits_min) {
    if (digits.size() < digits_min || digits.size() > bank_digits_max) return false;
    const bool issued = (digits.front() >= '3' && digits.front() <= '6') || is_in_second_range(digits);
    return issued && passes_luhn(digits);
}

/// One run of digits in a text, and whether only blanks and hyphens stand between it and the run before.
struct Run {
    std::string_view digits;
    bool joined{};
};

std::vector<Run> runs_of(std::string_view text) {
    constexpr std::string_view digits = "0123456789";
    std::vector<Run> runs;
    std::size_t end = 0;
    for (std::size_t start = text.find_first_of(digits); start != std::string_view::npos;
         start = text.find_first_of(digits, end)) {
        const std::string_view gap = text.substr(end, start - end);
        end = std::min(text.find_first_not_of(digits, start), text.size());
        const bool joined = !runs.empty() && gap.find_first_not_of(" -") == std::string_view::npos;
        runs.push_back({text.substr(start, end - start), joined});
    }
    return runs;
}

/// How cards print their number: Visa and Mastercard, 19-digit Maestro and RuPay, American Express, Diners.
constexpr std::array<std::array<std::size_t, 5>, 4> printed_groups{
    {{4, 4, 4, 4, 0}, {4, 4, 4, 4, 3}, {4, 6, 5, 0, 0}, {4, 6, 4, 0, 0}}};

bool begins_with_groups(std::span<const Run> runs, std::span<const std::size_t> groups) {
    std::string digits;
    for (std::size_t i = 0; i < groups.size() && groups[i] > 0; ++i) {
        if (i >= runs.size() || runs[i].digits.size() != groups[i] || (i > 0 && !runs[i].joined))
            return false;
        digits += runs[i].digits;
    }
    return is_bank_number(digits, bank_digits_min_in_text);
}

} // namespace

bool passes_luhn(std::string_view digits) {
    if (!is_digits(digits)) return false;
    int sum = 0;
    bool doubled = false;
    for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, doubled = !doubled) {
        const int value = (*digit - '0') * (doubled ? 2 : 1);
        sum += value > 9 ? value - 9 : value;
    }
    return sum % 10 == 0;
}

bool passes_gs1(std::string_view digits) {
    if (!is_digits(digits) || digits.size() < 2) return false;
    int sum = 0;
    bool tripled = false; // the check digit itself counts once, the one before it three times
    for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, tripled = !tripled)
        sum += (*digit - '0') * (tripled ? 3 : 1);
    return sum % 10 == 0;
}

bool looks_like_bank_card(std::string_view text, const IdentifierRules& rules) {
    if (!is_utf8(text)) return false;
    const std::string digits = without_separators(with_ascii_digits(text));
    return is_digits(digits) && is_bank_number(digits, bank_digits_min) && !in_loyalty_range(digits, rules);
}

bool contains_bank_card(std::string_view text) {
    // Nearly every text ends here: too few digits, and nothing that could be another script's.
    const auto may_be_digit = [](char c) {
        return (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80;
    };
    if (std::ranges::count_if(text, may_be_digit) < static_cast<std::ptrdiff_t>(bank_digits_min_in_text))
        return false;
    if (is_digits(text)) return is_bank_number(text, bank_digits_min_in_text); // item numbers, on every line
    const std::string plain = is_utf8(text) ? with_ascii_digits(text) : std::string(text);
    const std::string joined = without_separators(plain);
    if (is_digits(joined) && is_bank_number(joined, bank_digits_min_in_text)) return true;
    const std::vector<Run> runs = runs_of(plain);
    for (std::size_t i = 0; i < runs.size(); ++i) {
        if (is_bank_number(runs[i].digits, bank_digits_min_in_text)) return true;
        for (const auto& groups : printed_groups)
            if (begins_with_groups(std::span(runs).subspan(i), groups)) return true;
    }
    return false;
}

} // namespace mudi::crm
