#include <mudi/base/time.hpp>

#include <array>
#include <charconv>
#include <cstdio>

namespace mudi {
namespace {

using std::chrono::floor;
using std::chrono::year_month_day;

std::optional<int> digits(std::string_view text) {
    int value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + (c - '0');
    }
    return value;
}

std::optional<year_month_day> parse_date(std::string_view text) {
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
    const auto year = digits(text.substr(0, 4));
    const auto month = digits(text.substr(5, 2));
    const auto day = digits(text.substr(8, 2));
    if (!year || !month || !day || *year < 1970) return std::nullopt;
    const year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                              std::chrono::day{static_cast<unsigned>(*day)}};
    if (!date.ok()) return std::nullopt;
    return date;
}

BusinessDay to_business_day(year_month_day date) {
    return BusinessDay{static_cast<int>(date.year()) * 10'000 +
                       static_cast<int>(static_cast<unsigned>(date.month())) * 100 +
                       static_cast<int>(static_cast<unsigned>(date.day()))};
}

} // namespace

std::string format_time(Time time) {
    const auto day = floor<std::chrono::days>(time);
    const year_month_day date{day};
    const std::chrono::hh_mm_ss clock{time - day};
    std::array<char, 64> text{};
    const int length = std::snprintf(
        text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
        static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
        static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
        static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
    return {text.data(), static_cast<std::size_t>(length)};
}

std::optional<Time> parse_time(std::string_view text) {
    if (text.ends_with('Z')) text.remove_suffix(1);
    if (text.size() != 19 && text.size() != 23) return std::nullopt;
    const auto date = parse_date(text.substr(0, 10));
    const bool shape = (text[10] == 'T' || text[10] == ' ') && text[13] == ':' && text[16] == ':' &&
                       (text.size() == 19 || text[19] == '.');
    if (!date || !shape) return std::nullopt;
    const auto hour = digits(text.substr(11, 2));
    const auto minute = digits(text.substr(14, 2));
    const auto second = digits(text.substr(17, 2));
    const auto milli = text.size() == 23 ? digits(text.substr(20, 3)) : std::optional{0};
    if (!hour || !minute || !second || !milli || *hour > 23 || *minute > 59 || *second > 59)
        return std::nullopt;
    return Time{std::chrono::sys_days{*date}} + std::chrono::hours{*hour} + std::chrono::minutes{*minute} +
           std::chrono::seconds{*second} + Duration{*milli};
}

std::optional<BusinessDay> parse_business_day(std::string_view text) {
    const auto date = parse_date(text);
    if (!date) return std::nullopt;
    return to_business_day(*date);
}

std::string format_business_day(BusinessDay day) {
    std::array<char, 40> text{};
    const int length = std::snprintf(text.data(), text.size(), "%04d-%02d-%02d", day.yyyymmdd / 10'000,
                                     day.yyyymmdd / 100 % 100, day.yyyymmdd % 100);
    return {text.data(), static_cast<std::size_t>(length)};
}

BusinessDay business_day_at(Time time, std::chrono::minutes offset) {
    return to_business_day(year_month_day{floor<std::chrono::days>(time + offset)});
}

std::chrono::sys_days to_days(BusinessDay day) {
    return std::chrono::sys_days{
        year_month_day{std::chrono::year{day.yyyymmdd / 10'000},
                       std::chrono::month{static_cast<unsigned>(day.yyyymmdd / 100 % 100)},
                       std::chrono::day{static_cast<unsigned>(day.yyyymmdd % 100)}}};
}

} // namespace mudi
