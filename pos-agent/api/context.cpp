#include "context.hpp"

#include <mudi/crm/offers.hpp>
#include <mudi/http/json.hpp>
#include <mudi/http/problem.hpp>

#include "language.hpp"

namespace mudi::till {
namespace {

using nlohmann::json;

/// A sale begun before midnight is still found after it by a host that never names the day.
constexpr Duration over_midnight_max{std::chrono::hours{6}};

void remember_receipt(Panel& panel, const json& receipt) {
    panel.receipts.push_front(receipt);
    if (panel.receipts.size() > Panel::receipts_max) panel.receipts.pop_back();
}

void forget(Panel& panel) { panel.txn = panel.customer = panel.basket = nullptr; }

void remember(Panel& panel, std::string_view event, const json& data) {
    const bool same = panel.txn.is_null() || !data.contains("txn") || panel.txn == data["txn"];
    if (event == "customer") {
        if (!same) forget(panel);
        panel.txn = data["txn"];
        panel.customer = data;
    } else if (event == "basket") {
        if (!same) forget(panel);
        panel.txn = data["txn"];
        panel.basket = data;
    } else if (event == "completed") {
        remember_receipt(panel, data);
        forget(panel);
    } else if (same && (event == "suspended" || event == "cancelled")) {
        forget(panel);
    } else if (same && event == "customer_cleared") {
        panel.customer = nullptr;
    } else if (same && event == "customer_updated") {
        panel.customer = data;
    } else if (same && event == "offers_changed" && panel.customer.is_object()) {
        panel.customer["offers"] = data["offers"];
    }
}

} // namespace

Context::Context(ApiOptions api_options, ApiParts api_parts, Pairing api_pairing)
    : options(std::move(api_options)), parts(std::move(api_parts)), pairing(std::move(api_pairing)),
      hub(parts.clock.wall()), started(parts.clock.mono()), handed_over(parts.desk.last_captured()) {}

void Context::add(std::string method, std::string_view pattern, Answerer answerer) {
    router.add_deferred(
        std::move(method), pattern,
        [this, answerer = std::move(answerer)](http::Request request, http::Responder responder) {
            responder.answer(answer(answerer, request));
            hand_over_captured();
        });
}

void Context::add_later(std::string method, std::string_view pattern, LaterAnswerer answerer) {
    router.add_deferred(
        std::move(method), pattern,
        [this, answerer = std::move(answerer)](http::Request request, http::Responder responder) {
            const Ask ask = ask_of(request);
            std::optional<Once> once;
            auto before = answered_before(request, once);
            Reply reply(*this, std::move(responder), std::string(ask.language), std::move(once));
            if (!before) return reply(tl::make_unexpected(std::move(before).error()));
            if (*before) return reply(**std::move(before));
            answerer(ask, std::move(reply));
        });
}

Ask Context::ask_of(const http::Request& request) const {
    return {request, parts.clock.wall(),
            reader_language(request.headers.find("Accept-Language"), options.language)};
}

Result<std::optional<http::Response>> Context::answered_before(const http::Request& request,
                                                               std::optional<Once>& once) {
    if (request.method != "POST" || !request.headers.has("Idempotency-Key"))
        return std::optional<http::Response>{};
    Once asked{std::string(request.headers.find("Idempotency-Key")), IdempotencyStore::fingerprint(request)};
    MUDI_TRY(auto before, answered.find(asked.key, asked.fingerprint, parts.clock.mono()));
    once = std::move(asked);
    return before;
}

void Context::keep(const std::optional<Once>& once, const http::Response& response) {
    if (once) answered.keep(once->key, once->fingerprint, response, parts.clock.mono());
}

http::Response Context::answer(const Answerer& answerer, const http::Request& request) {
    const Ask ask = ask_of(request);
    std::optional<Once> once;
    auto before = answered_before(request, once);
    if (!before) return problem_for(before.error(), ask.language);
    if (*before) return **std::move(before);
    auto result = answerer(ask);
    if (!result) return problem_for(result.error(), ask.language);
    // Refusals are not kept: they have changed nothing, and the same question may get another answer later.
    keep(once, *result);
    return *std::move(result);
}

http::Response Context::problem_for(const Error& error, std::string_view language, json extra) const {
    extra["text"] = crm::error_text(error.name, language, error.what);
    return http::problem(error, extra);
}

Reply::Reply(Context& context, http::Responder responder, std::string language, std::optional<Once> once)
    : context_(context), responder_(std::move(responder)), language_(std::move(language)),
      once_(std::move(once)) {}

void Reply::operator()(const Result<http::Response>& result, const json& extra) {
    if (result) context_.keep(once_, *result);
    responder_.answer(result ? *result : context_.problem_for(result.error(), language_, extra));
    context_.hand_over_captured();
}

void Context::tell(std::string_view event, json data) {
    remember(panel, event, data);
    hub.publish(event, data);
}

void Context::hand_over_captured() {
    const EventSeq last = parts.desk.last_captured();
    if (last == handed_over) return;
    handed_over = last;
    if (parts.captured) parts.captured(last);
}

Result<TransactionName> name_from(const Context& context, const Ask& ask) {
    TransactionName name{ask.request.capture("id"), std::nullopt};
    if (const auto text = ask.request.query_value("business_day")) {
        name.day = parse_business_day(*text);
        if (!name.day)
            return fail(Code::invalid, "json.day", "business_day must be a date such as 2026-11-21");
        return name;
    }
    const auto offset = context.parts.desk.options().zone_offset;
    const BusinessDay before = business_day_at(ask.now - over_midnight_max, offset);
    if (before == business_day_at(ask.now, offset)) return name;
    const auto today = context.parts.desk.find(name, ask.now);
    if (today || today.error().name != "txn.unknown") return name;
    const auto open = context.parts.desk.find({name.number, before}, ask.now);
    if (open && (*open)->touched > ask.now - over_midnight_max) name.day = before;
    return name;
}

Result<json> body_of(const Ask& ask) {
    if (ask.request.body.empty()) return json::object();
    return http::parse_json(ask.request.body);
}

http::Response no_content() { return {204, "", "", {}}; }

} // namespace mudi::till
