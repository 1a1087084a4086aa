#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mudi/base/hash.hpp>
#include <mudi/base/id.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/crm/transaction.hpp>

/// Card numbers, phones and QR payloads in their one normal form. Pure.
namespace mudi::crm {

/// Card numbers the shop gives out. A number that passes Luhn, begins with 3-6 and has 12-19 digits, or with
/// 2221-2720 and has 16, and lies in no range is a bank card: refused, never stored, logged or sent.
struct CardRange {
    std::string prefix; ///< digits, may be empty
    int digits_min{};   ///< 1..32
    int digits_max{};
};

struct IdentifierRules {
    std::vector<CardRange> loyalty_ranges;
    /// Calling code without plus for phones written without one: "91".
    std::string country_code{"91"};
    /// Verifies our own signed member codes; all zero: none are accepted.
    std::array<unsigned char, 32> member_code_key{};
};

inline constexpr std::size_t card_chars_min = 4;
inline constexpr std::size_t card_chars_max = 32;
/// A longer scan is no card (payment codes are told apart before that).
inline constexpr std::size_t scan_bytes_max = 512;
inline constexpr std::size_t phone_bytes_max = 64;

/// Digits or letters as printed, keyed or scanned; the normal form has neither blanks nor hyphens, ASCII
/// digits and capital letters. Understood: AIM prefixes ("]C1" and the like), the scripts' own digits, track
/// 1 and 2 of a magnetic stripe, GSRN (plain, "(8018)…", "8018…", Digital Link URL with /8018/: the normal
/// form is its 18 digits), EAN-13 in the 2x range, Code 128 (4..32 letters and digits). A number in a loyalty
/// range is taken as it is. What is given parses to itself again: a number is refused however it came when
/// its normal form would be. Errors, all Code::invalid: card.empty, card.syntax, card.bank_card,
/// card.check_digit (18 digits that are no GSRN, 13 that are no EAN-13), card.payment_code (UPI or EMVCo QR:
/// it names who is paid, not who buys), card.product_code (a GTIN outside the 2x range: a product was
/// scanned).
Result<Identifier> parse_card(std::string_view raw, const IdentifierRules& rules);

/// Fast path without libphonenumber: E.164 with plus. Takes 10-digit Indian mobiles (6-9), with 0, 91, 0091
/// or +91, in any script's digits; other countries only with a plus and 8..15 digits. Where `country_code` is
/// not 91: national numbers with or without trunk 0, country code or 00 and country code, 8..15 digits in
/// all. Errors: phone.syntax.
Result<Identifier> parse_phone(std::string_view raw, const IdentifierRules& rules);

/// Our own signed member code "MUDI1.CARD.EXPIRY.SIGNATURE" (expiry in minutes since 1970, base 36, 0 =
/// never; Ed25519 over what stands before the last point, base64url), else whatever parse_card understands.
/// Errors: qr.signature, qr.expired, and those of parse_card.
Result<Identifier> parse_qr(std::string_view raw, const IdentifierRules& rules, Time now);

/// For the server, which keeps the 64-byte secret. `card` is a card in its normal form; empty when it is not,
/// or the secret is not 64 bytes. The expiry is cut to whole minutes.
std::string make_member_code(const Identifier& card, std::optional<Time> expires,
                             std::string_view ed25519_secret);

bool passes_luhn(std::string_view digits);
/// Check digit of GTIN, GSRN and the like (GS1 General Specifications 7.9): true when the last digit is
/// right.
bool passes_gs1(std::string_view digits);
/// `text` as a whole is a number of 12-19 digits (blanks, hyphens and script digits understood) that begins
/// with 3-6, or 16 that begin with 2221-2720, passes Luhn and lies in no loyalty range.
bool looks_like_bank_card(std::string_view text, const IdentifierRules& rules);
/// For free texts, whatever the loyalty ranges: somewhere in `text` stand 13-19 digits, in one run or in the
/// groups printed on cards, that begin as a bank card's and pass Luhn. Such a text is never stored.
bool contains_bank_card(std::string_view text);

/// Under this the tills know a customer: nobody can read a phone out of it without the chain's key.
IdentifierHash identifier_hash(const Key256& key, const Identifier& identifier);

} // namespace mudi::crm
