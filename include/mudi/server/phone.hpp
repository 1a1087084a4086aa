#pragma once

#include <string>
#include <string_view>

#include <mudi/base/result.hpp>
#include <mudi/crm/identifier.hpp>

namespace mudi::server {

/// E.164 of a phone as people write it, extensions and blanks included: crm::parse_phone first,
/// libphonenumber for the rest. phone.syntax (invalid) when it is no possible number. Thread-safe.
Result<std::string> normal_phone(std::string_view raw, const crm::IdentifierRules& rules);

} // namespace mudi::server
