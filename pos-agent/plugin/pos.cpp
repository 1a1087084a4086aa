#include <cstdlib>
#include <cstring>
#include <string>

#include <sys/un.h>

#include <mudi/http/json.hpp>

#include "border.hpp"
#include "documents.hpp"
#include "handles.hpp"
#include "structs.hpp"

/// The border, first part: the handle, the generic door, events.
namespace mudi::pos {
namespace {

constexpr const char* socket_default = "/var/lib/mudi-till/till.sock";
constexpr const char* spool_default = "/var/lib/mudi-till/spool";
constexpr std::size_t path_bytes_max = 1024;
constexpr std::size_t body_bytes_max = 1024 * 1024;

const char* given_or(const char* text, const char* otherwise) {
    return text == nullptr || *text == '\0' ? otherwise : text;
}

Outcome<mudi_rc> open(const mudi_config* given, mudi_pos** out) {
    if (out == nullptr) return null_argument("out");
    *out = nullptr;
    mudi_config config{};
    if (given != nullptr) {
        auto read = struct_in(given, "config");
        if (!read) return tl::make_unexpected(read.error());
        config = *read;
    }
    auto socket = text_in(given_or(config.socket_path, socket_default), sizeof(sockaddr_un::sun_path) - 1,
                          "socket_path");
    if (!socket) return tl::make_unexpected(socket.error());
    auto spool = text_in(given_or(config.spool_dir, spool_default), path_bytes_max, "spool_dir");
    if (!spool) return tl::make_unexpected(spool.error());
    auto host = text_in(config.host, 200, "host");
    if (!host) return tl::make_unexpected(host.error());
    auto language = text_in(config.language, 35, "language");
    if (!language) return tl::make_unexpected(language.error());
    const auto offset = utc_offset_in(config.utc_offset);
    if (!offset) return tl::make_unexpected(offset.error());

    auto pos = std::make_unique<mudi_pos>(*std::move(socket), *std::move(spool), *std::move(language));
    pos->host = *std::move(host);
    pos->utc_offset_minutes = *offset;
    pos->timeout_ms = config.timeout_ms;
    *out = pos.release();
    return MUDI_OK;
}

char* copy_for_host(const std::string& text) {
    auto* memory = static_cast<char*>(std::malloc(text.size() + 1));
    if (memory == nullptr) throw std::bad_alloc();
    std::memcpy(memory, text.c_str(), text.size() + 1);
    return memory;
}

Outcome<mudi_rc> call(mudi_pos* pos, const char* method, const char* json, char** out) {
    if (out != nullptr) *out = nullptr;
    if (pos == nullptr) return null_argument("pos");
    if (method == nullptr) return null_argument("method");
    if (out == nullptr) return null_argument("out");
    const std::string_view line(method, ::strnlen(method, path_bytes_max + 1));
    const auto blank = line.find(' ');
    if (blank == std::string_view::npos || line.size() > path_bytes_max) {
        return fault(MUDI_E_ARG, "arg.method", "method must be verb and path, such as GET /v1/status");
    }
    const std::string body(json == nullptr ? "" : json,
                           json == nullptr ? 0 : ::strnlen(json, body_bytes_max + 1));
    if (body.size() > body_bytes_max) return fault(MUDI_E_ARG, "arg.text", "json is too long");
    const AgentCall request{
        std::string(line.substr(0, blank)), std::string(line.substr(blank + 1)), nullptr, {}};
    const auto response = pos->link.send(request, body, Deadline(timeout_within_limits(0, pos->timeout_ms)));
    if (!response) return tl::make_unexpected(response.error());
    if (!response->body.empty()) *out = copy_for_host(response->body);
    if (response->status < 200 || response->status >= 300) return tl::make_unexpected(fault_of(*response));
    return MUDI_OK;
}

/// With events_mutex held.
Events* opened_events(mudi_pos& pos) {
    if (!pos.events) pos.events = Events::open(pos.socket_path);
    return pos.events.get();
}

void tell(mudi_event_fn fn, void* user, const Happening& happening) {
    mudi_event event{};
    event.size = sizeof event;
    event.type = happening.type;
    event.seq = happening.seq;
    event.name = happening.name.c_str();
    event.txn = happening.txn.c_str();
    event.json = happening.json.c_str();
    fn(&event, user);
}

bool& dispatching() {
    static thread_local bool inside = false;
    return inside;
}

Outcome<mudi_rc> dispatch(mudi_pos* pos) {
    if (pos == nullptr) return null_argument("pos");
    if (dispatching())
        return fault(MUDI_E_STATE, "events.nested", "mudi_dispatch was called from inside an event");
    std::vector<Happening> happenings;
    mudi_event_fn fn = nullptr;
    void* user = nullptr;
    {
        const std::lock_guard lock(pos->events_mutex);
        Events* events = opened_events(*pos);
        if (events == nullptr)
            return fault(MUDI_E_AGENT, "events.descriptors", "no descriptors left for the stream of events");
        happenings = events->take();
        fn = pos->event_fn;
        user = pos->event_user;
    }
    // Without the lock: the host may call anything from its callback.
    struct Inside {
        Inside() { dispatching() = true; }
        ~Inside() { dispatching() = false; }
    } const inside;
    for (const Happening& happening : happenings) {
        if (fn != nullptr) tell(fn, user, happening);
    }
    forget_last_error(); // whatever calls inside the callbacks left
    return MUDI_OK;
}

} // namespace
} // namespace mudi::pos

