#include "cli/server_client.hpp"

#include <charconv>
#include <fstream>

#include <nlohmann/json.hpp>

#include <mudi/http/json.hpp>

namespace mudi::cli {
namespace {

Code code_for(int status) {
    switch (status) {
    case 401:
    case 403: return Code::denied;
    case 404: return Code::not_found;
    case 409: return Code::conflict;
    case 503: return Code::unavailable;
    default: return status >= 500 ? Code::io : Code::invalid;
    }
}

Error error_from(int status, const std::string& body) {
    const auto problem = http::parse_json(body);
    if (!problem || !problem->is_object())
        return {code_for(status), "http.status", "answered with status " + std::to_string(status)};
    return {code_for(status), problem->value("code", "http.status"), problem->value("detail", "")};
}

} // namespace

Result<http::Target> target_of(const std::string& url) {
    constexpr std::string_view scheme = "http://";
    const auto colon = url.rfind(':');
    std::uint16_t port = 0;
    if (url.starts_with(scheme) && colon > scheme.size()) {
        const std::string digits = url.substr(colon + 1, url.find('/', colon) - colon - 1);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
        if (error == std::errc{} && end == digits.data() + digits.size() && port > 0)
            return http::Target::tcp(url.substr(scheme.size(), colon - scheme.size()), port);
    }
    return fail(Code::invalid, "cli.url", "an address looks like http://127.0.0.1:7080, not " + url);
}

Result<nlohmann::json> ApiClient::get(const std::string& path) { return send("GET", path, {}, true); }

Result<nlohmann::json> ApiClient::send(const std::string& method, const std::string& path, std::string body,
                                       bool idempotent, const std::string& content_type, Duration timeout) {
    http::Call call;
    call.method = method;
    call.target = path;
    call.body = std::move(body);
    call.content_type = content_type;
    call.timeout = timeout;
    call.idempotent = idempotent;
    if (!token_.empty()) call.headers.add("Authorization", "Bearer " + token_);
    MUDI_TRY(const auto answer, client_.send(call));
    if (answer.status >= 400) return tl::make_unexpected(error_from(answer.status, answer.body));
    if (answer.body.empty()) return nlohmann::json(nullptr);
    return http::parse_json(answer.body);
}

Result<ApiClient> connect_server(const std::string& url, const std::string& token_file) {
    MUDI_TRY(auto target, target_of(url));
    std::ifstream file(token_file);
    std::string token;
    if (!std::getline(file, token) || token.empty())
        return fail(Code::denied, "cli.token",
                    "cannot read the operator's token from " + token_file + " (--token-file)");
    return ApiClient{std::move(target), std::move(token)};
}

} // namespace mudi::cli
