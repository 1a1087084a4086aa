#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "support.hpp"

using namespace mudi;
using namespace mudi::http;
using namespace mudi::http::test;

namespace {

ServerOptions on_socket(std::string path) {
    ServerOptions options;
    options.unix_path = std::move(path);
    return options;
}

Handler says_where() {
    return [](const Request& request, Responder responder) {
        responder.answer(text(request.over_unix_socket ? "unix" : "tcp"));
    };
}

/// What a crashed process leaves behind: the file without anybody who listens.
void leave_stale_socket(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    ::close(descriptor);
    REQUIRE(std::filesystem::is_socket(path));
}

std::string start_error(const std::string& path) {
    boost::asio::io_context io;
    const auto server = Server::start(io, on_socket(path), says_where());
    return server ? "started" : server.error().name;
}

} // namespace

TEST_CASE("one server answers on both doors and knows which one was used", "[http][unix]") {
    TempFolder folder;
    auto options = on_socket(folder.file("agent.sock"));
    options.guard = GuardPolicy{};
    options.guard->open_paths = {"/*"};
    RunningServer server(says_where(), options);
    CHECK(Client(Target::unix_socket(folder.file("agent.sock"))).send(get("/x"))->body == "unix");
    CHECK(server.client().send(get("/x"))->body == "tcp");
}

TEST_CASE("the socket file is for owner and group, and goes with the server", "[http][unix]") {
    TempFolder folder;
    const auto path = folder.file("agent.sock");
    {
        RunningServer server(says_where(), on_socket(path));
        struct stat file {};
        REQUIRE(::stat(path.c_str(), &file) == 0);
        CHECK((file.st_mode & 0777) == 0660);
    }
    CHECK(!std::filesystem::exists(path));
}

TEST_CASE("a stale socket file is replaced", "[http][unix]") {
    TempFolder folder;
    const auto path = folder.file("agent.sock");
    leave_stale_socket(path);
    RunningServer server(says_where(), on_socket(path));
    CHECK(Client(Target::unix_socket(path)).send(get("/"))->body == "unix");
}

TEST_CASE("a socket on which somebody answers is left alone", "[http][unix]") {
    TempFolder folder;
    const auto path = folder.file("agent.sock");
    RunningServer server(says_where(), on_socket(path));
    CHECK(start_error(path) == "http.socket_taken");
    CHECK(Client(Target::unix_socket(path)).send(get("/"))->body == "unix");
}

TEST_CASE("a file that is no socket is never removed", "[http][unix]") {
    TempFolder folder;
    const auto path = folder.file("precious");
    std::ofstream(path) << "data";
    CHECK(start_error(path) == "http.socket_path");
    CHECK(std::filesystem::file_size(path) == 4);
    CHECK(start_error("/" + std::string(200, 'x')) == "http.socket_path");
    CHECK(start_error(folder.file("no/such/folder.sock")) == "http.listen");
}

TEST_CASE("stopping does not remove the socket of a successor", "[http][unix]") {
    TempFolder folder;
    const auto path = folder.file("agent.sock");
    boost::asio::io_context io;
    auto first = Server::start(io, on_socket(path), says_where());
    REQUIRE(first);
    REQUIRE(::unlink(path.c_str()) == 0);
    const auto second = Server::start(io, on_socket(path), says_where());
    REQUIRE(second);
    first->reset();
    CHECK(std::filesystem::is_socket(path));
}
