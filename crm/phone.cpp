#include <mudi/crm/identifier.hpp>

#include <algorithm>

#include <mudi/base/text.hpp>

#include "card_text.hpp"

namespace mudi::crm {
namespace {

constexpr std::size_t e164_digits_min = 8;
constexpr std::size_t e164_digits_max = 15;
constexpr std::string_view india = "91";

auto bad_syntax() { return fail(Code::invalid, "phone.syntax", "not a phone number"); }

bool is_indian_mobile(std::string_view national) {
    return national.size() == 10 && national.front() >= '6' && national.front() <= '9';
}

std::string without_brackets(std::string_view text) {
    std::string out = without_separators(text);
    std::erase_if(out, [](char c) { return c == '(' || c == ')' || c == '.'; });
    return out;
}

/// Country code and national number, or nothing.
std::string international(std::string_view digits) {
    const bool sized = digits.size() >= e164_digits_min && digits.size() <= e164_digits_max;
    if (!sized || digits.front() == '0') return {};
    if (digits.starts_with(india) && !is_indian_mobile(digits.substr(india.size()))) return {};
    return std::string(digits);
}

std::string indian(std::string_view digits) {
    for (const std::string_view prefix : {"0091", "91", "0", ""})
        if (digits.starts_with(prefix) && is_indian_mobile(digits.substr(prefix.size())))
            return std::string(india) + std::string(digits.substr(prefix.size()));
    return {};
}

std::string national(std::string_view digits, std::string_view country_code) {
    constexpr std::size_t national_digits_min =
        9; // shorter ones may begin with the country code's digits by chance
    if (digits.starts_with("00")) {
        digits.remove_prefix(2);
        return digits.starts_with(country_code) ? international(digits) : std::string{};
    }
    if (digits.starts_with(country_code) && digits.size() >= country_code.size() + national_digits_min)
        return international(digits);
    if (digits.starts_with('0')) digits.remove_prefix(1);
    return international(std::string(country_code) + std::string(digits));
}

} // namespace

Result<Identifier> parse_phone(std::string_view raw, const IdentifierRules& rules) {
    if (raw.size() > phone_bytes_max || !is_utf8(raw)) return bad_syntax();
    std::string text = without_brackets(trim(with_ascii_digits(raw)));
    if (text.starts_with("tel:")) text.erase(0, 4);
    const bool plus = text.starts_with('+');
    const std::string_view digits = std::string_view(text).substr(plus ? 1 : 0);
    if (!is_digits(digits)) return bad_syntax();
    std::string full;
    if (plus)
        full = international(digits);
    else
        full = rules.country_code == india ? indian(digits) : national(digits, rules.country_code);
    if (full.empty()) return bad_syntax();
    return Identifier{IdentifierKind::phone, "+" + full};
}

} // namespace mudi::crm
