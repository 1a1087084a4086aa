#pragma once

#include <memory>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/http/client.hpp>

namespace mudi::cli {

/// "http://127.0.0.1:7080" or "http://mudi.shop:7080" -> where to connect. cli.url (invalid), cli.host
/// (unavailable: the name is not known).
Result<http::Target> target_of(const std::string& url);

/// JSON over HTTP to a till (Unix socket or URL) or to the server, with a token. One caller at a time.
class ApiClient {
public:
    ApiClient(http::Target target, std::string token)
        : client_(std::move(target)), token_(std::move(token)) {}

    /// The answer's document. A problem document becomes an Error with its own name and the code that fits
    /// its status; no answer is http.connect or http.timeout.
    Result<nlohmann::json> get(const std::string& path);
    Result<nlohmann::json> send(const std::string& method, const std::string& path, std::string body,
                                bool idempotent, const std::string& content_type = "application/json",
                                Duration timeout = std::chrono::seconds{30});

private:
    http::Client client_;
    std::string token_;
};

/// The server of --server with the token of --token-file. cli.token (denied): the file cannot be read.
Result<ApiClient> connect_server(const std::string& url, const std::string& token_file);

} // namespace mudi::cli
