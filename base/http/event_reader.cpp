#include <mudi/http/event_reader.hpp>

#include <utility>

#include <mudi/http/problem.hpp>

#include "connection.hpp"
#include "event_parser.hpp"

namespace mudi::http {

namespace {

constexpr std::size_t stream_header_bytes_max = 64 * 1024;

} // namespace

struct EventReader::Impl {
    Impl(ClientConnection to, std::string request_head, std::string request_body)
        : connection(std::move(to)), head(std::move(request_head)), body(std::move(request_body)),
          parser(stream_header_bytes_max, std::nullopt) {
        connection.begin(head, body);
    }

    [[nodiscard]] bool answered() const { return parser.is_header_done() && parser.message.status == 200; }

    /// With whatever of its body has come.
    tl::unexpected<Error> refusal() const {
        auto error = error_from(parser.message);
        if (error) return tl::make_unexpected(std::move(*error));
        return fail(Code::corrupt, "http.bad_answer", "the server does not answer with a stream");
    }

    Result<std::optional<Event>> next(const Deadline& deadline) {
        for (;;) {
            if (parser.is_header_done() && !answered()) return refusal();
            events.feed(std::exchange(parser.message.body, {}));
            MUDI_TRY(auto event, events.next());
            if (event) return event;
            if (parser.is_done())
                return fail(Code::unavailable, "http.stream_ended", "the server ended the stream");
            if (deadline.left_ms() == 0 && waited) return std::optional<Event>{};
            waited = true;
            MUDI_TRY(const bool in_time, connection.read_some(parser, deadline));
            if (!in_time) return std::optional<Event>{};
        }
    }

    ClientConnection connection;
    std::string head; // the connection sends from these
    std::string body;
    ResponseParser parser;
    EventParser events;
    bool waited{false};
};

EventReader::EventReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EventReader::EventReader(EventReader&&) noexcept = default;
EventReader& EventReader::operator=(EventReader&&) noexcept = default;
EventReader::~EventReader() = default;

Result<EventReader> EventReader::begin(const Target& target, const Call& call) {
    MUDI_TRY(std::string head, request_head(target, call));
    MUDI_TRY(auto connection, ClientConnection::open(target, Deadline(call.timeout)));
    return EventReader(std::make_unique<Impl>(std::move(connection), std::move(head), call.body));
}

Result<EventReader> EventReader::open(const Target& target, const Call& call) {
    const Deadline deadline(call.timeout);
    MUDI_TRY(auto reader, begin(target, call));
    Impl& impl = *reader.impl_;
    MUDI_CHECK(impl.connection.read(impl.parser, deadline, true));
    if (!impl.answered()) {
        MUDI_CHECK(impl.connection.read(impl.parser, deadline, false));
        return impl.refusal();
    }
    return reader;
}

Result<std::optional<Event>> EventReader::next(Duration timeout) {
    impl_->waited = false;
    return impl_->next(Deadline(timeout));
}

bool EventReader::answered() const { return impl_->answered(); }

int EventReader::descriptor() const { return impl_->connection.descriptor(); }

std::uint64_t EventReader::comments() const { return impl_->events.comments(); }

} // namespace mudi::http
