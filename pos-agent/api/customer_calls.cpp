#include "context.hpp"

#include <mudi/http/json.hpp>

#include "answers.hpp"
#include "documents.hpp"

namespace mudi::till {
namespace {

using nlohmann::json;

constexpr std::size_t typed_bytes_max = 200;

Result<http::Response> join(Context& context, const Ask& ask) {
    MUDI_TRY(const json body, body_of(ask));
    MUDI_TRY(const JoinDocument document, join_from(body));
    MUDI_TRY(const EventId event, context.parts.desk.join(document, ask.now));
    return http::json_response({{"id", to_hex(event.value)}}, 201);
}

Result<http::Response> search(Context& context, const Ask& ask) {
    const auto typed = ask.request.query_value("q");
    if (!typed || typed->empty() || typed->size() > typed_bytes_max) {
        return fail(Code::invalid, "search.query", "q must have 1 to 200 bytes");
    }
    MUDI_TRY(const auto customers, context.parts.desk.search(*typed, ask.now));
    json list = json::array();
    for (const CustomerView& customer : customers) list.push_back(customer_json(customer, ask.language));
    return http::json_response({{"customers", std::move(list)}});
}

} // namespace

void add_customer_calls(Context& context) {
    context.add("POST", "/v1/customers", [&context](const Ask& ask) { return join(context, ask); });
    context.add("GET", "/v1/customers", [&context](const Ask& ask) { return search(context, ask); });
}

} // namespace mudi::till
