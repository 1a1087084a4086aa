#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <mudi/http/client.hpp>
#include <nlohmann/json.hpp>

#include "deadline.hpp"
#include "outcome.hpp"

namespace mudi::pos {

struct AgentCall {
    std::string method;
    std::string target;          ///< path and query, escaped
    nlohmann::json body;         ///< null: none
    std::string idempotency_key; ///< empty: none
};

/// Calls to the agent, from any thread: each takes a connection of its own for its time, so that nobody waits
/// for another's time-out.
class Link {
public:
    Link(std::string socket_path, std::string language);

    /// A document (null when the answer has none), or why not.
    Outcome<nlohmann::json> ask(const AgentCall& call, const Deadline& deadline);
    /// The same, giving the answer as it came, also a refusal. Only the connection's own faults.
    Outcome<http::Response> send(const AgentCall& call, const std::string& body, const Deadline& deadline);

private:
    static constexpr std::size_t kept_max = 4;

    Outcome<http::Response> exchange_once(const http::Call& call);
    /// Once for each start of the agent: does it still speak our version?
    Outcome<bool> check_version(const Deadline& deadline);
    std::unique_ptr<http::Client> take();
    void give_back(std::unique_ptr<http::Client> client);

    std::string socket_path_;
    std::string language_;
    std::atomic<bool> version_checked_{false};
    std::mutex mutex_;
    std::vector<std::unique_ptr<http::Client>> kept_;
};

} // namespace mudi::pos
