#pragma once

#include <string_view>

#include <mudi/http/message.hpp>

namespace mudi::http {

/// By the name's extension; "application/octet-stream" when unknown.
std::string_view content_type_of(std::string_view file_name);

/// Answers with an embedded file (what mudi_embed_files looks up): content type by extension, Cache-Control:
/// no-cache, an ETag and 304 when the browser has it. Empty content means "no such file": 404 http.not_found.
Response serve_file(const Request& request, std::string_view file_name, std::string_view content);

} // namespace mudi::http
