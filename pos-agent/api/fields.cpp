#include "fields.hpp"

#include <algorithm>
#include <limits>

#include <mudi/base/bytes.hpp>

namespace mudi::till {
namespace {

using nlohmann::json;

constexpr std::int64_t time_us_max = 253'402'300'799'000'000; // the end of year 9999

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

} // namespace

Fields::Fields(const json& object, std::string place) : object_(&object), place_(std::move(place)) {
    if (!object.is_object())
        fault(Error{Code::invalid, "json.type",
                    (place_.empty() ? "the document" : place_) + " must be an object"});
}

std::string Fields::place_of(std::string_view key) const {
    return place_.empty() ? std::string(key) : place_ + "." + std::string(key);
}

const json* Fields::find(std::string_view key) const {
    if (!object_->is_object()) return nullptr;
    const auto found = object_->find(key);
    return found == object_->end() || found->is_null() ? nullptr : &*found;
}

bool Fields::has(std::string_view key) const { return find(key) != nullptr; }

void Fields::fault(const Error& error) {
    if (!error_) error_ = error;
}

void Fields::fault(std::string_view name, std::string_view key, std::string_view rule) {
    fault(Error{Code::invalid, std::string(name), place_of(key) + " " + std::string(rule)});
}

Status Fields::outcome() const {
    if (error_) return tl::make_unexpected(*error_);
    return {};
}

std::int64_t Fields::integer(std::string_view key, std::int64_t min, std::int64_t max,
                             std::optional<std::int64_t> fallback) {
    const json* value = find(key);
    if (value == nullptr) {
        if (!fallback) fault("json.missing", key, "is missing");
        return fallback.value_or(0);
    }
    if (!value->is_number_integer()) {
        fault("json.type", key, "must be a whole number");
        return 0;
    }
    const bool beyond =
        value->is_number_unsigned() &&
        value->get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (beyond || value->get<std::int64_t>() < min || value->get<std::int64_t>() > max) {
        fault("json.range", key, "must be from " + std::to_string(min) + " to " + std::to_string(max));
        return 0;
    }
    return value->get<std::int64_t>();
}

std::string Fields::text(std::string_view key, std::size_t bytes_min, std::size_t bytes_max, bool required) {
    const json* value = find(key);
    if (value == nullptr) {
        if (required) fault("json.missing", key, "is missing");
        return {};
    }
    if (!value->is_string()) {
        fault("json.type", key, "must be a text");
        return {};
    }
    const auto& text = value->get_ref<const std::string&>();
    if (text.size() < bytes_min || text.size() > bytes_max) {
        fault("json.text", key,
              "must have " + std::to_string(bytes_min) + " to " + std::to_string(bytes_max) + " bytes");
        return {};
    }
    if (has_control(text)) {
        fault("json.text", key, "may not contain control characters");
        return {};
    }
    return text;
}

bool Fields::flag(std::string_view key, bool fallback) {
    const json* value = find(key);
    if (value == nullptr) return fallback;
    if (!value->is_boolean()) {
        fault("json.type", key, "must be true or false");
        return fallback;
    }
    return value->get<bool>();
}

Money Fields::money(std::string_view key, Currency currency, std::optional<std::int64_t> fallback) {
    const json* value = find(key);
    if (value != nullptr && value->is_number_integer()) {
        const bool beyond =
            value->is_number_unsigned() && value->get<std::uint64_t>() > std::uint64_t{money_minor_max};
        const auto minor = beyond ? money_minor_max + 1 : value->get<std::int64_t>();
        if (minor > money_minor_max || minor < -money_minor_max) {
            fault("money.overflow", key, "is larger than any amount of money we take");
            return {0, currency};
        }
        return {minor, currency};
    }
    return {integer(key, -money_minor_max, money_minor_max, fallback), currency};
}

std::optional<Money> Fields::maybe_money(std::string_view key, Currency currency) {
    if (!has(key)) return std::nullopt;
    return money(key, currency);
}

std::optional<BusinessDay> Fields::day(std::string_view key) {
    if (!has(key)) return std::nullopt;
    const auto day = parse_business_day(text(key, 0, 10));
    if (!day) fault("json.day", key, "must be a date such as 2026-11-21");
    return day;
}

std::optional<Time> Fields::time(std::string_view key) {
    if (!has(key)) return std::nullopt;
    return time_from_ms(integer(key, 0, time_us_max) / 1000);
}

std::optional<Bits128> Fields::id(std::string_view key) {
    const json* value = find(key);
    if (value == nullptr) return std::nullopt;
    auto id = id_from(*value, place_of(key));
    if (id) return *id;
    fault(id.error());
    return std::nullopt;
}

const json* Fields::list_at(std::string_view key, std::size_t count_max) {
    const json* list = find(key);
    if (list == nullptr) return nullptr;
    if (!list->is_array()) {
        fault("json.type", key, "must be a list");
        return nullptr;
    }
    if (list->size() > count_max) {
        fault("json.range", key, "may have at most " + std::to_string(count_max) + " entries");
        return nullptr;
    }
    return list;
}

const json* Fields::object(std::string_view key) {
    const json* value = find(key);
    if (value == nullptr || value->is_object()) return value;
    fault("json.type", key, "must be an object");
    return nullptr;
}

Result<Bits128> id_from(const json& value, const std::string& place) {
    if (!value.is_string()) return fail(Code::invalid, "json.type", place + " must be a text");
    const auto bits = bits128_from_hex(value.get_ref<const std::string&>());
    if (!bits || bits->is_zero()) return fail(Code::invalid, "json.id", place + " must be 32 hex digits");
    return *bits;
}

} // namespace mudi::till
