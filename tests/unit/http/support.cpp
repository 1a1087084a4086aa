#include "support.hpp"

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <mudi/http/json.hpp>

namespace mudi::http::test {

namespace {

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

int connect_to(std::uint16_t port) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = loopback(port);
    REQUIRE(::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return descriptor;
}

} // namespace

TempFolder::TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "mudi_http_XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
}

TempFolder::~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

RunningServer::RunningServer(Handler handler, ServerOptions options) {
    if (!options.tcp_port) options.tcp_port = std::uint16_t{0};
    auto server = Server::start(io_, std::move(options), std::move(handler));
    REQUIRE(server.has_value());
    server_ = std::move(*server);
    loop_ = std::thread([this] {
        const auto work = boost::asio::make_work_guard(io_);
        io_.run();
    });
}

RunningServer::~RunningServer() {
    io_.stop();
    loop_.join();
}

RawConnection::RawConnection(std::uint16_t port) : RawConnection(connect_to(port)) {}

RawConnection::RawConnection(int descriptor) : descriptor_(descriptor) {
    const timeval limit{10, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

RawConnection::~RawConnection() { close(); }

void RawConnection::close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

bool RawConnection::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto taken = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (taken <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(taken));
    }
    return true;
}

bool RawConnection::receive() {
    char buffer[65536];
    const auto count = ::recv(descriptor_, buffer, sizeof buffer, 0);
    reset_ = count < 0;
    if (count <= 0) return false;
    pending_.append(buffer, static_cast<std::size_t>(count));
    return true;
}

std::string RawConnection::read_until(std::string_view mark) {
    auto found = pending_.find(mark);
    while (found == std::string::npos && receive()) found = pending_.find(mark);
    const auto end = found == std::string::npos ? pending_.size() : found + mark.size();
    std::string result = pending_.substr(0, end);
    pending_.erase(0, end);
    return result;
}

std::string RawConnection::read_all() {
    while (receive()) {
    }
    return std::exchange(pending_, {});
}

ScriptedServer::ScriptedServer(Script script) : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    auto address = loopback(0);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(listener_, generic, size) == 0);
    REQUIRE(::listen(listener_, 8) == 0);
    REQUIRE(::getsockname(listener_, generic, &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, script = std::move(script)] {
        script([this] {
            const int peer = ::accept(listener_, nullptr, nullptr);
            return peer < 0 ? nullptr : std::make_unique<RawConnection>(peer);
        });
    });
}

ScriptedServer::~ScriptedServer() {
    ::shutdown(listener_, SHUT_RDWR); // wakes a script that waits for a connection
    thread_.join();
    ::close(listener_);
}

Response text(std::string body, int status) { return {status, "text/plain", std::move(body), {}}; }

Call get(std::string target) {
    Call call;
    call.target = std::move(target);
    return call;
}

Call post(std::string target, std::string body) {
    Call call;
    call.method = "POST";
    call.target = std::move(target);
    call.body = std::move(body);
    return call;
}

std::string problem_code(const Response& response) {
    CHECK(response.content_type == "application/problem+json");
    const auto body = parse_json(response.body);
    REQUIRE(body.has_value());
    CHECK(body->at("status") == response.status);
    return body->at("code").get<std::string>();
}

} // namespace mudi::http::test
