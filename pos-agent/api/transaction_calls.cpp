#include "context.hpp"

#include <mudi/http/json.hpp>

#include "answers.hpp"
#include "documents.hpp"

namespace mudi::till {
namespace {

using nlohmann::json;

Result<json> open_json(Context& context, const TransactionName& name, const Ask& ask) {
    json customer;
    MUDI_TRY(const auto known, context.parts.desk.customer(name, ask.now));
    if (known) customer = customer_json(*known, ask.language);
    MUDI_TRY(const OpenTransaction* open, context.parts.desk.find(name, ask.now));
    return open_transaction_json(*open, std::move(customer));
}

/// The panel and the display follow the transaction that was opened or resumed last.
void tell_customer(Context& context, const std::string& txn, const CustomerView& customer) {
    json data = customer_json(customer, context.options.language);
    data["txn"] = txn;
    context.tell("customer", std::move(data));
}

Result<http::Response> begin(Context& context, const Ask& ask) {
    MUDI_TRY(const json body, body_of(ask));
    MUDI_TRY(const Desk::Begin request, begin_from(body, ask.request.capture("id")));
    MUDI_TRY(const OpenTransaction* open, context.parts.desk.begin(request, ask.now));
    const TransactionName name{open->key.number, open->key.day};
    MUDI_TRY(const auto customer, context.parts.desk.customer(name, ask.now));
    if (customer) tell_customer(context, name.number, *customer);
    MUDI_TRY(const json document, open_json(context, name, ask));
    return http::json_response(document);
}

Result<http::Response> show(Context& context, const Ask& ask) {
    MUDI_TRY(const TransactionName name, name_from(context, ask));
    const auto open = context.parts.desk.find(name, ask.now);
    if (!open && open.error().name == "txn.completed") {
        MUDI_TRY(const Receipt receipt, context.parts.desk.receipt(name, ask.now));
        return http::json_response(receipt_json(receipt, ask.language));
    }
    if (!open) return tl::make_unexpected(open.error());
    MUDI_TRY(const json document, open_json(context, name, ask));
    return http::json_response(document);
}

std::string_view word(PresentedKind kind) {
    switch (kind) {
    case PresentedKind::card: return "card";
    case PresentedKind::phone: return "phone";
    case PresentedKind::qr: return "qr";
    }
    return "card";
}

Result<http::Response> identify(Context& context, const Ask& ask) {
    MUDI_TRY(const TransactionName name, name_from(context, ask));
    MUDI_TRY(const json body, body_of(ask));
    MUDI_TRY(const Presented presented, presented_from(body));
    const auto customer = context.parts.desk.identify(name, presented, ask.now);
    if (!customer) {
        // Never the scan itself: readers of events need not see what may be anything, even a bank card.
        if (customer.error().name == "customer.unknown") {
            context.tell("customer_cleared", {{"txn", name.number}});
            context.tell("scan", {{"txn", name.number}, {"kind", word(presented.kind)}});
        }
        return tl::make_unexpected(customer.error());
    }
    tell_customer(context, name.number, *customer);
    return http::json_response(customer_json(*customer, ask.language));
}

Result<http::Response> forget_customer(Context& context, const Ask& ask) {
    MUDI_TRY(const TransactionName name, name_from(context, ask));
    MUDI_CHECK(context.parts.desk.forget_customer(name, ask.now));
    context.tell("customer_cleared", {{"txn", name.number}});
    return no_content();
}

Result<http::Response> add_tender(Context& context, const Ask& ask) {
    MUDI_TRY(const TransactionName name, name_from(context, ask));
    MUDI_TRY(const json body, body_of(ask));
    MUDI_TRY(crm::Tender tender, tender_from(body, context.currency()));
    MUDI_TRY(const TenderView view, context.parts.desk.add_tender(name, std::move(tender), ask.now));
    return http::json_response({{"tendered", view.tendered.minor}, {"due", view.due.minor}});
}

Result<http::Response> suspend(Context& context, const Ask& ask) {
    MUDI_TRY(const TransactionName name, name_from(context, ask));
    MUDI_CHECK(context.parts.desk.suspend(name, ask.now));
    context.tell("suspended", {{"txn", name.number}});
    return no_content();
}

Result<http::Response> cancel(Context& context, const Ask& ask) {
    MUDI_TRY(const TransactionName name, name_from(context, ask));
    MUDI_TRY([[maybe_unused]] const json body,
             body_of(ask)); // a broken body is refused even though the reason is not kept
    MUDI_CHECK(context.parts.desk.cancel(name, ask.now));
    context.tell("cancelled", {{"txn", name.number}});
    return no_content();
}

} // namespace

void add_transaction_calls(Context& context) {
    context.add("PUT", "/v1/txn/{id}", [&context](const Ask& ask) { return begin(context, ask); });
    context.add("GET", "/v1/txn/{id}", [&context](const Ask& ask) { return show(context, ask); });
    context.add("POST", "/v1/txn/{id}/identify",
                [&context](const Ask& ask) { return identify(context, ask); });
    context.add("DELETE", "/v1/txn/{id}/customer",
                [&context](const Ask& ask) { return forget_customer(context, ask); });
    context.add("POST", "/v1/txn/{id}/tenders",
                [&context](const Ask& ask) { return add_tender(context, ask); });
    context.add("POST", "/v1/txn/{id}/suspend", [&context](const Ask& ask) { return suspend(context, ask); });
    context.add("POST", "/v1/txn/{id}/cancel", [&context](const Ask& ask) { return cancel(context, ask); });
}

} // namespace mudi::till
