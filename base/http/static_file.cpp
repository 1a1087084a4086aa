#include <mudi/http/static_file.hpp>

#include <array>
#include <utility>

#include <mudi/base/hash.hpp>
#include <mudi/http/problem.hpp>

namespace mudi::http {

std::string_view content_type_of(std::string_view file_name) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 14> types{{
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".mjs", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".json", "application/json"},
        {".map", "application/json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".webp", "image/webp"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".webmanifest", "application/manifest+json"},
        {".txt", "text/plain; charset=utf-8"},
    }};
    for (const auto& [extension, type] : types) {
        if (file_name.ends_with(extension)) return type;
    }
    return "application/octet-stream";
}

Response serve_file(const Request& request, std::string_view file_name, std::string_view content) {
    if (content.empty()) return problem({Code::not_found, "http.not_found", "there is no such file"});
    const auto tag = '"' + to_hex(hash128(content)) + '"';
    Response response{200, std::string(content_type_of(file_name)), "", {}};
    response.headers.add("Cache-Control", "no-cache");
    response.headers.add("ETag", tag);
    if (request.headers.find("If-None-Match").find(tag) != std::string_view::npos) {
        response.status = 304;
        response.content_type.clear();
    } else {
        response.body = content;
    }
    return response;
}

} // namespace mudi::http
