#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <mudi/base/id.hpp>
#include <mudi/base/money.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>

namespace mudi::till {

/// Takes the members of one JSON object strictly and remembers the first fault, so that a document is read
/// straight through and asked once, at the end, whether it was right. Absent and null are the same. Faults
/// name the place ("lines[2].amount"), never the value: json.type, json.missing, json.range, json.text (too
/// long, empty where it may not be, or with control characters), json.day, json.id, money.overflow - all
/// invalid.
class Fields {
public:
    /// `object` outlives this.
    Fields(const nlohmann::json& object, std::string place);

    [[nodiscard]] bool has(std::string_view key) const;

    /// The fallback stands in for an absent member; none makes the member required.
    std::int64_t integer(std::string_view key, std::int64_t min, std::int64_t max,
                         std::optional<std::int64_t> fallback = {});
    std::string text(std::string_view key, std::size_t bytes_min, std::size_t bytes_max,
                     bool required = false);
    bool flag(std::string_view key, bool fallback);
    Money money(std::string_view key, Currency currency, std::optional<std::int64_t> fallback = {});
    std::optional<Money> maybe_money(std::string_view key, Currency currency);
    std::optional<BusinessDay> day(std::string_view key);
    /// From microseconds, kept to the millisecond.
    std::optional<Time> time(std::string_view key);
    std::optional<Bits128> id(std::string_view key);

    /// Calls `each(element, place)` for every element; at most `count_max` (json.range). An absent array has
    /// none.
    template <class Each>
    void array(std::string_view key, std::size_t count_max, Each each) {
        const nlohmann::json* list = list_at(key, count_max);
        if (list == nullptr) return;
        for (std::size_t i = 0; i < list->size() && !error_; ++i) {
            each((*list)[i], place_of(key) + "[" + std::to_string(i) + "]");
        }
    }
    /// Null when absent or no object.
    const nlohmann::json* object(std::string_view key);

    void fault(std::string_view name, std::string_view key, std::string_view rule);
    /// Passes on what a part of the document found.
    void fault(const Error& error);
    [[nodiscard]] bool failed() const { return error_.has_value(); }
    [[nodiscard]] Status outcome() const;
    [[nodiscard]] std::string place_of(std::string_view key) const;

private:
    const nlohmann::json* find(std::string_view key) const;
    const nlohmann::json* list_at(std::string_view key, std::size_t count_max);

    const nlohmann::json* object_;
    std::string place_;
    std::optional<Error> error_;
};

/// One element of an array, read as 32 hex digits.
Result<Bits128> id_from(const nlohmann::json& value, const std::string& place);

} // namespace mudi::till
