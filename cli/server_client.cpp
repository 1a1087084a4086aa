#include "cli/server_client.hpp"

#include <charconv>
#include <fstream>

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

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
    case 429: return Code::busy;
    case 503: return Code::unavailable;
    default: return status >= 500 ? Code::io : Code::invalid;
    }
}

/// The client connects to numbers only; a command may wait for a name to be looked up.
Result<std::string> address_of(const std::string& host) {
    if (host == "localhost") return host; // the client's own word for 127.0.0.1
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(host.c_str(), nullptr, &wanted, &found) != 0 || found == nullptr)
        return fail(Code::unavailable, "cli.host", "nobody knows the host " + host);
    char text[NI_MAXHOST]{};
    const int named =
        ::getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
    ::freeaddrinfo(found);
    if (named != 0) return fail(Code::unavailable, "cli.host", "nobody knows the host " + host);
    return std::string(text);
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
        if (error == std::errc{} && end == digits.data() + digits.size() && port > 0) {
            std::string host = url.substr(scheme.size(), colon - scheme.size());
            if (host.size() > 2 && host.front() == '[' && host.back() == ']')
                host = host.substr(1, host.size() - 2);
            MUDI_TRY(auto address, address_of(host));
            return http::Target::tcp(std::move(address), port);
        }
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
