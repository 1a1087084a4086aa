#include <string>
#include <utility>

#include "json.hpp"
#include "routes.hpp"

namespace mudi::server {
namespace {

using nlohmann::json;

constexpr std::size_t backups_listed_max = 100;

struct Wish {
    BackupWish backup;
    bool external{};
};

Result<Wish> wish_in(const http::Request& request) {
    Wish wish;
    if (request.body.empty()) return wish;
    MUDI_TRY(const auto document, http::parse_json(request.body));
    if (!document.is_object()) return fail(Code::invalid, "request.body", "the body must be a JSON object");
    if (const auto to = document.find("to"); to != document.end() && !to->is_null()) {
        if (!to->is_string()) return fail(Code::invalid, "request.body", "to must be a path");
        wish.backup.to = to->get<std::string>();
    }
    if (const auto external = document.find("external"); external != document.end()) {
        if (!external->is_boolean()) {
            return fail(Code::invalid, "request.body", "external must be true or false");
        }
        wish.external = external->get<bool>();
    }
    return wish;
}

void confirm(const Shared& context, http::Responder responder) {
    // Asked for now, so what comes in while this waits for the writer is not in it.
    const Time made = context->options.clock->wall();
    write(
        context, std::move(responder),
        [context, made](WriteSide& side) -> Result<json> {
            const Time now = context->options.clock->wall();
            MUDI_TRY(const auto id, side.backups.confirm_external(made, now));
            return to_json(BackupRow{.id = id, .made = made, .path = {}, .verified = now});
        },
        201);
}

} // namespace

void add_backup_routes(http::Router& router, const Shared& context) {
    router.add_deferred("GET", "/api/v1/backups", [context](const http::Request&, http::Responder responder) {
        write(context, std::move(responder), [](WriteSide& side) -> Result<json> {
            MUDI_TRY(const auto rows, side.backups.list(backups_listed_max));
            json backups = json::array();
            for (const auto& row : rows) backups.push_back(to_json(row));
            return json{{"backups", std::move(backups)}};
        });
    });
    router.add_deferred(
        "POST", "/api/v1/backups", [context](const http::Request& request, http::Responder responder) {
            const auto wish = wish_in(request);
            if (!wish) return responder.answer(http::problem(wish.error()));
            if (wish->external) return confirm(context, std::move(responder));
            context->workers.backup(wish->backup, [responder](Result<BackupRow> row) mutable {
                responder.answer(row ? http::json_response(to_json(*row), 201) : http::problem(row.error()));
            });
        });
}

} // namespace mudi::server
