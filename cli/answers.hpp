#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

/// What stands in a document that a server or an agent answered, perhaps an older or a newer one: what it
/// left out, or says in another way, is nothing rather than an error.
namespace mudi::cli {

/// 0 when there is no number of that name.
std::int64_t number_in(const nlohmann::json& document, const char* key);
/// As it is shown: "-" when there is none, or it is null or empty.
std::string word_in(const nlohmann::json& document, const char* key);
bool flag_in(const nlohmann::json& document, const char* key);

/// A text as a value of our configuration files.
std::string quoted(const std::string& text);

} // namespace mudi::cli
