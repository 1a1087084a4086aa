#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include <mudi/base/id.hpp>
#include <mudi/base/result.hpp>

/// For edges and app only; pure code returns what is worth a line.
/// One line per event on stderr: time, level, event name, then key=value. Card numbers, phones and names have
/// no way in: fields are numbers, ids and our own fixed words.
namespace mudi::log {

struct Field {
    Field(std::string_view k, std::int64_t v) : key(k), value(v) {}
    Field(std::string_view k, std::uint64_t v) : key(k), value(static_cast<std::int64_t>(v)) {}
    Field(std::string_view k, int v) : key(k), value(std::int64_t{v}) {}
    Field(std::string_view k, std::string_view v) : key(k), value(std::string(v)) {}
    Field(std::string_view k, const char* v) : key(k), value(std::string(v)) {}
    template <class Tag, class Rep>
    Field(std::string_view k, const Id<Tag, Rep>& v) : Field(k, v.value) {}
    Field(std::string_view k, Bits128 v) : key(k), value(to_hex(v)) {}

    std::string key;
    std::variant<std::int64_t, std::string> value;
};
using Fields = std::initializer_list<Field>;

enum class Level { debug, info, warning, error };

/// Once, at start. `program` stands in every line. Thread-safe afterwards.
void start(std::string_view program, Level level);

void debug(std::string_view event, Fields fields = {});
void info(std::string_view event, Fields fields = {});
/// Someone must look.
void warning(std::string_view event, Fields fields = {});
/// We stop, or something promised cannot be kept.
void error(std::string_view event, Fields fields = {});
void error(std::string_view event, const Error& error, Fields fields = {});
void warning(std::string_view event, const Error& error, Fields fields = {});

} // namespace mudi::log
