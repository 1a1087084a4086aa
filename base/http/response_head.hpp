#pragma once

#include <string>
#include <string_view>

#include <mudi/http/message.hpp>

namespace mudi::http {

enum class BodyEnd {
    length,     ///< Content-Length, the connection stays open
    last,       ///< Content-Length, the connection closes afterwards
    connection, ///< no length: the body ends with the connection (event streams)
};

/// "Not Found"; a fixed text for numbers without one.
std::string_view reason_phrase(int status);

/// Status line and header fields, blank line included, into `out` (replaced). Fields get
/// X-Content-Type-Options: nosniff and, unless the response says otherwise, Cache-Control: no-store. Control
/// characters in values become blanks: nobody's data can begin a field of its own.
void write_head(std::string& out, const Response& response, const Headers& extra, BodyEnd end);

} // namespace mudi::http
