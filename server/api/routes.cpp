#include "routes.hpp"

#include <charconv>

#include <mudi/base/bytes.hpp>
#include <mudi/http/static_file.hpp>
#include <mudi/sync/event.hpp>

#include "import_file.hpp"
#include "json.hpp"

namespace mudi::server {

std::string_view console_file(std::string_view file_name);

http::Response busy() {
    return http::problem(Error{Code::busy, "server.busy", "too many requests wait already; try again soon"});
}

std::optional<std::int64_t> whole_number(std::string_view text) {
    std::int64_t number = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number < 0) return std::nullopt;
    return number;
}

void reply(Context& context, http::Responder responder, http::Response response) {
    context.workers.post([responder = std::move(responder), response = std::move(response)]() mutable {
        responder.answer(std::move(response));
    });
}

namespace {

using nlohmann::json;

constexpr std::size_t quarantine_list_max = 200;
constexpr std::size_t purchases_list_default = 1000;
constexpr int busy_retries_max = 20;

tl::unexpected<Error> bad_parameter(std::string_view name) {
    return fail(Code::invalid, "request.parameter", std::string(name) + " is not a whole number");
}

Result<std::int64_t> number_parameter(const http::Request& request, std::string_view name,
                                      std::int64_t otherwise) {
    const auto text = request.query_value(name);
    if (!text || text->empty()) return otherwise;
    const auto number = whole_number(*text);
    if (!number) return bad_parameter(name);
    return *number;
}

Result<json> points_exposure(ReadSide& side, const ApiOptions& options) {
    const MonoTime now = options.clock->mono();
    const Points limit = options.loyalty.redeem_offline_max;
    if (!side.exposure || now - side.exposure->read_at >= exposure_fresh ||
        side.exposure->floor_limit != limit) {
        const Time at = options.clock->wall();
        MUDI_TRY(const auto fresh, side.rights.exposure(limit));
        side.exposure = ReadSide::KnownExposure{fresh, limit, at, now};
    } else {
        MUDI_CHECK(side.rights.refresh(side.exposure->exposure));
    }
    return to_json(side.exposure->exposure, side.exposure->at, options);
}

void add_status_routes(http::Router& router, const Shared& context) {
    router.add("GET", "/healthz", [](const http::Request&) { return http::json_response({{"ok", true}}); });
    router.add_deferred("GET", "/api/v1/status", [context](const http::Request&, http::Responder responder) {
        read(context, std::move(responder),
             [context, live = context->workers.live()](ReadSide& side) -> Result<json> {
                 MUDI_TRY(const auto counts, side.status.counts(context->options.clock->wall()));
                 return to_json(counts, context->options, live);
             });
    });
    router.add_deferred("GET", "/api/v1/points", [context](const http::Request&, http::Responder responder) {
        read(context, std::move(responder),
             [context](ReadSide& side) { return points_exposure(side, context->options); });
    });
    router.add_deferred("POST", "/api/v1/points/confirm",
                        [context](const http::Request&, http::Responder responder) {
                            write(context, std::move(responder), [](WriteSide& side) -> Result<json> {
                                MUDI_TRY(const Points all, side.rights.confirm_breached());
                                return json{{"confirmed", all.value}};
                            });
                        });
    router.add_deferred("GET", "/metrics", [context](const http::Request&, http::Responder responder) {
        auto job = [context, responder, live = context->workers.live()](ReadSide& side) mutable {
            const Time now = context->options.clock->wall();
            const auto counts = side.status.counts(now);
            const auto points = counts ? side.rights.set_aside() : tl::make_unexpected(counts.error());
            const auto tills = points ? side.status.tills(now) : tl::make_unexpected(points.error());
            http::Response response;
            if (tills) {
                response.content_type = "text/plain; version=0.0.4; charset=utf-8";
                response.body = to_metrics(*counts, *points, *tills, live, now);
            } else {
                response = http::problem(tills.error());
            }
            reply(*context, std::move(responder), std::move(response));
        };
        if (!context->workers.read(std::move(job))) responder.answer(busy());
    });
}

Result<ProfileId> profile_id(const std::string& text) {
    const auto number = whole_number(text);
    if (!number) return fail(Code::not_found, "customer.unknown", "no customer has this id");
    return ProfileId{*number};
}

Result<json> find_customers(ReadSide& side, std::string_view query, std::string_view language) {
    MUDI_TRY(const auto ids, side.customers.find(query));
    json profiles = json::array();
    for (const auto id : ids) {
        MUDI_TRY(const auto profile, side.customers.profile(id));
        profiles.push_back(to_json(profile, language));
    }
    return json{{"profiles", std::move(profiles)}};
}

Result<json> member_code(ReadSide& side, const std::string& id_text, const std::string& secret) {
    MUDI_TRY(const auto id, profile_id(id_text));
    MUDI_TRY(const auto profile, side.customers.profile(id));
    if (profile.golden.cards.empty()) {
        return fail(Code::not_found, "customer.no_card", "this customer has no card");
    }
    const crm::Identifier card{crm::IdentifierKind::card, profile.golden.cards.front()};
    return json{{"code", crm::make_member_code(card, std::nullopt, secret)}};
}

void add_customer_routes(http::Router& router, const Shared& context) {
    const auto language_of = [](const http::Request& request) {
        return std::string(request.query_value("language").value_or(""));
    };
    router.add_deferred(
        "GET", "/api/v1/customers/find", [=](const http::Request& request, http::Responder responder) {
            const std::string query(request.query_value("q").value_or(""));
            if (query.empty()) {
                return responder.answer(
                    http::problem(Error{Code::invalid, "request.parameter", "q is missing"}));
            }
            read(context, std::move(responder), [query, language = language_of(request)](ReadSide& side) {
                return find_customers(side, query, language);
            });
        });
    router.add_deferred("GET", "/api/v1/customers/{id}",
                        [=](const http::Request& request, http::Responder responder) {
                            read(context, std::move(responder),
                                 [id = request.capture("id"),
                                  language = language_of(request)](ReadSide& side) -> Result<json> {
                                     MUDI_TRY(const auto number, profile_id(id));
                                     MUDI_TRY(const auto profile, side.customers.profile(number));
                                     return to_json(profile, language);
                                 });
                        });
    router.add_deferred("GET", "/api/v1/customers/{id}/member-code",
                        [=](const http::Request& request, http::Responder responder) {
                            read(context, std::move(responder),
                                 [id = request.capture("id"), context](ReadSide& side) {
                                     return member_code(side, id, context->options.member_code_secret);
                                 });
                        });
}

void add_purchase_routes(http::Router& router, const Shared& context) {
    router.add_deferred("GET", "/api/v1/purchases/summary",
                        [context](const http::Request&, http::Responder responder) {
                            read(context, std::move(responder), [](ReadSide& side) -> Result<json> {
                                MUDI_TRY(const auto summary, side.purchases.summary());
                                return to_json(summary);
                            });
                        });
    router.add_deferred(
        "GET", "/api/v1/purchases", [context](const http::Request& request, http::Responder responder) {
            const auto till = number_parameter(request, "till", -1);
            const auto after = number_parameter(request, "after", 0);
            const auto limit = number_parameter(request, "limit", purchases_list_default);
            for (const auto* parameter : {&till, &after, &limit}) {
                if (!*parameter) return responder.answer(http::problem(parameter->error()));
            }
            read(context, std::move(responder),
                 [till = *till, after = *after, limit = *limit](ReadSide& side) -> Result<json> {
                     const auto one = till < 0 ? std::nullopt : std::optional(TillId{till});
                     MUDI_TRY(const auto rows,
                              side.purchases.list(one, after, static_cast<std::size_t>(limit)));
                     json purchases = json::array();
                     for (const auto& row : rows) purchases.push_back(to_json(row));
                     return json{{"purchases", std::move(purchases)},
                                 {"next", rows.empty() ? after : rows.back().arrival}};
                 });
        });
}

Result<json> show_quarantined(ReadSide& side, std::int64_t id) {
    MUDI_TRY(const auto event, side.quarantine.show(id));
    json out = to_json(event);
    out["body"] = to_hex(event.event.body);
    if (const auto body = sync::decode(event.event)) out["document"] = to_json(*body);
    return out;
}

void add_quarantine_routes(http::Router& router, const Shared& context) {
    const auto unknown = [] {
        return http::problem(Error{Code::not_found, "quarantine.unknown", "no such event is in quarantine"});
    };
    router.add_deferred("GET", "/api/v1/quarantine",
                        [context](const http::Request&, http::Responder responder) {
                            read(context, std::move(responder), [](ReadSide& side) -> Result<json> {
                                MUDI_TRY(const auto list, side.quarantine.list(quarantine_list_max));
                                json events = json::array();
                                for (const auto& event : list) events.push_back(to_json(event));
                                return json{{"events", std::move(events)}};
                            });
                        });
    router.add_deferred("GET", "/api/v1/quarantine/{id}",
                        [=](const http::Request& request, http::Responder responder) {
                            const auto id = whole_number(request.capture("id"));
                            if (!id) return responder.answer(unknown());
                            read(context, std::move(responder),
                                 [id = *id](ReadSide& side) { return show_quarantined(side, id); });
                        });
    router.add_deferred(
        "POST", "/api/v1/quarantine/{id}/retry",
        [=](const http::Request& request, http::Responder responder) {
            const auto id = whole_number(request.capture("id"));
            if (!id) return responder.answer(unknown());
            write(context, std::move(responder), [context, id = *id](WriteSide& side) -> Result<json> {
                MUDI_TRY(const bool applied, side.apply.retry(id, context->options.clock->wall()));
                return json{{"retried", 1}, {"applied", applied ? 1 : 0}, {"left", applied ? 0 : 1}};
            });
        });
    router.add_deferred(
        "POST", "/api/v1/quarantine/retry", [context](const http::Request&, http::Responder responder) {
            write(context, std::move(responder), [context](WriteSide& side) -> Result<json> {
                MUDI_TRY(const auto done, side.apply.retry_all(context->options.clock->wall()));
                return json{{"retried", done.retried}, {"applied", done.applied}, {"left", done.left}};
            });
        });
}

/// One import: steps on the writer's thread, each a job of its own, asked for from the loop.
struct ImportRun : std::enable_shared_from_this<ImportRun> {
    ImportRun(Shared c, http::Responder r, ImportKind k, std::string b)
        : context(std::move(c)), responder(std::move(r)), kind(k), body(std::move(b)) {
        ++context->imports;
    }
    ~ImportRun() { --context->imports; }

