#include <mudi/crm/identifier.hpp>

#include <algorithm>
#include <array>

#include <mudi/base/text.hpp>

#include "card_text.hpp"

namespace mudi::crm {
namespace {

using Parsed = Result<Identifier>;

auto refuse(std::string name, std::string what) {
    return fail(Code::invalid, std::move(name), std::move(what));
}
auto bad_syntax() { return refuse("card.syntax", "not a card number"); }
auto bad_check_digit() { return refuse("card.check_digit", "the check digit is wrong"); }
auto bank_card() { return refuse("card.bank_card", "a bank card where a loyalty card belongs"); }
auto product_code() { return refuse("card.product_code", "a product's code where a card belongs"); }

Parsed card(std::string_view value) { return Identifier{IdentifierKind::card, std::string(value)}; }

constexpr std::size_t gsrn_digits = 18;
constexpr std::size_t ean_digits = 13;
constexpr std::string_view gsrn_ai = "8018";
constexpr char fnc1 = '\x1D'; // group separator: how a scanner sends FNC1

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

/// EMVCo merchant QR: tag (2 digits), length (2), value, over and over; the first is 00 02 "01". A card
/// number may begin alike by chance, so a short text must be such a sequence to its very end.
bool is_emvco(std::string_view text) {
    if (!text.starts_with("000201")) return false;
    if (text.size() >= 24) return true;
    while (!text.empty()) {
        if (text.size() < 4 || !is_digits(text.substr(0, 4))) return false;
        const auto length = static_cast<std::size_t>((text[2] - '0') * 10 + (text[3] - '0'));
        if (text.size() < 4 + length) return false;
        text.remove_prefix(4 + length);
    }
    return true;
}

bool is_payment_code(std::string_view text) {
    constexpr std::array<std::string_view, 7> schemes{"upi",     "tez",  "gpay",   "phonepe",
                                                      "paytmmp", "bhim", "credpay"};
    const std::string scheme = lower(text.substr(0, text.find(':')));
    return (scheme.size() < text.size() && std::ranges::find(schemes, scheme) != schemes.end()) ||
           is_emvco(text);
}

Parsed gsrn(std::string_view digits) {
    if (digits.size() != gsrn_digits || !is_digits(digits)) return bad_syntax();
    if (!passes_gs1(digits)) return bad_check_digit();
    return card(digits);
}

/// GS1 Digital Link: …/8018/GSRN, or …/01/GTIN for a product.
Parsed digital_link(std::string_view url) {
    std::string_view rest = url.substr(0, url.find_first_of("?#"));
    rest.remove_prefix(rest.find("://") + 3);
    std::string_view key;
    bool product = false;
    while (!rest.empty()) {
        const std::size_t slash = rest.find('/');
        const std::string_view part = rest.substr(0, slash);
        rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
        if (key == gsrn_ai) return gsrn(part);
        if (key == "01" && is_digits(part) && passes_gs1(part)) product = true;
        key = part;
    }
    if (product) return product_code();
    if (contains_bank_card(url)) return bank_card();
    return bad_syntax();
}

/// GS1 element string behind an FNC1, or in its printed form with brackets.
Parsed element_string(std::string_view ai, std::string_view rest) {
    if (ai == gsrn_ai) {
        const std::string_view digits = rest.substr(0, gsrn_digits);
        const std::string_view after = rest.substr(digits.size());
        if (!after.empty() && after.front() != fnc1 && after.front() != '(') return bad_syntax();
        return gsrn(digits);
    }
    if (ai == "01" || ai == "02") return product_code();
    if (contains_bank_card(std::string(ai) + std::string(rest))) return bank_card();
    return bad_syntax();
}

Parsed scanned_element_string(std::string_view text) {
    while (text.starts_with(fnc1)) text.remove_prefix(1);
    const std::size_t ai_size = text.starts_with(gsrn_ai) ? gsrn_ai.size() : 2;
    return element_string(text.substr(0, ai_size), text.substr(std::min(ai_size, text.size())));
}

Parsed printed_element_string(std::string_view text) {
    const std::size_t close = text.find(')');
    if (close == std::string_view::npos) return bad_syntax();
    return element_string(text.substr(1, close - 1), text.substr(close + 1));
}

/// What the scanner's symbology says of a number of this length: a trade item, or (0) nothing.
bool is_item_symbology(AimPrefix aim) { return aim.letter == 'E' || aim.letter == 'e'; }

Parsed digits_only(std::string_view digits, AimPrefix aim, const IdentifierRules& rules) {
    const std::size_t count = digits.size();
    if (count > card_chars_max) return bad_syntax();
    const bool checks = passes_gs1(digits);
    const bool in_shop_range = count == ean_digits && digits.front() == '2';
    if (in_loyalty_range(digits, rules)) return card(digits);
    if (looks_like_bank_card(digits, rules)) return bank_card();
    if (checks && (count == gsrn_digits || in_shop_range)) return card(digits);
    if (count == gsrn_digits) return bad_check_digit();
    if (count == gsrn_ai.size() + gsrn_digits && digits.starts_with(gsrn_ai))
        return gsrn(digits.substr(gsrn_ai.size()));
    if (is_item_symbology(aim)) return checks ? Parsed(product_code()) : Parsed(bad_check_digit());
    // Few scanners name the symbology, and nobody who keys the number does: 13 digits are an EAN.
    if (count == ean_digits) return checks ? Parsed(product_code()) : Parsed(bad_check_digit());
    if (count < card_chars_min) return bad_syntax();
    return card(digits);
}

/// The number on a magnetic stripe: "%B4…^NAME^…?" or ";4…=…?". The rest is never looked at.
std::string_view number_on_track(std::string_view text) {
    text.remove_prefix(1);
    if (!text.empty() && text.front() >= 'A' && text.front() <= 'Z')
        text.remove_prefix(1); // format code of track 1
    return text.substr(0, text.find_first_of("^=?"));
}

/// A symbology whose data is GS1 element strings: GS1-128, DataMatrix, QR, DataBar, composite.
bool is_gs1(AimPrefix aim) {
    return (aim.letter == 'C' && aim.modifier == '1') || (aim.letter == 'd' && aim.modifier == '2') ||
           (aim.letter == 'Q' && aim.modifier == '3') || (aim.letter == 'e' && aim.modifier == '0') ||
           (aim.letter == 'J' && aim.modifier == '1');
}

std::string upper(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return out;
}

Parsed read_card(std::string_view raw, const IdentifierRules& rules) {
    if (!is_utf8(raw)) return bad_syntax();
    const std::string plain = with_ascii_digits(raw.substr(0, scan_bytes_max + 1));
    std::string_view text = trim(plain);
    const AimPrefix aim = take_aim_prefix(text);
    text = trim(text);
    if (text.empty()) return refuse("card.empty", "no card number");
    if (is_payment_code(text))
        return refuse("card.payment_code", "a payment code names who is paid, not who buys");
    if (raw.size() > scan_bytes_max) return bad_syntax();
    const std::string scheme = lower(text.substr(0, 8));
    if (scheme.starts_with("https://") || scheme.starts_with("http://")) return digital_link(text);
    if (is_gs1(aim) || text.front() == fnc1) return scanned_element_string(text);
    if (text.front() == '(') return printed_element_string(text);
    if (text.front() == '%' || text.front() == ';') text = number_on_track(text);

    const std::string value = upper(without_separators(text));
    if (is_digits(value)) return digits_only(value, aim, rules);
    if (contains_bank_card(text)) return bank_card();
    if (!is_card_normal_form(value)) return bad_syntax();
    return card(value);
}

} // namespace

Result<Identifier> parse_card(std::string_view raw, const IdentifierRules& rules) {
    MUDI_TRY(const Identifier read, read_card(raw, rules));
    // The customer is found again by what is kept, so that alone decides: hyphens hide a payment code only
    // until they are gone, and no carrier makes a card of a number that would be refused when it is keyed.
    return read_card(read.value, rules);
}

IdentifierHash identifier_hash(const Key256& key, const Identifier& identifier) {
    std::string named(to_string(identifier.kind));
    named += ':'; // a card that reads like a phone is still another customer
    named += identifier.value;
    return {hash128(key, named)};
}

} // namespace mudi::crm
