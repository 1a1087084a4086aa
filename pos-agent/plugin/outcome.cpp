#include "outcome.hpp"

#include <mudi/http/json.hpp>
#include <mudi/http/problem.hpp>

namespace mudi::pos {
namespace {

mudi_rc rc_of(int status) {
    switch (status) {
    case 401:
    case 403: return MUDI_E_DENIED;
    case 404:
    case 410: return MUDI_NOT_FOUND;
    case 408: return MUDI_E_TIMEOUT;
    case 409: return MUDI_E_STATE;
    case 429: return MUDI_E_AGENT;
    default: return status >= 400 && status < 500 ? MUDI_E_ARG : MUDI_E_AGENT;
    }
}

std::string cashier_text(const std::string& body) {
    const auto document = http::parse_json(body);
    if (!document || !document->is_object()) return {};
    const auto text = document->find("text");
    return text != document->end() && text->is_string() ? text->get<std::string>() : std::string();
}

} // namespace

Fault fault_of(const Error& error) {
    if (error.name == "http.timeout") return {MUDI_E_TIMEOUT, error.name, error.what};
    if (error.name == "http.bad_target") return {MUDI_E_ARG, error.name, error.what};
    return {MUDI_E_AGENT, error.name, error.what};
}

Fault fault_of(const http::Response& refusal) {
    const auto error = http::error_from(refusal);
    if (!error) return {MUDI_E_AGENT, "agent.answer", "the agent answered something unexpected"};
    // An answer that is no problem document of ours comes from somebody else on that socket.
    if (error->name == "http.status") return {MUDI_E_AGENT, error->name, error->what};
    std::string text = cashier_text(refusal.body);
    return {rc_of(refusal.status), error->name, text.empty() ? error->what : std::move(text)};
}

} // namespace mudi::pos