    /// On the loop thread, like the end of a run.
    void go_on() {
        const bool taken = context->workers.write([self = shared_from_this()](WriteSide& side) mutable {
            auto& run = *self;
            auto more = run.step(side);
            // The last owner must be the loop: the responder and the count of imports are its.
            run.context->workers.post(
                [self = std::move(self), more = std::move(more)] { self->stepped(more); });
        });
        if (!taken) end(busy());
    }

    Result<bool> step(WriteSide& side) {
        const auto& options = context->options;
        if (!file) {
            MUDI_TRY(file, ImportFile::open(kind, std::exchange(body, {}), options.currency));
        }
        return file->step(side, options.clock->wall());
    }

    void stepped(const Result<bool>& more) {
        const bool again = more ? *more : more.error().code == Code::busy && ++busy_count <= busy_retries_max;
        if (again) return go_on();
        end(more ? http::json_response(file->report()) : http::problem(more.error()));
    }

    void end(http::Response response) { responder.answer(std::move(response)); }

    Shared context;
    http::Responder responder;
    ImportKind kind;
    std::string body;
    std::optional<ImportFile> file;
    int busy_count{};
};

void add_import_route(http::Router& router, const Shared& context) {
    router.add_deferred(
        "POST", "/api/v1/import/{what}", [context](http::Request request, http::Responder responder) {
            const auto kind = import_kind_from(request.capture("what"));
            if (!kind) {
                return responder.answer(http::problem(
                    Error{Code::not_found, "import.kind", "imported are customers, products and purchases"}));
            }
            if (context->imports >= imports_max) return responder.answer(busy());
            std::make_shared<ImportRun>(context, std::move(responder), *kind, std::move(request.body))
                ->go_on();
        });
}

void add_console_routes(http::Router& router) {
    const auto serve = [](const http::Request& request, std::string_view name) {
        auto response = http::serve_file(request, name, console_file(name));
        response.headers.set(
            "Content-Security-Policy",
            "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'");
        response.headers.set("Referrer-Policy", "no-referrer");
        response.headers.set("X-Content-Type-Options", "nosniff");
        return response;
    };
    router.add("GET", "/", [serve](const http::Request& request) { return serve(request, "index.html"); });
    router.add("GET", "/console/{file}",
               [serve](const http::Request& request) { return serve(request, request.capture("file")); });
}

} // namespace

void add_routes(http::Router& router, const ApiOptions& options, Workers& workers) {
    const auto context = std::make_shared<Context>(Context{options, workers});
    add_status_routes(router, context);
    add_till_routes(router, context);
    add_backup_routes(router, context);
    add_customer_routes(router, context);
    add_purchase_routes(router, context);
    add_quarantine_routes(router, context);
    add_import_route(router, context);
    add_console_routes(router);
}

std::vector<std::string> open_paths() { return {"/", "/console/*", "/healthz", "/metrics", "/enrol"}; }

} // namespace mudi::server
