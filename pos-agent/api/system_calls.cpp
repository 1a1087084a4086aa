#include "context.hpp"

#include <charconv>
#include <fstream>

#include <unistd.h>

#include <mudi/http/json.hpp>
#include <mudi/http/problem.hpp>

#include "answers.hpp"
#include "documents.hpp"

namespace mudi::till {
namespace {

using nlohmann::json;

json hello(const Context& context) {
    const DeskOptions& desk = context.parts.desk.options();
    return {{"abi", 1},
            {"api", 1},
            {"min_api", 1},
            {"agent", MUDI_VERSION},
            {"store", desk.store.value},
            {"workstation", desk.workstation.value},
            {"currency", currency_code(desk.currency)},
            {"capabilities",
             {"identify", "basket", "offers", "redeem", "tenders", "suspend", "complete", "returns", "void",
              "customers", "events", "training"}}};
}

std::int64_t rss_kib() {
    std::ifstream statm("/proc/self/statm");
    std::int64_t size = 0;
    std::int64_t resident = 0;
    statm >> size >> resident;
    return resident * (::sysconf(_SC_PAGESIZE) / 1024);
}

json status(const Context& context) {
    const ApiParts& parts = context.parts;
    const DeskOptions& desk = parts.desk.options();
    const StoreCounts counts = parts.replica.counts();
    const sync::FeedCursor cursor = parts.replica.state().cursor;
    const LinkFacts link = parts.link ? parts.link() : LinkFacts{};
    const auto uptime =
        std::chrono::duration_cast<std::chrono::seconds>(parts.clock.mono() - context.started);
    // As one expression GCC 12 takes it for uninitialised.
    json certificate_days;
    if (link.certificate_days.has_value()) certificate_days = *link.certificate_days;
    return {{"till", desk.till.value},
            {"store", desk.store.value},
            {"workstation", desk.workstation.value},
            {"currency", currency_code(desk.currency)},
            {"agent", MUDI_VERSION},
            {"linked", link.linked},
            {"captured", counts.captured},
            {"unsent", counts.unsent},
            {"acked", counts.acked},
            {"safe", counts.safe},
            {"unsafe", counts.unsafe},
            {"lives", counts.lives},
            {"pressure", to_string(counts.pressure)},
            {"offers_held", counts.offers_held},
            {"profiles", counts.profiles},
            {"products", counts.products},
            {"feed",
             {{"generation", to_hex(Bits128{0, cursor.generation}).substr(16)}, {"version", cursor.version}}},
            {"last_contact_us", link.last_contact ? json(to_us(*link.last_contact)) : json(nullptr)},
            {"clock_ahead_ms", link.clock_ahead ? json(link.clock_ahead->count()) : json(nullptr)},
            {"certificate_days", certificate_days},
            {"refused", link.refused.empty() ? json(nullptr) : json(link.refused)},
            {"rights",
             {{"held", counts.rights_held.value},
              {"since_us", counts.rights_since ? json(to_us(*counts.rights_since)) : json(nullptr)},
              {"lead", parts.desk.is_lead()},
              {"lending", parts.points.lending && parts.points.lending()}}},
            {"open_transactions", parts.desk.open_transactions()},
            {"spool_refused", parts.spool_refused ? parts.spool_refused() : 0},
            {"uptime_s", uptime.count()},
            {"fdatasync", counts.commits},
            {"rss_kib", rss_kib()}};
}

Result<http::Response> pair(Context& context, const Ask& ask) {
    MUDI_TRY(const json body, body_of(ask));
    MUDI_TRY(const std::string code, code_from(body));
    MUDI_TRY(const std::string token,
             context.pairing.redeem(code, context.parts.random, context.parts.clock.mono()));
    return http::json_response({{"token", token}});
}

/// Only somebody on this machine who may open the socket gets a code.
Result<http::Response> pairing_code(Context& context, const Ask& ask) {
    if (!ask.request.over_unix_socket)
        return fail(Code::denied, "pair.socket_only", "codes are given over the Unix socket only");
    const std::string code = context.pairing.new_code(context.parts.random, context.parts.clock.mono());
    return http::json_response({{"code", code}, {"expires_us", to_us(ask.now + Pairing::code_life)}});
}

/// What the pages start from; what follows comes with /v1/events?after=.
json panel(const Context& context) {
    json receipts = json::array();
    for (const json& receipt : context.panel.receipts) receipts.push_back(receipt);
    return {
        {"status", status(context)},      {"txn", context.panel.txn}, {"customer", context.panel.customer},
        {"basket", context.panel.basket}, {"receipts", receipts},     {"after", context.hub.newest()}};
}

std::optional<std::uint64_t> number_in(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

/// Last-Event-ID first: a browser that reconnects by itself repeats the old query. What is no number lies
/// "too far back".
std::optional<std::uint64_t> resume_point(const http::Request& request) {
    if (const auto last = request.headers.find("Last-Event-ID"); !last.empty())
        return number_in(last).value_or(0);
    if (const auto after = request.query_value("after")) return number_in(*after).value_or(0);
    return std::nullopt;
}

} // namespace

void add_system_calls(Context& context) {
    context.add("GET", "/v1/hello", [&context](const Ask&) { return http::json_response(hello(context)); });
    context.add("GET", "/v1/status", [&context](const Ask&) { return http::json_response(status(context)); });
    context.add("GET", "/v1/panel", [&context](const Ask&) { return http::json_response(panel(context)); });
    context.add("POST", "/v1/pair", [&context](const Ask& ask) { return pair(context, ask); });
    context.add("POST", "/v1/pairing-codes",
                [&context](const Ask& ask) { return pairing_code(context, ask); });
    context.router.add_deferred("GET", "/v1/events",
                                [&context](const http::Request& request, http::Responder responder) {
                                    auto stream = responder.open_stream();
                                    if (stream) context.hub.attach(*std::move(stream), resume_point(request));
                                });
}

} // namespace mudi::till
