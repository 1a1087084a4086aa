#include "address.hpp"

#include <cstring>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <unistd.h>

namespace mudi::http {

std::optional<SocketAddress> ip_address(const std::string& address, std::uint16_t port) {
    SocketAddress result;
    const char* numeric = address == "localhost" ? "127.0.0.1" : address.c_str();
    sockaddr_in v4{};
    sockaddr_in6 v6{};
    if (inet_pton(AF_INET, numeric, &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        std::memcpy(&result.storage, &v4, sizeof v4);
        result.size = sizeof v4;
    } else if (inet_pton(AF_INET6, numeric, &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        std::memcpy(&result.storage, &v6, sizeof v6);
        result.size = sizeof v6;
    } else {
        return std::nullopt;
    }
    return result;
}

std::optional<SocketAddress> unix_address(const std::string& path) {
    sockaddr_un local{};
    if (path.empty() || path.size() >= sizeof local.sun_path) return std::nullopt;
    local.sun_family = AF_UNIX;
    std::memcpy(local.sun_path, path.data(), path.size());
    SocketAddress result;
    std::memcpy(&result.storage, &local, sizeof local);
    result.size = sizeof local;
    return result;
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    if (this != &other) {
        reset();
        value_ = other.release();
    }
    return *this;
}

int Descriptor::release() { return std::exchange(value_, -1); }

void Descriptor::reset() {
    if (value_ >= 0) ::close(std::exchange(value_, -1));
}

} // namespace mudi::http
