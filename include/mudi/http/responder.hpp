#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include <mudi/base/result.hpp>
#include <mudi/http/message.hpp>

namespace mudi::http {

class Exchange;
class EventConnection;

/// One client's open stream of server-sent events. Copies share the stream; when the last is gone, what is
/// queued is still sent and the stream ends. Loop thread only. The server adds a comment line as heartbeat,
/// and drops a client whose unsent queue grows beyond ServerOptions::stream_queue_bytes_max.
class EventStream {
public:
    explicit EventStream(std::weak_ptr<EventConnection> connection);

    /// False when the stream is closed (or is dropped by this very call). Line ends in `data` are kept, in
    /// `id` and `event` they become blanks. An empty `id` or `event` is left out.
    bool send(std::string_view id, std::string_view event, std::string_view data);
    [[nodiscard]] bool closed() const;
    /// Sends what is queued, then ends the stream.
    void close();

private:
    struct State;
    std::shared_ptr<State> state_;
};

/// The duty to answer one request. Copies share the duty; it is answered exactly once, at once or later, on
/// the loop thread. When the last copy goes unanswered the client gets 500 http.unanswered. A client that has
/// gone meanwhile is no error. Whoever keeps a Responder must let go of it in bounded time: it holds one
/// connection.
class Responder {
public:
    /// For the server.
    explicit Responder(std::weak_ptr<Exchange> exchange);
    /// A responder without a connection: the answer goes to `sink`. It cannot open a stream.
    static Responder to(std::function<void(Response)> sink);

    /// Answering twice is a bug.
    void answer(Response response);
    /// Answers 200 text/event-stream and keeps the connection open for events. At the limit of streams the
    /// client gets 503 http.too_many_streams, which is also the error returned (busy).
    Result<EventStream> open_stream();
    [[nodiscard]] bool answered() const;
    /// The client has hung up: nobody is going to read the answer.
    [[nodiscard]] bool gone() const;

private:
    struct State;
    explicit Responder(std::shared_ptr<State> state) : state_(std::move(state)) {}
    std::shared_ptr<State> state_;
};

/// Takes a request and the duty to answer it. What it throws becomes 500 http.unanswered.
using Handler = std::function<void(Request, Responder)>;

} // namespace mudi::http
