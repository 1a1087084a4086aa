#include <mudi/http/guard.hpp>

#include <algorithm>
#include <array>

#include <mudi/base/hash.hpp>
#include <mudi/http/problem.hpp>

namespace mudi::http {

namespace {

constexpr std::array<std::string_view, 3> loopback_hosts{"127.0.0.1", "localhost", "[::1]"};

/// Our own port may be left out or stand behind the name; another port is another server's request.
bool host_is(std::string_view host, std::string_view name, const std::string& port) {
    if (!equal_no_case(host.substr(0, name.size()), name)) return false;
    const auto rest = host.substr(name.size());
    return rest.empty() || (rest.starts_with(':') && rest.substr(1) == port);
}

bool host_allowed(const GuardPolicy& policy, std::string_view host) {
    const auto port = std::to_string(policy.port);
    const auto fits = [&](std::string_view name) { return host_is(host, name, port); };
    return std::any_of(loopback_hosts.begin(), loopback_hosts.end(), fits) ||
           std::any_of(policy.hosts.begin(), policy.hosts.end(), fits);
}

bool same_origin(const GuardPolicy& policy, std::string_view origin) {
    constexpr std::string_view scheme = "http://";
    if (!origin.starts_with(scheme)) return false;
    const auto host = origin.substr(scheme.size());
    const auto port = std::to_string(policy.port);
    // Browsers leave out the port only when it is the scheme's own.
    if (policy.port != 80 && host.find(':') == std::string_view::npos) return false;
    return host_is(host, "127.0.0.1", port) || host_is(host, "localhost", port);
}

bool origin_allowed(const GuardPolicy& policy, std::string_view origin) {
    return same_origin(policy, origin) ||
           (origin != "*" && origin != "null" &&
            std::find(policy.origins.begin(), policy.origins.end(), origin) != policy.origins.end());
}

bool path_open(const GuardPolicy& policy, std::string_view path) {
    return std::any_of(policy.open_paths.begin(), policy.open_paths.end(), [&](std::string_view open) {
        return open.ends_with('*') ? path.starts_with(open.substr(0, open.size() - 1)) : path == open;
    });
}

bool token_valid(const GuardPolicy& policy, std::string_view token) {
    if (token.empty()) return false;
    bool known = false;
    // No early way out: the time taken does not tell which token came close.
    for (const std::string& each : policy.tokens) known |= equal_secret(each, token);
    return known || (policy.token_known && policy.token_known(token));
}

Response preflight(const Request& request) {
    Response response{204, "", "", {}};
    response.headers.add("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE");
    response.headers.add("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key");
    response.headers.add("Access-Control-Max-Age", "600");
    if (equal_no_case(request.headers.find("Access-Control-Request-Private-Network"), "true")) {
        response.headers.add("Access-Control-Allow-Private-Network", "true");
    }
    return response;
}

} // namespace

GuardVerdict guard(const GuardPolicy& policy, const Request& request) {
    if (request.over_unix_socket) return {};
    GuardVerdict verdict;
    verdict.headers.add("Vary", "Origin"); // no cache may hand one page's permission to another
    if (!host_allowed(policy, request.headers.find("Host"))) {
        verdict.answer =
            problem(403, {Code::denied, "http.host", "the Host header does not name this machine"});
        return verdict;
    }
    const auto origin = request.headers.find("Origin");
    if (request.headers.has("Origin")) {
        if (!origin_allowed(policy, origin) || request.headers.count("Origin") != 1) {
            verdict.answer = problem(403, {Code::denied, "http.origin", "pages of this origin may not call"});
            return verdict;
        }
        verdict.headers.add("Access-Control-Allow-Origin", std::string(origin));
        if (request.method == "OPTIONS" && request.headers.has("Access-Control-Request-Method")) {
            verdict.answer = preflight(request);
            return verdict;
        }
    }
    if (!path_open(policy, request.raw_path) && !token_valid(policy, presented_token(request))) {
        verdict.answer = problem(401, {Code::denied, "http.token", "a valid bearer token is needed"});
        verdict.answer->headers.add("WWW-Authenticate", "Bearer");
    }
    return verdict;
}

} // namespace mudi::http
