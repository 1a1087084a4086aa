#include <mudi/http/router.hpp>

#include <algorithm>

#include <mudi/base/assert.hpp>
#include <mudi/http/problem.hpp>

namespace mudi::http {

namespace {

/// "/" has no segments; "/a/" has an empty one at its end, which only a pattern written so fits.
std::vector<std::string_view> split(std::string_view path) {
    std::vector<std::string_view> parts;
    if (!path.starts_with('/') || path == "/") return parts;
    for (std::size_t begin = 1; begin <= path.size();) {
        const auto end = std::min(path.find('/', begin), path.size());
        parts.push_back(path.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

Response not_found() { return problem({Code::not_found, "http.not_found", "there is nothing at this path"}); }

Response method_not_allowed(std::vector<std::string> methods) {
    if (std::find(methods.begin(), methods.end(), "GET") != methods.end()) methods.emplace_back("HEAD");
    std::sort(methods.begin(), methods.end());
    methods.erase(std::unique(methods.begin(), methods.end()), methods.end());
    std::string allow;
    for (const std::string& method : methods) allow += (allow.empty() ? "" : ", ") + method;
    auto response = problem(405, {Code::invalid, "http.method", "this path does not take this method"});
    response.headers.add("Allow", std::move(allow));
    return response;
}

} // namespace

const Handler* Router::Route::handler(std::string_view method) const {
    for (const auto& [name, function] : methods) {
        if (name == method) return &function;
    }
    return method == "HEAD" ? handler("GET") : nullptr;
}

bool Router::Route::fits(const std::vector<std::string>& path) const {
    return std::equal(segments.begin(), segments.end(), path.begin(), path.end(),
                      [](const Segment& segment, const std::string& part) {
                          return segment.capture ? !part.empty() : segment.text == part;
                      });
}

bool Router::Route::better_than(const Route& other) const {
    return std::lexicographical_compare(
        segments.begin(), segments.end(), other.segments.begin(), other.segments.end(),
        [](const Segment& a, const Segment& b) { return !a.capture && b.capture; });
}

std::vector<Router::Segment> Router::parse(std::string_view pattern) {
    MUDI_ASSERT(pattern.starts_with('/'));
    std::vector<Segment> segments;
    for (const auto part : split(pattern)) {
        const bool capture = part.size() > 2 && part.starts_with('{') && part.ends_with('}');
        segments.push_back({std::string(capture ? part.substr(1, part.size() - 2) : part), capture});
    }
    return segments;
}

Router& Router::add_deferred(std::string method, std::string_view pattern, Handler handler) {
    auto segments = parse(pattern);
    auto route = std::find_if(routes_.begin(), routes_.end(),
                              [&](const Route& each) { return each.segments == segments; });
    if (route == routes_.end()) route = routes_.insert(routes_.end(), Route{std::move(segments), {}});
    MUDI_ASSERT(std::none_of(route->methods.begin(), route->methods.end(),
                             [&](const auto& each) { return each.first == method; }));
    route->methods.emplace_back(std::move(method), std::move(handler));
    return *this;
}

Router& Router::add(std::string method, std::string_view pattern, Sync handler) {
    return add_deferred(std::move(method), pattern,
                        [function = std::move(handler)](const Request& request, Responder responder) {
                            responder.answer(function(request));
                        });
}

void Router::operator()(Request request, Responder responder) const {
    std::vector<std::string> path;
    for (const auto part : split(request.raw_path)) path.push_back(percent_decode(part).value_or(""));

    const Route* best = nullptr;
    std::vector<std::string> allowed;
    for (const Route& route : routes_) {
        if (!route.fits(path)) continue;
        for (const auto& [method, handler] : route.methods) allowed.push_back(method);
        if (route.handler(request.method) != nullptr && (best == nullptr || route.better_than(*best)))
            best = &route;
    }
    if (best == nullptr) {
        return responder.answer(allowed.empty() ? not_found() : method_not_allowed(std::move(allowed)));
    }
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (best->segments[i].capture) request.captures[best->segments[i].text] = std::move(path[i]);
    }
    const Handler& handler = *best->handler(request.method);
    handler(std::move(request), std::move(responder));
}

} // namespace mudi::http
