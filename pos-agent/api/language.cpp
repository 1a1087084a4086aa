#include "language.hpp"

#include <array>

#include <mudi/base/text.hpp>
#include <mudi/http/message.hpp>

namespace mudi::till {
namespace {

constexpr std::array<std::string_view, 4> ours{"en", "bn", "mr", "hi"};

/// "0.75" -> 750, read by digits: a weight never needs more than three.
int weight_of(std::string_view parameters) {
    const auto at = parameters.find("q=");
    if (at == std::string_view::npos) return 1000;
    std::string_view digits = trim(parameters.substr(at + 2));
    if (digits.empty() || (digits[0] != '0' && digits[0] != '1')) return 0;
    int weight = digits[0] == '1' ? 1000 : 0;
    for (std::size_t i = 2, unit = 100; i < digits.size() && unit > 0 && digits[i] >= '0' && digits[i] <= '9';
         ++i, unit /= 10) {
        weight += (digits[i] - '0') * static_cast<int>(unit);
    }
    return weight;
}

} // namespace

std::string_view reader_language(std::string_view accept_language, std::string_view fallback) {
    std::string_view best = fallback;
    int best_weight = 0;
    while (!accept_language.empty()) {
        const auto comma = accept_language.find(',');
        const std::string_view entry = trim(accept_language.substr(0, comma));
        accept_language =
            comma == std::string_view::npos ? std::string_view{} : accept_language.substr(comma + 1);
        const auto semicolon = entry.find(';');
        const std::string_view tag = trim(entry.substr(0, semicolon));
        const int weight =
            semicolon == std::string_view::npos ? 1000 : weight_of(entry.substr(semicolon + 1));
        const std::string_view primary = tag.substr(0, tag.find('-'));
        for (const std::string_view language : ours) {
            if (http::equal_no_case(primary, language) && weight > best_weight) {
                best = language;
                best_weight = weight;
            }
        }
    }
    return best;
}

} // namespace mudi::till
