#include "context.hpp"

#include <mudi/http/json.hpp>

#include "answers.hpp"
#include "documents.hpp"

namespace mudi::till {
namespace {

using nlohmann::json;

Result<SaleDocument> document_of(Context& context, const Ask& ask) {
    MUDI_TRY(const json body, body_of(ask));
    return sale_from(body, {context.currency(), ask.request.over_unix_socket});
}

Result<http::Response> finish(Context& context, const SaleDocument& sale, const Ask& ask) {
    MUDI_TRY(const Receipt receipt, complete_sale(context, sale, ask.now));
    return http::json_response(receipt_json(receipt, ask.language));
}

Status need_number(const SaleDocument& sale) {
    if (sale.name.number.empty()) return fail(Code::invalid, "json.missing", "number is missing");
    return {};
}

Result<http::Response> complete_open(Context& context, const Ask& ask) {
    MUDI_TRY(const TransactionName name, name_from(context, ask));
    MUDI_TRY(SaleDocument sale, document_of(context, ask));
    if (!sale.name.number.empty() && sale.name.number != name.number) {
        return fail(Code::invalid, "sale.number", "the document has another number than the address");
    }
    sale.name.number = name.number;
    if (!sale.name.day) sale.name.day = name.day;
    return finish(context, sale, ask);
}

Result<http::Response> complete_whole(Context& context, const Ask& ask) {
    MUDI_TRY(const SaleDocument sale, document_of(context, ask));
    MUDI_CHECK(need_number(sale));
    return finish(context, sale, ask);
}

Result<http::Response> take_return(Context& context, const Ask& ask) {
    MUDI_TRY(const SaleDocument sale, document_of(context, ask));
    MUDI_CHECK(need_number(sale));
    if (sale.kind != crm::TransactionKind::return_)
        return fail(Code::invalid, "sale.kind", "kind must be return here");
    return finish(context, sale, ask);
}

Result<http::Response> post_void(Context& context, const Ask& ask) {
    MUDI_TRY(const json body, body_of(ask));
    MUDI_TRY(const Desk::Void request, void_from(body, ask.request.capture("id")));
    MUDI_TRY(const Receipt receipt, context.parts.desk.post_void(request, ask.now));
    if (!receipt.repeated) context.tell("completed", receipt_json(receipt, context.options.language));
    return http::json_response(receipt_json(receipt, ask.language));
}

Result<http::Response> show_receipt(Context& context, const Ask& ask) {
    const auto day = parse_business_day(ask.request.capture("business_day"));
    if (!day) return fail(Code::invalid, "json.day", "the business day must be a date such as 2026-11-21");
    MUDI_TRY(const Receipt receipt,
             context.parts.desk.receipt({ask.request.capture("number"), *day}, ask.now));
    return http::json_response(receipt_json(receipt, ask.language));
}

} // namespace

Result<Receipt> complete_sale(Context& context, const SaleDocument& sale, Time now) {
    MUDI_TRY(Receipt receipt, context.parts.desk.complete(sale, now));
    if (!receipt.repeated) context.tell("completed", receipt_json(receipt, context.options.language));
    return receipt;
}

void add_sale_calls(Context& context) {
    context.add("POST", "/v1/txn/{id}/complete",
                [&context](const Ask& ask) { return complete_open(context, ask); });
    context.add("POST", "/v1/txn/{id}/void", [&context](const Ask& ask) { return post_void(context, ask); });
    context.add("POST", "/v1/complete", [&context](const Ask& ask) { return complete_whole(context, ask); });
    context.add("POST", "/v1/returns", [&context](const Ask& ask) { return take_return(context, ask); });
    context.add("GET", "/v1/receipts/{business_day}/{number}",
                [&context](const Ask& ask) { return show_receipt(context, ask); });
}

} // namespace mudi::till
