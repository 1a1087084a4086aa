#include "response_head.hpp"

#include <ostream> // Beast 1.74 forgets it

#include <boost/beast/http/status.hpp>

namespace mudi::http {

namespace {

void add_line(std::string& out, std::string_view name, std::string_view value) {
    out.append(name).append(": ");
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        out += byte < 0x20 || byte == 0x7f ? ' ' : c;
    }
    out += "\r\n";
}

/// The framing is ours alone.
bool is_framing(std::string_view name) {
    return equal_no_case(name, "Content-Length") || equal_no_case(name, "Transfer-Encoding") ||
           equal_no_case(name, "Connection") || equal_no_case(name, "Content-Type");
}

void add_fields(std::string& out, const Headers& headers) {
    for (const Header& header : headers) {
        if (!is_framing(header.name)) add_line(out, header.name, header.value);
    }
}

} // namespace

std::string_view reason_phrase(int status) {
    const auto reason =
        boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(static_cast<unsigned>(status)));
    return {reason.data(), reason.size()};
}

void write_head(std::string& out, const Response& response, const Headers& extra, BodyEnd end) {
    out.assign("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
    out.append(reason_phrase(response.status)).append("\r\n");
    if (!response.content_type.empty()) add_line(out, "Content-Type", response.content_type);
    const bool bodiless = response.status == 204 || response.status == 304;
    if (end != BodyEnd::connection && !bodiless) {
        add_line(out, "Content-Length", std::to_string(response.body.size()));
    }
    if (end != BodyEnd::length) add_line(out, "Connection", "close");
    if (!response.headers.has("Cache-Control")) add_line(out, "Cache-Control", "no-store");
    add_line(out, "X-Content-Type-Options", "nosniff");
    add_fields(out, extra);
    add_fields(out, response.headers);
    out += "\r\n";
}

} // namespace mudi::http
