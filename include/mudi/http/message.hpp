#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mudi/base/result.hpp>

namespace mudi::http {

struct Header {
    std::string name;
    std::string value;

    friend bool operator==(const Header&, const Header&) = default;
};

/// Header fields in the order they came. Names compare without regard to ASCII case.
class Headers {
public:
    Headers() = default;
    Headers(std::initializer_list<Header> list) : list_(list) {}

    void add(std::string name, std::string value);
    /// Replaces every field of that name.
    void set(std::string name, std::string value);
    /// The first value of that name; empty when there is none.
    [[nodiscard]] std::string_view find(std::string_view name) const;
    [[nodiscard]] bool has(std::string_view name) const;
    [[nodiscard]] std::size_t count(std::string_view name) const;

    [[nodiscard]] auto begin() const { return list_.begin(); }
    [[nodiscard]] auto end() const { return list_.end(); }
    [[nodiscard]] std::size_t size() const { return list_.size(); }

private:
    std::vector<Header> list_;
};

using Params = std::map<std::string, std::string, std::less<>>;

struct Request {
    std::string method;   ///< as sent: "GET"
    std::string raw_path; ///< as sent, without the query: "/v1/txn/A%2F7"
    std::string path;     ///< percent-decoded, well-formed UTF-8: "/v1/txn/A/7"
    Params query;         ///< decoded; of a repeated name the first value counts
    Params captures;      ///< decoded {name} parts, filled by the Router
    Headers headers;
    std::string body;
    bool over_unix_socket{false};

    /// Empty when the name is not in the query.
    [[nodiscard]] std::optional<std::string_view> query_value(std::string_view name) const;
    /// A part that the route's pattern names; asking for another one is a bug.
    [[nodiscard]] const std::string& capture(std::string_view name) const;
};

struct Response {
    int status{200};
    std::string content_type{"application/json"}; ///< left out when empty
    std::string body;
    Headers headers;
};

/// Fills raw_path, path and query from a request target ("/a/b?c=d" or "*"). Error: http.bad_target (invalid)
/// for anything else, a broken escape, %00, or bytes that are not UTF-8.
Status set_target(Request& request, std::string_view target);

/// The token of "Authorization: Bearer …", or of ?token= on GET and HEAD (a browser's EventSource cannot set
/// headers). Empty when there is none.
std::string_view presented_token(const Request& request);

/// Empty on a broken escape. `plus_is_space` is the rule of query strings.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);
/// Escapes everything but letters, digits and "-._~": fit for one path segment or one query value.
std::string percent_encode(std::string_view text);

/// Equal but for ASCII case.
bool equal_no_case(std::string_view a, std::string_view b);

} // namespace mudi::http
