#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include <mudi/http/json.hpp>
#include <mudi/http/problem.hpp>
#include <mudi/server/api.hpp>

/// What the routes share.
namespace mudi::server {

/// Counts wrong codes, so that nobody tries them out. Pure.
class EnrolGate {
public:
    /// How long nobody is listened to from now on; empty: come in.
    [[nodiscard]] std::optional<Duration> closed_for(MonoTime now);
    void wrong(MonoTime now);

private:
    void forget_old(MonoTime now);
    std::deque<MonoTime> wrong_; ///< at most wrong_codes_max
};

/// For as long as the router lives; loop thread only, except what jobs copy out of it.
struct Context {
    ApiOptions options;
    Workers& workers;
    std::size_t imports{};
    EnrolGate enrol_gate{};
};
using Shared = std::shared_ptr<Context>;

http::Response busy();
/// Empty on anything but a whole number >= 0.
std::optional<std::int64_t> whole_number(std::string_view text);
/// From a worker's thread. The responder is handed over, so that its last owner is the loop thread.
void reply(Context& context, http::Responder responder, http::Response response);

template <class T>
http::Response respond(const Result<T>& document, int status = 200) {
    return document ? http::json_response(*document, status) : http::problem(document.error());
}

/// `ask` makes the document on a reader's thread: `Result<json>(ReadSide&)`.
template <class Ask>
void read(const Shared& context, http::Responder responder, Ask ask) {
    const bool taken =
        context->workers.read([context, responder, ask = std::move(ask)](ReadSide& side) mutable {
            reply(*context, std::move(responder), respond(ask(side)));
        });
    if (!taken) responder.answer(busy());
}

/// The same on the writer's thread.
template <class Do>
void write(const Shared& context, http::Responder responder, Do act, int status = 200) {
    const bool taken =
        context->workers.write([context, responder, status, act = std::move(act)](WriteSide& side) mutable {
            reply(*context, std::move(responder), respond(act(side), status));
        });
    if (!taken) responder.answer(busy());
}

/// Tills: list, add, code, revoke; and POST /enrol.
void add_till_routes(http::Router& router, const Shared& context);
void add_backup_routes(http::Router& router, const Shared& context);

} // namespace mudi::server
