#include "link.hpp"

#include <utility>

#include <mudi/http/json.hpp>

namespace mudi::pos {
namespace {

tl::unexpected<Fault> nonsense() {
    return fault(MUDI_E_AGENT, "agent.answer", "the agent answered something unexpected");
}

} // namespace

Link::Link(std::string socket_path, std::string language)
    : socket_path_(std::move(socket_path)), language_(std::move(language)) {}

std::unique_ptr<http::Client> Link::take() {
    const std::lock_guard lock(mutex_);
    if (kept_.empty()) return std::make_unique<http::Client>(http::Target::unix_socket(socket_path_));
    auto client = std::move(kept_.back());
    kept_.pop_back();
    return client;
}

void Link::give_back(std::unique_ptr<http::Client> client) {
    const std::lock_guard lock(mutex_);
    if (kept_.size() < kept_max) kept_.push_back(std::move(client));
}

Outcome<http::Response> Link::exchange_once(const http::Call& call) {
    if (call.timeout.count() == 0)
        return fault(MUDI_E_TIMEOUT, "http.timeout", "the agent did not answer in time");
    auto client = take();
    auto response = client->send(call);
    if (!response) {
        version_checked_ = false; // what answers next may be another agent
        return tl::make_unexpected(fault_of(response.error()));
    }
    give_back(std::move(client));
    return *std::move(response);
}

Outcome<bool> Link::check_version(const Deadline& deadline) {
    if (version_checked_) return true;
    http::Call call;
    call.target = "/v1/hello";
    call.timeout = deadline.left();
    call.idempotent = true;
    const auto response = exchange_once(call);
    if (!response) return tl::make_unexpected(response.error());
    if (response->status != 200) return tl::make_unexpected(fault_of(*response));
    const auto hello = http::parse_json(response->body);
    if (!hello || !hello->is_object()) return nonsense();
    const auto min_api = hello->find("min_api");
    if (min_api == hello->end() || !min_api->is_number_integer()) return nonsense();
    if (min_api->get<std::int64_t>() > MUDI_ABI) {
        return fault(MUDI_E_VERSION, "agent.version",
                     "the agent no longer speaks this version: update libmudi-pos");
    }
    version_checked_ = true;
    return true;
}

Outcome<http::Response> Link::send(const AgentCall& call, const std::string& body, const Deadline& deadline) {
    const auto checked = check_version(deadline);
    if (!checked) return tl::make_unexpected(checked.error());
    http::Call request;
    request.method = call.method;
    request.target = call.target;
    request.body = body;
    request.timeout = deadline.left();
    request.idempotent = true; // what may not be done twice carries a key
    if (!language_.empty()) request.headers.add("Accept-Language", language_);
    if (!call.idempotency_key.empty()) request.headers.add("Idempotency-Key", call.idempotency_key);
    return exchange_once(request);
}

Outcome<nlohmann::json> Link::ask(const AgentCall& call, const Deadline& deadline) {
    const auto response =
        send(call, call.body.is_null() ? std::string() : http::to_text(call.body), deadline);
    if (!response) return tl::make_unexpected(response.error());
    if (response->status < 200 || response->status >= 300) return tl::make_unexpected(fault_of(*response));
    if (response->body.empty()) return nlohmann::json();
    auto document = http::parse_json(response->body);
    if (!document || !document->is_object()) return nonsense();
    return *std::move(document);
}

} // namespace mudi::pos
