#include <mudi/base/csv.hpp>
#include <mudi/base/hash.hpp>
#include <mudi/base/money.hpp>
#include <mudi/base/text.hpp>
#include <mudi/base/time.hpp>
#include <mudi/crm/identifier.hpp>
#include <mudi/sync/enrolment.hpp>
#include <mudi/till/name_fold.hpp>

#include "tests/fuzz/fuzz.hpp"

using namespace mudi;
using mudi::fuzz::require;

namespace {

const crm::IdentifierRules rules{{{"29", 13, 13}, {"C", 2, 12}}, "91", {}};
const Time now = time_from_ms(1'795'240'800'000);

/// What was scanned or keyed. A normal form is its own normal form, and never a bank card's.
void identifiers(std::string_view text) {
    if (const auto card = crm::parse_card(text, rules)) {
        require(!card->value.empty() && card->value.size() <= crm::card_chars_max);
        require(!crm::looks_like_bank_card(card->value, rules));
        fuzz::require_same(crm::parse_card(card->value, rules), *card);
    }
    if (const auto phone = crm::parse_phone(text, rules)) {
        require(phone->value.starts_with('+'));
        fuzz::require_same(crm::parse_phone(phone->value, rules), *phone);
    }
    if (const auto member = crm::parse_qr(text, rules, now)) require(!member->value.empty());
    static_cast<void>(crm::contains_bank_card(text));
    if (const auto code = sync::normal_code(text)) fuzz::require_same(sync::normal_code(*code), *code);
}

void numbers(std::string_view text) {
    if (const auto money = parse_money(text, inr))
        fuzz::require_same(parse_money(format_money(*money), inr), *money);
    if (const auto quantity = parse_quantity(text))
        fuzz::require_same(parse_quantity(format_quantity(*quantity)), *quantity);
    if (const auto time = parse_time(text)) fuzz::require_same(parse_time(format_time(*time)), *time);
    if (const auto day = parse_business_day(text))
        fuzz::require_same(parse_business_day(format_business_day(*day)), *day);
}

/// Sealed bodies and keys read back from the disk.
void secrets(std::string_view bytes) {
    Key256 key;
    key.data.fill(7);
    require(!open_sealed(key, bytes));
    Bytes sealed = seal(key, {}, bytes);
    fuzz::require_same(open_sealed(key, sealed.data), bytes);
    sealed.data[bytes.size() % sealed.data.size()] ^= 1;
    require(!open_sealed(key, sealed.data));
    if (const auto read = key256_from_bytes(bytes)) require(view(*read) == bytes);
    if (const auto read = bits128_from_bytes(bytes)) require(to_bytes(*read).data == bytes);
    if (const auto raw = from_hex(bytes)) require(raw->size() * 2 == bytes.size());
    static_cast<void>(bits128_from_hex(bytes));
}

void rows(std::string_view text) {
    std::size_t fields = 0;
    static_cast<void>(csv::read(text, [&](std::int64_t, std::span<const std::string> row) -> Status {
        fields += row.size();
        for (const std::string& field : row) require(field.size() <= csv::field_bytes_max);
        return {};
    }));
    require(fields <= text.size() + 1);
}

} // namespace

/// What people type, scan and import, and what is read back from the disk.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    if (is_utf8(text)) {
        require(code_points(text) <= size);
        require(is_utf8(with_ascii_digits(text)));
    }
    identifiers(text);
    numbers(text);
    secrets(text);
    rows(text);
    for (const std::string& part : till::name_parts(text)) require(!part.empty());
    require(till::name_parts(text).size() <= till::name_parts_max);
    return 0;
}
