#include <mudi/http/message.hpp>

#include <algorithm>

#include <mudi/base/assert.hpp>
#include <mudi/base/text.hpp>

namespace mudi::http {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char l = lower(c);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

bool is_unreserved(char c) {
    const char l = lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

/// Decodes what must become text: a NUL would cut it short in C, broken UTF-8 would poison JSON and SQL.
std::optional<std::string> decode_text(std::string_view text, bool plus_is_space) {
    auto decoded = percent_decode(text, plus_is_space);
    if (!decoded || decoded->find('\0') != std::string::npos || !is_utf8(*decoded)) return std::nullopt;
    return decoded;
}

tl::unexpected<Error> bad_target() {
    return fail(Code::invalid, "http.bad_target", "the request target is not a path in well-formed UTF-8");
}

Result<Params> parse_query(std::string_view text) {
    Params params;
    while (!text.empty()) {
        const auto end = std::min(text.find('&'), text.size());
        const auto pair = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (pair.empty()) continue;
        const auto equals = std::min(pair.find('='), pair.size());
        auto name = decode_text(pair.substr(0, equals), true);
        auto value = decode_text(pair.substr(std::min(equals + 1, pair.size())), true);
        if (!name || !value) return bad_target();
        params.try_emplace(std::move(*name), std::move(*value));
    }
    return params;
}

} // namespace

bool equal_no_case(std::string_view a, std::string_view b) {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

void Headers::add(std::string name, std::string value) {
    list_.push_back({std::move(name), std::move(value)});
}

void Headers::set(std::string name, std::string value) {
    std::erase_if(list_, [&](const Header& header) { return equal_no_case(header.name, name); });
    add(std::move(name), std::move(value));
}

std::string_view Headers::find(std::string_view name) const {
    for (const Header& header : list_) {
        if (equal_no_case(header.name, name)) return header.value;
    }
    return {};
}

bool Headers::has(std::string_view name) const { return count(name) > 0; }

std::size_t Headers::count(std::string_view name) const {
    return static_cast<std::size_t>(std::count_if(
        list_.begin(), list_.end(), [&](const Header& header) { return equal_no_case(header.name, name); }));
}

std::optional<std::string_view> Request::query_value(std::string_view name) const {
    const auto found = query.find(name);
    if (found == query.end()) return std::nullopt;
    return found->second;
}

const std::string& Request::capture(std::string_view name) const {
    const auto found = captures.find(name);
    MUDI_ASSERT(found != captures.end());
    return found->second;
}

Status set_target(Request& request, std::string_view target) {
    const auto path = target.substr(0, target.find('?'));
    if (!path.starts_with('/') && path != "*") return bad_target();
    auto decoded = decode_text(path, false);
    if (!decoded) return bad_target();
    MUDI_TRY(request.query, parse_query(target.substr(std::min(path.size() + 1, target.size()))));
    request.raw_path = path;
    request.path = std::move(*decoded);
    return {};
}

std::string_view presented_token(const Request& request) {
    constexpr std::string_view scheme = "Bearer ";
    const auto authorization = request.headers.find("Authorization");
    if (equal_no_case(authorization.substr(0, scheme.size()), scheme)) {
        return trim(authorization.substr(scheme.size()));
    }
    if (request.method == "GET" || request.method == "HEAD") return request.query_value("token").value_or("");
    return {};
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            decoded += plus_is_space && text[i] == '+' ? ' ' : text[i];
            continue;
        }
        if (i + 2 >= text.size()) return std::nullopt;
        const int high = hex_digit(text[i + 1]);
        const int low = hex_digit(text[i + 2]);
        if (high < 0 || low < 0) return std::nullopt;
        decoded += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return decoded;
}

std::string percent_encode(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string encoded;
    encoded.reserve(text.size());
    for (const char c : text) {
        if (is_unreserved(c)) {
            encoded += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            encoded += '%';
            encoded += digits[byte >> 4];
            encoded += digits[byte & 15];
        }
    }
    return encoded;
}

} // namespace mudi::http
