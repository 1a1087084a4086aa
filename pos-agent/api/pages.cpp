#include "context.hpp"

#include <mudi/http/static_file.hpp>

namespace mudi::till {

std::string_view web_file(std::string_view file_name);

namespace {

/// Nothing from elsewhere, nothing inline; and the address, which may carry a token, is told to nobody.
http::Response page(const http::Request& request, std::string_view file_name) {
    http::Response response = http::serve_file(request, file_name, web_file(file_name));
    response.headers.set(
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    response.headers.set("X-Content-Type-Options", "nosniff");
    response.headers.set("Referrer-Policy", "no-referrer");
    return response;
}

} // namespace

void add_pages(Context& context) {
    struct Page {
        std::string_view path;
        std::string_view file;
    };
    for (const Page each : {Page{"/", "index.html"}, Page{"/display", "display.html"},
                            Page{"/till.css", "till.css"}, Page{"/till.js", "till.js"}}) {
        context.router.add("GET", each.path,
                           [file = each.file](const http::Request& request) { return page(request, file); });
    }
}

} // namespace mudi::till
