#include <mudi/till/api.hpp>

#include <mudi/http/json.hpp>
#include <mudi/http/problem.hpp>

#include "answers.hpp"
#include "context.hpp"
#include "documents.hpp"

namespace mudi::till {

struct Api::Impl {
    Impl(ApiOptions options, ApiParts parts, Pairing pairing)
        : context(std::move(options), std::move(parts), std::move(pairing)) {}

    Context context;
};

Result<std::unique_ptr<Api>> Api::open(ApiOptions options, ApiParts parts) {
    MUDI_TRY(Pairing pairing, Pairing::open(options.pairing_file));
    std::unique_ptr<Api> api(
        new Api(std::make_unique<Impl>(std::move(options), std::move(parts), std::move(pairing))));
    Context& context = api->impl_->context;
    add_system_calls(context);
    add_summary_calls(context);
    add_transaction_calls(context);
    add_offer_calls(context);
    add_redeem_calls(context);
    add_sale_calls(context);
    add_customer_calls(context);
    add_pages(context);
    return api;
}

Api::Api(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Api::~Api() = default;

http::Handler Api::handler() {
    return [&router = impl_->context.router](http::Request request, http::Responder responder) {
        router(std::move(request), std::move(responder));
    };
}

http::GuardPolicy Api::guard() const {
    http::GuardPolicy policy;
    policy.origins = impl_->context.options.origins;
    policy.token_known = [&pairing = impl_->context.pairing](std::string_view token) {
        return pairing.known(token);
    };
    policy.open_paths = {"/", "/display", "/till.css", "/till.js", "/v1/hello", "/v1/pair"};
    return policy;
}

Status Api::take_spooled(const std::string& document) {
    Context& context = impl_->context;
    MUDI_TRY(const nlohmann::json body, http::parse_json(document));
    MUDI_TRY(const SaleDocument sale, sale_from(body, {context.currency(), true}));
    if (sale.name.number.empty()) return fail(Code::invalid, "json.missing", "number is missing");
    MUDI_TRY([[maybe_unused]] const Receipt receipt,
             complete_sale(context, sale, context.parts.clock.wall()));
    context.hand_over_captured();
    return {};
}

std::string Api::problem_text(const Error& error) const {
    return impl_->context.problem_for(error, impl_->context.options.language).body;
}

void Api::server_linked(bool up) {
    impl_->context.tell(up ? "server_up" : "server_down", nlohmann::json::object());
}

void Api::customers_updated(std::span<const TransactionKey> transactions) {
    Context& context = impl_->context;
    for (const TransactionKey& key : transactions) {
        const auto customer = context.parts.desk.customer({key.number, key.day}, context.parts.clock.wall());
        if (!customer || !*customer) continue; // closed, or gone with this very change
        nlohmann::json data = customer_json(**customer, context.options.language);
        data["txn"] = key.number;
        context.tell("customer_updated", std::move(data));
    }
}

} // namespace mudi::till
