#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include <mudi/base/bytes.hpp>
#include <mudi/base/money.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/text.hpp>
#include <mudi/base/time.hpp>
#include <mudi/crm/customer.hpp>
#include <mudi/crm/transaction.hpp>
#include <mudi/sync/event.hpp>

/// What the body codecs share. Foreign values pass through a Checker: it takes the first fault down and lets
/// the rest of the function run on harmless defaults, so that a decoder reads straight down.
namespace mudi::sync {

inline constexpr std::size_t word_bytes_max = 128;       ///< store, workstation, operator, unit, …
inline constexpr std::size_t long_text_bytes_max = 1000; ///< addresses, names of people

class Checker {
public:
    std::string text(const std::string& bytes, std::size_t bytes_max, const char* field) {
        if (bytes.size() > bytes_max || !is_utf8(bytes)) return fault(field), std::string{};
        return bytes;
    }

    template <class Int>
    Int range(Int value, std::type_identity_t<Int> low, std::type_identity_t<Int> high, const char* field) {
        if (value < low || value > high) return fault(field), low;
        return value;
    }

    /// Wire enums are stored less `offset`, so that the usual value is 0 and takes no room.
    template <class Enum>
    Enum enumeration(std::uint32_t wire, std::uint32_t offset, Enum low, Enum high, const char* field) {
        const std::uint64_t value = std::uint64_t{wire} + offset;
        if (value < static_cast<std::uint64_t>(low) || value > static_cast<std::uint64_t>(high))
            return fault(field), low;
        return static_cast<Enum>(value);
    }

    Bits128 bits(std::string_view bytes, const char* field) {
        const auto bits = bits128_from_bytes(bytes);
        if (!bits) return fault(field), Bits128{};
        return *bits;
    }

    Money money(std::int64_t minor, Currency currency, const char* field) {
        return {range(minor, -money_minor_max, money_minor_max, field), currency};
    }

    Currency currency(std::uint32_t number, const char* field) {
        return Currency{static_cast<std::uint16_t>(range(number, 0u, 999u, field))};
    }

    Time time(std::int64_t ms, const char* field) {
        return time_from_ms(range(ms, time_ms_min, time_ms_max, field));
    }

    BusinessDay day(std::uint32_t yyyymmdd, const char* field);

    void require(bool condition, const char* field) {
        if (!condition) fault(field);
    }

    [[nodiscard]] const char* fault() const { return fault_; }

private:
    static constexpr std::int64_t time_ms_min = -62'135'596'800'000; ///< year 1
    static constexpr std::int64_t time_ms_max = 253'402'300'799'999; ///< year 9999

    void fault(const char* field) {
        if (fault_ == nullptr) fault_ = field;
    }

    const char* fault_{nullptr};
};

/// Bodies without their event's id. What names the fault in the Error is the field.
Result<crm::RetailTransaction> decode_transaction(std::string_view body);
Result<crm::SourceRecord> decode_source_record(std::string_view body);
Result<RightReturned> decode_right_returned(std::string_view body);

inline void append_bits(std::string& out, Bits128 bits) { out += to_bytes(bits).data; }

} // namespace mudi::sync
