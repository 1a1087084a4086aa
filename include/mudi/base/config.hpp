#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <mudi/base/result.hpp>

/// One TOML file per program, read into one struct whose defaults stand in the struct. For edges and app
/// only.
///
///     struct Settings {
///         std::string data_dir{"/var/lib/thing"};
///         int port{7070};
///         void visit(config::Visitor& v) {
///             v.text("data_dir", data_dir, {.bytes_min = 1}, "Where everything is kept.");
///             v.section("http", "The web side.");
///             v.integer("port", port, {0, 65535}, "0 takes a free one.");
///         }
///     };
///     MUDI_TRY(Settings settings, config::load<Settings>(path));
namespace mudi::config {

struct IntegerLimits {
    std::int64_t min{std::numeric_limits<std::int64_t>::min()};
    std::int64_t max{std::numeric_limits<std::int64_t>::max()};
};
/// Lengths in bytes.
struct TextLimits {
    std::size_t bytes_min{0};
    std::size_t bytes_max{1000};
};
struct ListLimits {
    std::size_t count_max{100};
    TextLimits each{1, 1000};
};
using Words = std::initializer_list<std::string_view>;

/// Shows every field of a settings struct once, to a reader or to a printer. `comment` is one English
/// sentence for the shipped file; keys before the first section stand at the top of the file.
class Visitor {
public:
    virtual ~Visitor() = default;

    virtual void section(std::string_view name, std::string_view comment) = 0;
    virtual void text(std::string_view key, std::string& value, TextLimits limits,
                      std::string_view comment) = 0;
    virtual void texts(std::string_view key, std::vector<std::string>& value, ListLimits limits,
                       std::string_view comment) = 0;
    virtual void flag(std::string_view key, bool& value, std::string_view comment) = 0;
    /// One of a few words.
    virtual void choice(std::string_view key, std::string& value, Words words, std::string_view comment) = 0;
    virtual void number(std::string_view key, std::int64_t& value, IntegerLimits limits,
                        std::string_view comment) = 0;

    /// The limits are narrowed to what the field can hold.
    template <std::signed_integral T>
    void integer(std::string_view key, T& value, IntegerLimits limits, std::string_view comment) {
        limits.min = std::max<std::int64_t>(limits.min, std::numeric_limits<T>::min());
        limits.max = std::min<std::int64_t>(limits.max, std::numeric_limits<T>::max());
        auto wide = static_cast<std::int64_t>(value);
        number(key, wide, limits, comment);
        value = static_cast<T>(wide);
    }
};
using Visit = std::function<void(Visitor&)>;

/// config.missing (not_found), config.unreadable (io), config.syntax, config.unknown_key, config.type,
/// config.range (all invalid). Each text names the file, the line and the key; values are never repeated. A
/// file may be at most 256 KiB.
Status read_file(const std::string& path, const Visit& visit);
/// The same from memory; `name` stands for the file in messages.
Status read_text(std::string_view toml, std::string_view name, const Visit& visit);
/// A complete file with these values, which reads back as the same struct.
std::string print(std::string_view title, const Visit& visit);

/// Defaults where the file says nothing.
template <class Settings>
Result<Settings> load(const std::string& path) {
    Settings settings;
    MUDI_CHECK(read_file(path, [&](Visitor& visitor) { settings.visit(visitor); }));
    return settings;
}

template <class Settings>
std::string print(std::string_view title, Settings settings) {
    return print(title, Visit([&](Visitor& visitor) { settings.visit(visitor); }));
}

} // namespace mudi::config
