#pragma once

#include <optional>

#include <nlohmann/json_fwd.hpp>

#include <mudi/base/result.hpp>
#include <mudi/http/message.hpp>

namespace mudi::http {

/// HTTP status of an error: invalid 422 (400 when the name begins with "json."), not_found 404, conflict 409,
/// denied 403, busy and unavailable 503, corrupt and io 500.
int status_of(const Error& error);

/// A problem document (RFC 9457): type urn:mudi:error:NAME, title, status, detail, code = NAME. Code busy
/// adds "Retry-After: 1".
Response problem(const Error& error);
/// The same with a status of its own (401, 413, …).
Response problem(int status, const Error& error);
/// The same with further members; `extra` is an object and cannot replace the standard ones.
Response problem(const Error& error, const nlohmann::json& extra);

/// The way back, for clients: empty below 400, otherwise the error of the problem document, or http.status
/// where the answer has none. The code is the nearest that the status allows.
std::optional<Error> error_from(const Response& response);

} // namespace mudi::http
