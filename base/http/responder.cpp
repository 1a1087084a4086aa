#include <mudi/http/responder.hpp>

#include <mudi/base/assert.hpp>
#include <mudi/http/problem.hpp>

#include "event_connection.hpp"
#include "exchange.hpp"

namespace mudi::http {

namespace {

class Sink final : public Exchange {
public:
    explicit Sink(std::function<void(Response)> function) : function_(std::move(function)) {}

    void answer(Response response) override { function_(std::move(response)); }
    Result<EventStream> open_stream() override {
        const Error error{Code::unavailable, "http.no_stream", "there is no connection to stream on"};
        answer(problem(error));
        return tl::make_unexpected(error);
    }

private:
    std::function<void(Response)> function_;
};

/// One frame as the standard's grammar wants it; a line end inside a field would start another field.
void add_field(std::string& frame, std::string_view name, std::string_view value) {
    if (value.empty()) return;
    frame.append(name).append(": ");
    for (const char c : value) frame += c == '\n' || c == '\r' || c == '\0' ? ' ' : c;
    frame += '\n';
}

void add_data(std::string& frame, std::string_view data) {
    for (std::size_t begin = 0; begin <= data.size();) {
        const auto end = std::min(data.find_first_of("\r\n", begin), data.size());
        frame.append("data: ").append(data.substr(begin, end - begin)).append("\n");
        begin = end + (data.substr(end, 2) == "\r\n" ? 2 : 1);
    }
}

} // namespace

struct EventStream::State {
    explicit State(std::weak_ptr<EventConnection> to) : connection(std::move(to)) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        if (const auto alive = connection.lock()) alive->finish();
    }

    std::weak_ptr<EventConnection> connection;
};

EventStream::EventStream(std::weak_ptr<EventConnection> connection)
    : state_(std::make_shared<State>(std::move(connection))) {}

bool EventStream::send(std::string_view id, std::string_view event, std::string_view data) {
    const auto connection = state_->connection.lock();
    if (!connection) return false;
    std::string frame;
    frame.reserve(id.size() + event.size() + data.size() + 32);
    add_field(frame, "id", id);
    add_field(frame, "event", event);
    add_data(frame, data);
    frame += '\n';
    return connection->send(frame);
}

bool EventStream::closed() const {
    const auto connection = state_->connection.lock();
    return !connection || connection->closed();
}

void EventStream::close() {
    if (const auto connection = state_->connection.lock()) connection->finish();
}

struct Responder::State {
    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        if (answered) return;
        if (const auto waiting = exchange.lock()) {
            waiting->answer(
                problem(500, {Code::io, "http.unanswered", "the request was dropped without an answer"}));
        }
    }

    std::weak_ptr<Exchange> exchange;
    std::shared_ptr<Exchange> sink; // keeps a sink alive, which nobody else owns
    bool answered{false};
};

Responder::Responder(std::weak_ptr<Exchange> exchange) : state_(std::make_shared<State>()) {
    state_->exchange = std::move(exchange);
}

Responder Responder::to(std::function<void(Response)> sink) {
    auto state = std::make_shared<State>();
    state->sink = std::make_shared<Sink>(std::move(sink));
    state->exchange = state->sink;
    return Responder(std::move(state));
}

void Responder::answer(Response response) {
    MUDI_ASSERT(!state_->answered);
    state_->answered = true;
    if (const auto waiting = state_->exchange.lock()) waiting->answer(std::move(response));
}

Result<EventStream> Responder::open_stream() {
    MUDI_ASSERT(!state_->answered);
    state_->answered = true;
    if (const auto waiting = state_->exchange.lock()) return waiting->open_stream();
    return fail(Code::unavailable, "http.no_stream", "the client has gone");
}

bool Responder::answered() const { return state_->answered; }

bool Responder::gone() const {
    const auto waiting = state_->exchange.lock();
    return !waiting || waiting->gone();
}

} // namespace mudi::http
