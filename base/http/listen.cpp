#include "listen.hpp"

#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "address.hpp"

namespace mudi::http {

namespace {

constexpr int backlog = 128;
constexpr mode_t socket_mode = 0660;

tl::unexpected<Error> listen_failed(const std::string& where) {
    return fail(Code::io, "http.listen", "cannot listen on " + where + ": " + std::strerror(errno));
}

Descriptor stream_socket(int family) {
    return Descriptor(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

/// A full backlog (EAGAIN) also means that somebody is there.
bool somebody_answers(const SocketAddress& address) {
    const Descriptor probe = stream_socket(AF_UNIX);
    return ::connect(probe.get(), address.get(), address.size) == 0 ||
           (errno != ECONNREFUSED && errno != ENOENT);
}

Status make_way(const std::string& path, const SocketAddress& address) {
    struct stat file {};
    if (::lstat(path.c_str(), &file) != 0) return {};
    if (!S_ISSOCK(file.st_mode)) {
        return fail(Code::io, "http.socket_path", path + " exists and is not a socket");
    }
    if (somebody_answers(address)) {
        return fail(Code::io, "http.socket_taken", "another process answers on " + path);
    }
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return listen_failed(path);
    return {};
}

} // namespace

Result<TcpListener> listen_tcp(const std::string& address, std::uint16_t port) {
    const auto where = ip_address(address, port);
    const auto text = address + ":" + std::to_string(port);
    if (!where) return fail(Code::invalid, "http.address", address + " is not a numeric IP address");

    Descriptor listener = stream_socket(where->family());
    const int on = 1;
    if (!listener.open() || ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) {
        return listen_failed(text);
    }
    if (::bind(listener.get(), where->get(), where->size) != 0 || ::listen(listener.get(), backlog) != 0) {
        if (errno == EADDRINUSE)
            return fail(Code::io, "http.port_taken", text + " is taken by another program");
        return listen_failed(text);
    }
    SocketAddress bound;
    bound.size = sizeof bound.storage;
    if (::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&bound.storage), &bound.size) != 0) {
        return listen_failed(text);
    }
    // sin_port and sin6_port lie at the same place.
    sockaddr_in in{};
    std::memcpy(&in, &bound.storage, sizeof in);
    return TcpListener{listener.release(), where->family(), ntohs(in.sin_port)};
}

Result<UnixListener> listen_unix(const std::string& path) {
    const auto where = unix_address(path);
    if (!where) return fail(Code::io, "http.socket_path", "the socket path is empty or too long: " + path);
    MUDI_CHECK(make_way(path, *where));

    Descriptor listener = stream_socket(AF_UNIX);
    // The mode is set before the file exists, so that at no moment it is open to more; the umask may have
    // taken bits away, hence again afterwards.
    struct stat file {};
    if (!listener.open() || ::fchmod(listener.get(), socket_mode) != 0 ||
        ::bind(listener.get(), where->get(), where->size) != 0 || ::chmod(path.c_str(), socket_mode) != 0 ||
        ::lstat(path.c_str(), &file) != 0 || ::listen(listener.get(), backlog) != 0) {
        return listen_failed(path);
    }
    return UnixListener{listener.release(), file.st_dev, file.st_ino};
}

void remove_socket_file(const std::string& path, const UnixListener& listener) {
    struct stat file {};
    if (::lstat(path.c_str(), &file) == 0 && file.st_dev == listener.device &&
        file.st_ino == listener.inode) {
        ::unlink(path.c_str());
    }
}

} // namespace mudi::http
