#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <mudi/http/message.hpp>
#include <mudi/http/router.hpp>
#include <mudi/till/api.hpp>

#include "event_hub.hpp"
#include "idempotency.hpp"
#include "pairing.hpp"

namespace mudi::till {

/// What the pages show, kept for those that open later.
struct Panel {
    static constexpr std::size_t receipts_max = 10;

    nlohmann::json txn;
    nlohmann::json customer;
    nlohmann::json basket;
    std::deque<nlohmann::json> receipts; ///< newest first
};

/// One request on its way through a handler.
struct Ask {
    const http::Request& request;
    Time now;
    std::string_view language; ///< of the reader
};

/// A handler gives the answer or the error; the error becomes a problem document in the reader's language.
using Answerer = std::function<Result<http::Response>(const Ask&)>;

struct Context;

/// A repeat of the same request, with the same Idempotency-Key, gets the answer that was given.
struct Once {
    std::string key; ///< empty: none was given
    Bits128 fingerprint;
};

/// The duty to answer a request later. Answered at most once; copies share it.
class Reply {
public:
    Reply(Context& context, http::Responder responder, std::string language, std::optional<Once> once);

    /// `extra` goes into the problem document of a refusal.
    void operator()(const Result<http::Response>& result,
                    const nlohmann::json& extra = nlohmann::json::object());
    /// Nobody is going to read it.
    [[nodiscard]] bool gone() const { return responder_.gone(); }

private:
    Context& context_;
    http::Responder responder_;
    std::string language_;
    std::optional<Once> once_;
};

/// A handler whose answer may come later. What it is asked with lives only during the call.
using LaterAnswerer = std::function<void(const Ask&, Reply)>;

/// Everything the handlers share.
struct Context {
    Context(ApiOptions api_options, ApiParts api_parts, Pairing api_pairing);
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    /// Adds a call: idempotency keys, problem documents, and captured events handed over after the answer.
    void add(std::string method, std::string_view pattern, Answerer answerer);
    void add_later(std::string method, std::string_view pattern, LaterAnswerer answerer);
    http::Response problem_for(const Error& error, std::string_view language,
                               nlohmann::json extra = nlohmann::json::object()) const;

    /// Publishes and remembers for the panel.
    void tell(std::string_view event, nlohmann::json data);
    void hand_over_captured();

    [[nodiscard]] Currency currency() const { return parts.desk.options().currency; }

    ApiOptions options;
    ApiParts parts;
    Pairing pairing;
    EventHub hub;
    IdempotencyStore answered;
    Panel panel;
    http::Router router;
    MonoTime started;
    EventSeq handed_over;

private:
    friend class Reply;
    Ask ask_of(const http::Request& request) const;
    /// The answer that was given before to this very request; otherwise what makes it out, if it has a key.
    Result<std::optional<http::Response>> answered_before(const http::Request& request,
                                                          std::optional<Once>& once);
    http::Response answer(const Answerer& answerer, const http::Request& request);
    void keep(const std::optional<Once>& once, const http::Response& response);
};

/// Each adds its calls to the router of the context, which outlives it.
void add_system_calls(Context& context);
void add_summary_calls(Context& context);
void add_transaction_calls(Context& context);
void add_offer_calls(Context& context);
void add_redeem_calls(Context& context);
void add_sale_calls(Context& context);
void add_customer_calls(Context& context);
void add_pages(Context& context);

/// Saves a sale document and tells the panel; shared by complete, returns and the spool.
Result<Receipt> complete_sale(Context& context, const SaleDocument& sale, Time now);

/// {id}, with ?business_day= or the day on which it was opened a short while ago, before midnight.
Result<TransactionName> name_from(const Context& context, const Ask& ask);
/// The body as JSON; an empty one is an empty object.
Result<nlohmann::json> body_of(const Ask& ask);
http::Response no_content();

} // namespace mudi::till
