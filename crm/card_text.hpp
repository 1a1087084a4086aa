#pragma once

#include <string>
#include <string_view>

#include <mudi/crm/identifier.hpp>

namespace mudi::crm {

/// Without the blanks and hyphens people group digits with, Unicode's too. `text` is well-formed UTF-8.
std::string without_separators(std::string_view text);

bool in_loyalty_range(std::string_view digits, const IdentifierRules& rules);

/// "]C1…": which symbology the scanner read. `letter` is 0 when the scanner does not say.
struct AimPrefix {
    char letter{};
    char modifier{};
};
/// Takes the prefix off the front of `text`.
AimPrefix take_aim_prefix(std::string_view& text);

/// 4..32 ASCII capitals and digits.
bool is_card_normal_form(std::string_view text);

} // namespace mudi::crm
