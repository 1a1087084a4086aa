#include <algorithm>
#include <map>

#include <mudi/sync/enrolment.hpp>
#include <mudi/sync/identity.hpp>

#include "json.hpp"
#include "routes.hpp"

namespace mudi::server {
namespace {

using nlohmann::json;

constexpr Duration wrong_codes_within{std::chrono::minutes{1}};
constexpr std::size_t enrol_body_bytes_max = std::size_t{32} * 1024;

tl::unexpected<Error> bad_body(std::string_view what) {
    return fail(Code::invalid, "request.body", std::string(what));
}

Result<json> object_of(const http::Request& request) {
    if (request.body.empty()) return json::object();
    MUDI_TRY(auto document, http::parse_json(request.body));
    if (!document.is_object()) return bad_body("the body must be a JSON object");
    return document;
}

Result<std::string> text_in(const json& document, const char* key) {
    const auto found = document.find(key);
    if (found == document.end() || !found->is_string()) {
        return bad_body(std::string(key) + " must be given as text");
    }
    return found->get<std::string>();
}

Result<NewTill> new_till(const http::Request& request) {
    MUDI_TRY(const auto document, object_of(request));
    NewTill till;
    MUDI_TRY(till.store.value, text_in(document, "store"));
    MUDI_TRY(till.workstation.value, text_in(document, "workstation"));
    if (const auto number = document.find("till"); number != document.end() && !number->is_null()) {
        if (!number->is_number_integer()) return bad_body("till must be a whole number");
        till.till = TillId{number->get<std::int64_t>()};
    }
    if (const auto lead = document.find("lead"); lead != document.end()) {
        if (!lead->is_boolean()) return bad_body("lead must be true or false");
        till.lead = lead->get<bool>();
    }
    return till;
}

Result<TillId> till_in(const http::Request& request) {
    const auto number = whole_number(request.capture("till"));
    if (!number || *number == 0) return fail(Code::not_found, "till.unknown", "no till has this number");
    return TillId{*number};
}

/// A code for the till, stored; the code itself goes out once, here.
Result<json> with_code(WriteSide& side, const EnrolledTill& till, const std::string& code, Time now) {
    MUDI_TRY(const auto until,
             side.enrolment.make_code(till.till, {sync::code_id(code), sync::code_key(code)}, now));
    return json{{"till", till.till.value},
                {"store", till.store.value},
                {"workstation", till.workstation.value},
                {"lead", till.lead},
                {"code", code},
                {"code_expires_us", to_ms(until) * 1000}};
}

/// A till that was added and never came: everything else about it is nothing yet.
TillRow not_here_yet(const EnrolledTill& added) {
    TillRow row;
    row.till = added.till;
    row.store = added.store;
    row.workstation = added.workstation;
    row.enrolled = added.enrolled.has_value();
    row.revoked = added.revoked.has_value();
    row.certificate_until = added.certificate_until;
    return row;
}

Result<json> list_tills(ReadSide& side, const Live& live, Time now) {
    MUDI_TRY(const auto added, side.enrolment.tills());
    MUDI_TRY(const auto rows, side.status.tills(now));
    std::map<TillId, json> tills;
    for (const auto& till : added) tills.emplace(till.till, to_json(not_here_yet(till), live, now));
    for (const auto& row : rows) tills.insert_or_assign(row.till, to_json(row, live, now));
    for (const auto& till : added) add_enrolment(tills.at(till.till), till);
    json list = json::array();
    for (auto& [number, till] : tills) list.push_back(std::move(till));
    return json{{"tills", std::move(list)}};
}

void add_managing_routes(http::Router& router, const Shared& context) {
    router.add_deferred("GET", "/api/v1/tills", [context](const http::Request&, http::Responder responder) {
        read(context, std::move(responder), [context, live = context->workers.live()](ReadSide& side) {
            return list_tills(side, live, context->options.clock->wall());
        });
    });
    router.add_deferred(
        "POST", "/api/v1/tills", [context](const http::Request& request, http::Responder responder) {
            auto till = new_till(request);
            if (!till) return responder.answer(http::problem(till.error()));
            auto code = sync::make_enrolment_code(*context->options.random);
            write(
                context, std::move(responder),
                [context, till = *std::move(till), code = std::move(code)](WriteSide& side) -> Result<json> {
                    const Time now = context->options.clock->wall();
                    MUDI_TRY(const auto added, side.enrolment.add_till(till, now));
                    side.leads_changed = true;
                    return with_code(side, added, code, now);
                },
                201);
        });
    router.add_deferred(
        "POST", "/api/v1/tills/{till}/code",
        [context](const http::Request& request, http::Responder responder) {
            const auto till = till_in(request);
            if (!till) return responder.answer(http::problem(till.error()));
            auto code = sync::make_enrolment_code(*context->options.random);
            write(context, std::move(responder),
                  [context, till = *till, code = std::move(code)](WriteSide& side) -> Result<json> {
                      MUDI_TRY(const auto known, side.enrolment.till(till));
                      return with_code(side, known, code, context->options.clock->wall());
                  });
        });
    router.add_deferred(
        "POST", "/api/v1/tills/{till}/revoke",
        [context](const http::Request& request, http::Responder responder) {
            const auto till = till_in(request);
            if (!till) return responder.answer(http::problem(till.error()));
            write(context, std::move(responder), [context, till = *till](WriteSide& side) -> Result<json> {
                MUDI_CHECK(side.enrolment.revoke(till, context->options.clock->wall()));
                side.leads_changed = true;
                MUDI_TRY(const auto known, side.enrolment.till(till));
                // Posted before the answer: whoever reads "revoked" finds the connections cut.
                context->workers.post([context, till] { context->workers.cut_off(till); });
                return json{{"till", till.value},
                            {"revoked_us", known.revoked ? to_ms(*known.revoked) * 1000 : 0}};
            });
        });
}

Result<sync::EnrolRequest> enrol_request(const http::Request& request) {
    if (request.body.size() > enrol_body_bytes_max) return bad_body("the request is too long");
    MUDI_TRY(const auto document, object_of(request));
    sync::EnrolRequest asked;
    MUDI_TRY(const auto id, text_in(document, "code_id"));
    MUDI_TRY(asked.csr_pem, text_in(document, "csr"));
    MUDI_TRY(const auto mac, text_in(document, "mac"));
    const auto id_bits = bits128_from_hex(id);
    const auto mac_bits = bits128_from_hex(mac);
    if (!id_bits || !mac_bits) return bad_body("code_id and mac must be 32 hex digits");
    asked.code_id = *id_bits;
    asked.mac = *mac_bits;
    return asked;
}

/// On the writer's thread: proof of the code, certificate, and the code is used up.
Result<sync::EnrolAnswer> enrol(WriteSide& side, const EnrolFacts& facts, const sync::EnrolRequest& asked,
                                Time now) {
    MUDI_TRY(const auto open, side.enrolment.code(asked.code_id, now));
    if (!sync::is_genuine(open.key, asked)) {
        return fail(Code::denied, "code.wrong", "the request was not made with the code");
    }
    MUDI_TRY(const auto pem, facts.sign(asked.csr_pem, open.till, now));
    MUDI_TRY(const auto made, sync::read_certificate(pem));
    MUDI_TRY(const auto till,
             side.enrolment.enrol(asked.code_id, {made.public_key, made.serial, made.not_after}, now));
    side.leads_changed = true; // a lead that was revoked is back
    sync::EnrolAnswer answer;
    answer.till = till.till;
    answer.store = till.store;
    answer.workstation = till.workstation;
    answer.certificate_pem = pem;
    answer.ca_pem = facts.ca_pem;
    answer.sync_url = facts.sync_url;
    answer.server_name = facts.server_name;
    return sync::authenticated(open.key, asked, std::move(answer));
}

json to_json(const sync::EnrolAnswer& answer, Time now) {
    return {{"till", answer.till.value},
            {"store", answer.store.value},
            {"workstation", answer.workstation.value},
            {"certificate", answer.certificate_pem},
            {"ca", answer.ca_pem},
            {"sync_url", answer.sync_url},
            {"server_name", answer.server_name},
            {"mac", to_hex(answer.mac)},
            {"now_us", to_ms(now) * 1000}};
}

http::Response closed_gate(Duration left) {
    auto response = http::problem(
        429, Error{Code::busy, "enrol.too_many", "too many wrong codes were tried; wait a minute"});
    response.headers.set("Retry-After", std::to_string(left.count() / 1000 + 1));
    return response;
}

void enrolled(const Shared& context, http::Responder responder, const Result<sync::EnrolAnswer>& answer) {
    if (answer) {
        // The machine that was this till until now, if it still talks, is nobody any more.
        context->workers.cut_off(answer->till);
        return responder.answer(http::json_response(to_json(*answer, context->options.clock->wall())));
    }
    const auto& name = answer.error().name;
    if (name.starts_with("code.")) context->enrol_gate.wrong(context->options.clock->mono());
    responder.answer(http::problem(answer.error()));
}

void add_enrol_route(http::Router& router, const Shared& context) {
    router.add_deferred("POST", "/enrol", [context](const http::Request& request, http::Responder responder) {
        if (const auto left = context->enrol_gate.closed_for(context->options.clock->mono())) {
            return responder.answer(closed_gate(*left));
        }
        if (!context->options.enrol.sign) {
            return responder.answer(http::problem(
                Error{Code::denied, "enrol.closed", "this server takes any till and enrols none"}));
        }
        auto asked = enrol_request(request);
        if (!asked) return responder.answer(http::problem(asked.error()));
        auto job = [context, responder, asked = *std::move(asked)](WriteSide& side) mutable {
            auto answer = enrol(side, context->options.enrol, asked, context->options.clock->wall());
            auto& workers = context->workers;
            workers.post(
                [context = std::move(context), responder = std::move(responder),
                 answer = std::move(answer)]() mutable { enrolled(context, std::move(responder), answer); });
        };
        if (!context->workers.write(std::move(job))) responder.answer(busy());
    });
}

} // namespace

void EnrolGate::forget_old(MonoTime now) {
    while (!wrong_.empty() && now - wrong_.front() >= wrong_codes_within) wrong_.pop_front();
}

std::optional<Duration> EnrolGate::closed_for(MonoTime now) {
    forget_old(now);
    if (wrong_.size() < wrong_codes_max) return std::nullopt;
    return wrong_.front() + wrong_codes_within - now;
}

void EnrolGate::wrong(MonoTime now) {
    if (wrong_.size() == wrong_codes_max) wrong_.pop_front();
    wrong_.push_back(now);
}

void add_till_routes(http::Router& router, const Shared& context) {
    add_managing_routes(router, context);
    add_enrol_route(router, context);
}

} // namespace mudi::server
