#pragma once

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <mudi/http/client.hpp>
#include <mudi/http/router.hpp>
#include <mudi/http/server.hpp>

namespace mudi::http::test {

/// A folder of its own, removed at the end.
class TempFolder {
public:
    TempFolder();
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;
    ~TempFolder();
    [[nodiscard]] std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }

private:
    std::string path_;
};

/// A real server with its loop in a thread. Port free, no guard, unless the options say otherwise.
class RunningServer {
public:
    explicit RunningServer(Handler handler, ServerOptions options = {});
    RunningServer(const RunningServer&) = delete;
    RunningServer& operator=(const RunningServer&) = delete;
    ~RunningServer();

    [[nodiscard]] std::uint16_t port() const { return server_->port(); }
    [[nodiscard]] Target target() const { return Target::tcp("127.0.0.1", port()); }
    [[nodiscard]] Client client() const { return Client(target()); }
    /// Runs on the loop thread; returns when it is done.
    template <class Function>
    auto on_loop(Function function) {
        std::packaged_task<decltype(function())()> task(std::move(function));
        auto result = task.get_future();
        boost::asio::post(io_, [&task] { task(); });
        return result.get();
    }
    ServerStats stats() {
        return on_loop([this] { return server_->stats(); });
    }
    Server& server() { return *server_; }
    boost::asio::io_context& io() { return io_; }

private:
    boost::asio::io_context io_;
    std::unique_ptr<Server> server_;
    std::thread loop_;
};

/// A socket without any help, to say what no honest client says. Reads give up after 10 s.
class RawConnection {
public:
    explicit RawConnection(std::uint16_t port);
    explicit RawConnection(int descriptor);
    RawConnection(const RawConnection&) = delete;
    RawConnection& operator=(const RawConnection&) = delete;
    ~RawConnection();

    bool send(std::string_view bytes);
    /// Everything up to and including `mark`, or up to the end of the connection.
    std::string read_until(std::string_view mark);
    /// Everything until the other side closes; `reset()` then tells whether it closed rudely.
    std::string read_all();
    [[nodiscard]] bool reset() const { return reset_; }
    void close();

private:
    bool receive();

    int descriptor_;
    std::string pending_;
    bool reset_{false};
};

/// A server that follows a script, connection by connection, in a thread of its own.
class ScriptedServer {
public:
    using Script = std::function<void(std::function<std::unique_ptr<RawConnection>()> accept)>;
    explicit ScriptedServer(Script script);
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;
    ~ScriptedServer();
    [[nodiscard]] Target target() const { return Target::tcp("127.0.0.1", port_); }

private:
    int listener_;
    std::uint16_t port_{0};
    std::thread thread_;
};

Response text(std::string body, int status = 200);
Call get(std::string target);
Call post(std::string target, std::string body);
/// The "code" member of a problem document.
std::string problem_code(const Response& response);

} // namespace mudi::http::test
