#include <mudi/http/problem.hpp>

#include <mudi/http/json.hpp>

#include "response_head.hpp"

namespace mudi::http {

namespace {

using nlohmann::json;

constexpr std::string_view problem_type = "application/problem+json";

Response document(int status, const Error& error, json body) {
    body["type"] = "urn:mudi:error:" + error.name;
    body["title"] = std::string(reason_phrase(status));
    body["status"] = status;
    body["detail"] = error.what;
    body["code"] = error.name;
    Response response{status, std::string(problem_type), to_text(body), {}};
    if (error.code == Code::busy) response.headers.add("Retry-After", "1");
    return response;
}

Code code_of(const Response& response) {
    switch (response.status) {
    case 401:
    case 403: return Code::denied;
    case 404:
    case 410: return Code::not_found;
    case 409: return Code::conflict;
    case 408:
    case 502:
    case 504: return Code::unavailable;
    case 429: return Code::busy;
    case 503: return response.headers.has("Retry-After") ? Code::busy : Code::unavailable;
    default: return response.status < 500 ? Code::invalid : Code::io;
    }
}

std::string text_member(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

} // namespace

int status_of(const Error& error) {
    switch (error.code) {
    case Code::invalid: return error.name.starts_with("json.") ? 400 : 422;
    case Code::not_found: return 404;
    case Code::conflict: return 409;
    case Code::denied: return 403;
    case Code::busy:
    case Code::unavailable: return 503;
    case Code::corrupt:
    case Code::io: return 500;
    }
    return 500;
}

Response problem(const Error& error) { return document(status_of(error), error, json::object()); }

Response problem(int status, const Error& error) { return document(status, error, json::object()); }

Response problem(const Error& error, const json& extra) {
    return document(status_of(error), error, extra.is_object() ? extra : json::object());
}

std::optional<Error> error_from(const Response& response) {
    if (response.status < 400) return std::nullopt;
    Error error{code_of(response), "http.status", "the server answered " + std::to_string(response.status)};
    if (!response.content_type.starts_with(problem_type)) return error;
    const auto body = parse_json(response.body);
    if (!body || !body->is_object()) return error;
    if (auto name = text_member(*body, "code"); !name.empty()) error.name = std::move(name);
    if (auto what = text_member(*body, "detail"); !what.empty()) error.what = std::move(what);
    return error;
}

} // namespace mudi::http
