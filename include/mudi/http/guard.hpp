#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mudi/http/message.hpp>

namespace mudi::http {

/// Who may call. Any web page open on the machine can reach a loopback port, hence all three: Host (against
/// DNS rebinding), Origin and token. Over the Unix socket the file's mode is the guard and nothing of this is
/// checked.
struct GuardPolicy {
    std::uint16_t port{0};            ///< our TCP port; the Server fills it in
    std::vector<std::string> origins; ///< exact origins of foreign pages ("https://pos.example"); never "*"
    std::vector<std::string> hosts;   ///< names allowed in Host besides 127.0.0.1, localhost and [::1]
    std::vector<std::string> tokens;  ///< bearer tokens, compared in constant time
    /// Asked too, for callers that keep hashes only; may be empty.
    std::function<bool(std::string_view)> token_known;
    /// Paths that need no token, compared with the path as sent; one ending in '*' stands for all that begin
    /// so.
    std::vector<std::string> open_paths;
};

struct GuardVerdict {
    std::optional<Response> answer; ///< set: send this and do not ask the handler (a refusal or a preflight)
    Headers headers;                ///< to be added to whatever is answered (CORS)
};

/// Pure. Refusals: 403 http.host, 403 http.origin, 401 http.token.
GuardVerdict guard(const GuardPolicy& policy, const Request& request);

} // namespace mudi::http
