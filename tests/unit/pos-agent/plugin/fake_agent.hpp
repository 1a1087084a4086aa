#pragma once

#include <atomic>
#include <cstring>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace mudi::test {

/// Somebody on the agent's socket who says what the test wants: one request a connection, the raw answer from
/// a function; an empty answer keeps the caller waiting.
class FakeAgent {
public:
    using Answer = std::function<std::string(const std::string& request)>;

    FakeAgent(const std::string& path, Answer answer) : answer_(std::move(answer)) {
        listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        stop_ = ::eventfd(0, EFD_CLOEXEC);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
            ::listen(listener_, 64) != 0) {
            throw std::runtime_error("cannot listen on " + path);
        }
        thread_ = std::thread([this] { serve(); });
    }
    FakeAgent(const FakeAgent&) = delete;
    FakeAgent& operator=(const FakeAgent&) = delete;
    ~FakeAgent() {
        const std::uint64_t one = 1;
        static_cast<void>(!::write(stop_, &one, sizeof one));
        thread_.join();
        for (const int held : held_) ::close(held);
        ::close(stop_);
        ::close(listener_);
    }

    std::vector<std::string> requests() {
        const std::lock_guard lock(mutex_);
        return requests_;
    }

private:
    bool wait(int descriptor) {
        pollfd entries[2] = {{descriptor, POLLIN, 0}, {stop_, POLLIN, 0}};
        while (::poll(entries, 2, -1) < 0) {
        }
        return entries[1].revents == 0;
    }

    /// Head and body of one request; empty when the caller went or the test ends.
    std::string read(int connection) {
        std::string text;
        for (;;) {
            const auto end = text.find("\r\n\r\n");
            if (end != std::string::npos) {
                const auto length = text.find("Content-Length: ");
                const auto body = length < end ? std::stoul(text.substr(length + 16)) : 0;
                if (text.size() >= end + 4 + body) return text;
            }
            char bytes[4096];
            if (!wait(connection)) return {};
            const auto count = ::read(connection, bytes, sizeof bytes);
            if (count <= 0) return {};
            text.append(bytes, static_cast<std::size_t>(count));
        }
    }

    void serve() {
        while (wait(listener_)) {
            const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            const std::string request = read(connection);
            if (!request.empty()) {
                const std::lock_guard lock(mutex_);
                requests_.push_back(request);
            }
            const std::string answer = request.empty() ? std::string("-") : answer_(request);
            if (answer.empty()) {
                held_.push_back(connection);
                continue;
            }
            static_cast<void>(::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL));
            ::close(connection);
        }
    }

    Answer answer_;
    int listener_{-1};
    int stop_{-1};
    std::vector<int> held_;
    std::mutex mutex_;
    std::vector<std::string> requests_;
    std::thread thread_;
};

inline std::string http_answer(int status, const std::string& body,
                               const std::string& type = "application/json") {
    return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Type: " + type +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
}
inline std::string problem_answer(int status, const std::string& code) {
    return http_answer(status, R"({"code":")" + code + R"(","detail":"no","text":"for the cashier"})",
                       "application/problem+json");
}
inline bool asks(const std::string& request, const std::string& what) {
    return request.find(what) != std::string::npos;
}
inline const std::string hello = http_answer(200, R"({"abi":1,"api":1,"min_api":1})");

} // namespace mudi::test