using namespace mudi::pos;

extern "C" {

int mudi_abi(void) { return MUDI_ABI; }

mudi_rc mudi_open(const mudi_config* config, mudi_pos** out) {
    return guarded([&] { return open(config, out); });
}

void mudi_close(mudi_pos* pos) {
    (void)guarded([&]() -> Outcome<mudi_rc> {
        delete pos;
        return MUDI_OK;
    });
}

mudi_rc mudi_call(mudi_pos* pos, const char* method, const char* json, char** out) {
    return guarded([&] { return call(pos, method, json, out); });
}

void mudi_free(void* memory) { std::free(memory); }

void mudi_on(mudi_pos* pos, mudi_event_fn fn, void* user) {
    (void)guarded([&]() -> Outcome<mudi_rc> {
        if (pos == nullptr) return null_argument("pos");
        const std::lock_guard lock(pos->events_mutex);
        pos->event_fn = fn;
        pos->event_user = user;
        opened_events(*pos);
        return MUDI_OK;
    });
}

int mudi_fd(mudi_pos* pos) {
    int descriptor = -1;
    (void)guarded([&]() -> Outcome<mudi_rc> {
        if (pos == nullptr) return null_argument("pos");
        const std::lock_guard lock(pos->events_mutex);
        const Events* events = opened_events(*pos);
        if (events == nullptr)
            return fault(MUDI_E_AGENT, "events.descriptors", "no descriptors left for the stream of events");
        descriptor = events->descriptor();
        return MUDI_OK;
    });
    return descriptor;
}

mudi_rc mudi_dispatch(mudi_pos* pos) {
    return guarded([&] { return dispatch(pos); });
}

const char* mudi_strerror(mudi_rc rc) {
    switch (static_cast<int>(rc)) {
    case MUDI_OK: return "ok";
    case MUDI_NOT_FOUND: return "nothing is known under this";
    case MUDI_PENDING: return "kept here until the agent can be reached";
    case MUDI_STALE: return "answered, but the till has not been level with the server lately";
    case MUDI_E_ARG: return "the input is wrong or was refused";
    case MUDI_E_STATE: return "not possible as things stand";
    case MUDI_E_TIMEOUT: return "the agent did not answer in time";
    case MUDI_E_AGENT: return "the agent cannot do it now";
    case MUDI_E_DENIED: return "not allowed";
    case MUDI_E_VERSION: return "the agent no longer speaks this version";
    case MUDI_E_NOMEM: return "out of memory";
    default: return "unknown return code";
    }
}

const char* mudi_last_error(const mudi_pos*) { return last_error().text; }

const char* mudi_last_error_code(const mudi_pos*) { return last_error().code; }

} // extern "C"
