#include "cli/answers.hpp"

#include <nlohmann/json.hpp>

namespace mudi::cli {

using nlohmann::json;

std::int64_t number_in(const json& document, const char* key) {
    const auto found = document.find(key);
    return found != document.end() && found->is_number() ? found->get<std::int64_t>() : 0;
}

std::string word_in(const json& document, const char* key) {
    const auto found = document.find(key);
    if (found == document.end() || found->is_null()) return "-";
    const auto text = found->is_string() ? found->get<std::string>() : found->dump();
    return text.empty() ? "-" : text;
}

bool flag_in(const json& document, const char* key) {
    const auto found = document.find(key);
    return found != document.end() && found->is_boolean() && found->get<bool>();
}

std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + "\"";
}

} // namespace mudi::cli
