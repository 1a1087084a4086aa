#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include <mudi/base/bytes.hpp>
#include <mudi/base/id.hpp>
#include <mudi/base/money.hpp>
#include <mudi/base/time.hpp>

/// What may stand in a column and how our value types become one. The engines know four kinds: INTEGER (64
/// bit), REAL, TEXT and BLOB (BYTEA on PostgreSQL).
namespace mudi::db {

using Cell = std::variant<std::int64_t, double, std::string, Bytes>;

/// Specialise for a value type of your own: `Raw` is one of the four kinds.
template <class T>
struct ColumnOf;

template <class T>
concept PlainColumn = std::is_same_v<T, std::int64_t> || std::is_same_v<T, double> ||
    std::is_same_v<T, std::string> || std::is_same_v<T, Bytes>;

template <PlainColumn T>
struct ColumnOf<T> {
    using Raw = T;
    static const T& to_raw(const T& value) { return value; }
    static T from_raw(T raw) { return raw; }
};

template <class T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, std::int64_t>)
struct ColumnOf<T> {
    using Raw = std::int64_t;
    static std::int64_t to_raw(T value) { return static_cast<std::int64_t>(value); }
    static T from_raw(std::int64_t raw) { return static_cast<T>(raw); }
};

template <class T>
    requires std::is_enum_v<T>
struct ColumnOf<T> {
    using Raw = std::int64_t;
    static std::int64_t to_raw(T value) { return static_cast<std::int64_t>(value); }
    static T from_raw(std::int64_t raw) { return static_cast<T>(raw); }
};

template <>
struct ColumnOf<Bits128> {
    using Raw = Bytes;
    static Bytes to_raw(Bits128 value) { return to_bytes(value); }
    static Bits128 from_raw(const Bytes& raw) { return bits128_from_bytes(raw.data).value_or(Bits128{}); }
};

template <class Tag, class Rep>
struct ColumnOf<Id<Tag, Rep>> {
    using Raw = typename ColumnOf<Rep>::Raw;
    static Raw to_raw(const Id<Tag, Rep>& id) { return ColumnOf<Rep>::to_raw(id.value); }
    static Id<Tag, Rep> from_raw(Raw raw) { return Id<Tag, Rep>{ColumnOf<Rep>::from_raw(std::move(raw))}; }
};

template <>
struct ColumnOf<Time> {
    using Raw = std::int64_t;
    static std::int64_t to_raw(Time value) { return to_ms(value); }
    static Time from_raw(std::int64_t raw) { return time_from_ms(raw); }
};

template <>
struct ColumnOf<BusinessDay> {
    using Raw = std::int64_t;
    static std::int64_t to_raw(BusinessDay value) { return value.yyyymmdd; }
    static BusinessDay from_raw(std::int64_t raw) { return BusinessDay{static_cast<std::int32_t>(raw)}; }
};

template <>
struct ColumnOf<Quantity> {
    using Raw = std::int64_t;
    static std::int64_t to_raw(Quantity value) { return value.thousandths; }
    static Quantity from_raw(std::int64_t raw) { return Quantity{raw}; }
};

template <>
struct ColumnOf<Points> {
    using Raw = std::int64_t;
    static std::int64_t to_raw(Points value) { return value.value; }
    static Points from_raw(std::int64_t raw) { return Points{raw}; }
};

/// An optional is a column that may be NULL.
template <class T>
struct IsOptional : std::false_type {
    using Inner = T;
};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {
    using Inner = T;
};

/// One value on its way in or out. `null` is only read or set where the column may be NULL.
struct Slot {
    Cell cell;
    bool nullable{};
    bool null{};
};

template <class T>
Slot make_slot() {
    using Inner = typename IsOptional<T>::Inner;
    return Slot{Cell{typename ColumnOf<Inner>::Raw{}}, IsOptional<T>::value, false};
}

template <class T>
void put(Slot& slot, const T& value) {
    if constexpr (IsOptional<T>::value) {
        slot.null = !value.has_value();
        if (value) put(slot, *value);
    } else {
        std::get<typename ColumnOf<T>::Raw>(slot.cell) = ColumnOf<T>::to_raw(value);
    }
}

template <class T>
T take(Slot& slot) {
    if constexpr (IsOptional<T>::value) {
        if (slot.null) return std::nullopt;
        return take<typename IsOptional<T>::Inner>(slot);
    } else {
        return ColumnOf<T>::from_raw(std::get<typename ColumnOf<T>::Raw>(slot.cell));
    }
}

} // namespace mudi::db
