#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <mudi/http/message.hpp>
#include <mudi/http/responder.hpp>

namespace mudi::http {

/// Finds the handler by method and path. A pattern is literal segments and {name} captures:
/// "/v1/txn/{id}/basket". The path is split before it is decoded, so a capture may hold an encoded slash; a
/// capture is never empty. Where several patterns fit, the one with the earlier literal wins. HEAD is served
/// by GET's handler. Answers 404 http.not_found and 405 http.method (with Allow) by itself. A Router is a
/// Handler: fill it, then move it into Server::start.
class Router {
public:
    using Sync = std::function<Response(const Request&)>;

    /// Adding the same method and pattern twice is a bug.
    Router& add(std::string method, std::string_view pattern, Sync handler);
    /// For work that finishes later, and for event streams.
    Router& add_deferred(std::string method, std::string_view pattern, Handler handler);

    void operator()(Request request, Responder responder) const;

private:
    struct Segment {
        std::string text;
        bool capture{false};
        friend bool operator==(const Segment&, const Segment&) = default;
    };
    struct Route {
        std::vector<Segment> segments;
        std::vector<std::pair<std::string, Handler>> methods;

        [[nodiscard]] const Handler* handler(std::string_view method) const;
        [[nodiscard]] bool fits(const std::vector<std::string>& path) const;
        [[nodiscard]] bool better_than(const Route& other) const;
    };

    static std::vector<Segment> parse(std::string_view pattern);

    std::vector<Route> routes_;
};

} // namespace mudi::http
