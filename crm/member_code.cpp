#include <mudi/crm/identifier.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>

#include <sodium.h>

#include <mudi/base/text.hpp>

#include "card_text.hpp"

namespace mudi::crm {
namespace {

constexpr std::string_view member_code_head = "MUDI1.";
constexpr int base64 = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
using Minutes = std::chrono::minutes;

auto bad_signature() {
    return fail(Code::invalid, "qr.signature", "the member code is not signed by this chain");
}

const unsigned char* raw_bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

bool is_signed(std::string_view text, std::string_view signature64, const IdentifierRules& rules) {
    if (std::ranges::all_of(rules.member_code_key, [](unsigned char byte) { return byte == 0; }))
        return false;
    std::array<unsigned char, crypto_sign_BYTES> signature{};
    std::size_t size = 0;
    const int failed = sodium_base642bin(signature.data(), signature.size(), signature64.data(),
                                         signature64.size(), nullptr, &size, nullptr, base64);
    return failed == 0 && size == signature.size() &&
           crypto_sign_verify_detached(signature.data(), raw_bytes(text), text.size(),
                                       rules.member_code_key.data()) == 0;
}

std::optional<std::int64_t> base36(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 36);
    if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

/// Rounded down: a code never lives longer than it says. 0 means never, so the first minute of 1970 is the
/// second.
std::int64_t expiry_minutes(std::optional<Time> expires) {
    if (!expires) return 0;
    return std::max<std::int64_t>(1, std::chrono::floor<Minutes>(*expires).time_since_epoch().count());
}

Result<Identifier> parse_member_code(std::string_view code, const IdentifierRules& rules, Time now) {
    const std::size_t last = code.rfind('.');
    const std::string_view text = code.substr(0, last);
    if (!is_signed(text, code.substr(last + 1), rules)) return bad_signature();
    const std::string_view fields = text.substr(std::min(member_code_head.size(), text.size()));
    const std::size_t point = fields.find('.');
    if (point == std::string_view::npos) return bad_signature();
    const std::string_view card = fields.substr(0, point);
    const auto minutes = base36(fields.substr(point + 1));
    if (!minutes || !is_card_normal_form(card)) return bad_signature();
    const Minutes time_now = std::chrono::floor<Minutes>(now.time_since_epoch());
    if (*minutes != 0 && time_now.count() >= *minutes)
        return fail(Code::invalid, "qr.expired", "the member code has expired");
    return parse_card(card, rules); // signed or not, a bank card is none of ours
}

} // namespace

Result<Identifier> parse_qr(std::string_view raw, const IdentifierRules& rules, Time now) {
    std::string_view text = trim(raw);
    take_aim_prefix(text);
    if (text.starts_with(member_code_head) && text.size() <= scan_bytes_max)
        return parse_member_code(text, rules, now);
    return parse_card(raw, rules);
}

std::string make_member_code(const Identifier& card, std::optional<Time> expires,
                             std::string_view ed25519_secret) {
    if (card.kind != IdentifierKind::card || !is_card_normal_form(card.value) ||
        ed25519_secret.size() != crypto_sign_SECRETKEYBYTES)
        return {};
    std::array<char, 16> minutes{};
    const auto end =
        std::to_chars(minutes.data(), minutes.data() + minutes.size(), expiry_minutes(expires), 36).ptr;
    std::string text(member_code_head);
    text += card.value + '.' + std::string(minutes.data(), end);
    std::array<unsigned char, crypto_sign_BYTES> signature{};
    crypto_sign_detached(signature.data(), nullptr, raw_bytes(text), text.size(), raw_bytes(ed25519_secret));
    std::array<char, sodium_base64_ENCODED_LEN(crypto_sign_BYTES, base64)> encoded{};
    sodium_bin2base64(encoded.data(), encoded.size(), signature.data(), signature.size(), base64);
    return text + '.' + encoded.data();
}

} // namespace mudi::crm
