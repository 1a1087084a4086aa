#include <mudi/server/phone.hpp>

#include <phonenumbers/phonenumberutil.h>

#include <mudi/base/text.hpp>

namespace mudi::server {

namespace {

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

constexpr std::size_t raw_bytes_max = 100;

/// The library wants a region, our rules have a calling code.
std::string region_of(const PhoneNumberUtil& library, const std::string& calling_code) {
    std::string region;
    int code = 0;
    for (const char digit : calling_code.substr(0, 3)) code = code * 10 + (digit - '0');
    library.GetRegionCodeForCountryCode(code, &region);
    return region;
}

} // namespace

Result<std::string> normal_phone(std::string_view raw, const crm::IdentifierRules& rules) {
    if (auto quick = crm::parse_phone(raw, rules)) return std::move(quick->value);
    const auto refused = fail(Code::invalid, "phone.syntax", "this is no phone number");
    if (raw.size() > raw_bytes_max || !is_utf8(raw) ||
        (!rules.country_code.empty() && !is_digits(rules.country_code))) {
        return refused;
    }
    const PhoneNumberUtil& library = *PhoneNumberUtil::GetInstance();
    PhoneNumber number;
    if (library.Parse(std::string(raw), region_of(library, rules.country_code), &number) !=
        PhoneNumberUtil::NO_PARSING_ERROR) {
        return refused;
    }
    if (!library.IsValidNumber(number)) return refused;
    number.clear_extension();
    std::string normal;
    library.Format(number, PhoneNumberUtil::E164, &normal);
    return normal;
}

} // namespace mudi::server
