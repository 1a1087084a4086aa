#include "parser.hpp"

#include <limits>

namespace mudi::http {

RequestParser::RequestParser(std::size_t header_limit_bytes, std::size_t body_limit_bytes) {
    eager(true);
    header_limit(static_cast<std::uint32_t>(header_limit_bytes));
    body_limit(body_limit_bytes);
}

bool RequestParser::wants_continue() const {
    return is_header_done() && !is_done() && equal_no_case(message.headers.find("Expect"), "100-continue");
}

void RequestParser::on_request_impl(Verb, Text method, Text target, int version, Failure& failure) {
    version_ = version;
    message.method = view(method);
    if (!set_target(message, view(target))) failure = beast::http::error::bad_target;
}

void RequestParser::on_header_impl(Failure& failure) {
    // With two of them, a proxy in front and we might not mean the same one.
    if (message.headers.count("Host") > 1)
        failure = beast::http::error::bad_field;
    else
        MessageParser::on_header_impl(failure);
}

ResponseParser::ResponseParser(std::size_t header_limit_bytes, std::optional<std::size_t> body_limit_bytes) {
    eager(true);
    header_limit(static_cast<std::uint32_t>(header_limit_bytes));
    // Not boost::none: Beast 1.74 then takes every Content-Length for too large.
    body_limit(body_limit_bytes ? *body_limit_bytes : std::numeric_limits<std::uint64_t>::max());
    message.content_type.clear();
}

void ResponseParser::on_header_impl(Failure& failure) {
    message.content_type = message.headers.find("Content-Type");
    MessageParser::on_header_impl(failure);
}

} // namespace mudi::http
