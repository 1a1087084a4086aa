#pragma once

#include <memory>
#include <optional>
#include <string>

#include <boost/beast/core/flat_buffer.hpp>

#include "core.hpp"
#include "exchange.hpp"
#include "parser.hpp"

namespace mudi::http {

/// One client's connection: reads a request, has it handled, writes the answer, then reads the next. What a
/// client sends ahead waits in the buffer or the kernel, so pipelined requests are answered in order and the
/// client feels the pace.
class Session final : public Exchange, public std::enable_shared_from_this<Session> {
public:
    Session(std::shared_ptr<Server::Core> core, Socket socket, bool over_unix_socket);

    void start();
    /// The server is full: says so and closes.
    void turn_away();
    void close();
    void tick(SteadyTime now);

    void answer(Response response) override;
    [[nodiscard]] bool gone() override;
    Result<EventStream> open_stream() override;

private:
    enum class Phase { waiting, receiving, handling, writing, lingering, closed };

    void expect_request();
    void read();
    void on_read(ErrorCode error, std::size_t bytes);
    void consume();
    void send_continue();
    void dispatch();
    /// Answers a request that could not be read to its end; the connection ends with it.
    void refuse(int status, const Error& error);
    void refuse(ErrorCode error);
    void write(Response response);
    void on_written(ErrorCode error);
    void linger();
    void discard();

    std::shared_ptr<Server::Core> core_;
    Socket socket_;
    bool over_unix_socket_;
    Phase phase_{Phase::waiting};
    SteadyTime deadline_{SteadyTime::max()};
    beast::flat_buffer buffer_;
    std::optional<RequestParser> parser_;
    bool continue_sent_{false};
    bool timed_out_{false};
    bool keep_alive_{true};
    bool head_only_{false};
    std::size_t discarded_bytes_{0};
    Headers extra_headers_;
    std::string head_;
    std::string body_;
};

} // namespace mudi::http
