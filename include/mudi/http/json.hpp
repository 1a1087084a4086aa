#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <mudi/base/result.hpp>
#include <mudi/http/message.hpp>

namespace mudi::http {

inline constexpr int json_depth_max = 32;

/// Reads one JSON document from outside. Never throws. Errors (all invalid): json.utf8, json.syntax (with the
/// byte offset), json.depth (more than json_depth_max arrays and objects inside each other),
/// json.duplicate_key.
Result<nlohmann::json> parse_json(std::string_view text);

/// Text of a document; never throws (broken UTF-8 becomes U+FFFD).
std::string to_text(const nlohmann::json& document);

Response json_response(const nlohmann::json& document, int status = 200);

} // namespace mudi::http
