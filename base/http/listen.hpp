#pragma once

#include <cstdint>
#include <string>
#include <sys/types.h>

#include <mudi/base/result.hpp>

namespace mudi::http {

/// A listening socket, non-blocking, closed on exec; the caller owns the descriptor.
struct TcpListener {
    int descriptor{-1};
    int family{0};
    std::uint16_t port{0};
};
Result<TcpListener> listen_tcp(const std::string& address, std::uint16_t port);

/// Device and inode say later whether the file in the way is still ours.
struct UnixListener {
    int descriptor{-1};
    dev_t device{};
    ino_t inode{};
};
Result<UnixListener> listen_unix(const std::string& path);

/// Removes the socket file unless another process has put its own there meanwhile.
void remove_socket_file(const std::string& path, const UnixListener& listener);

} // namespace mudi::http
