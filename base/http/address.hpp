#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <sys/socket.h>

namespace mudi::http {

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size{0};

    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
    [[nodiscard]] int family() const { return storage.ss_family; }
};

/// Empty unless `address` is a numeric IPv4 or IPv6 address or "localhost".
std::optional<SocketAddress> ip_address(const std::string& address, std::uint16_t port);
/// Empty when the path is empty or too long for a socket (107 bytes on Linux).
std::optional<SocketAddress> unix_address(const std::string& path);

/// A file descriptor with an owner.
class Descriptor {
public:
    explicit Descriptor(int value = -1) : value_(value) {}
    Descriptor(Descriptor&& other) noexcept : value_(other.release()) {}
    Descriptor& operator=(Descriptor&& other) noexcept;
    ~Descriptor() { reset(); }

    [[nodiscard]] int get() const { return value_; }
    [[nodiscard]] bool open() const { return value_ >= 0; }
    int release();
    void reset();

private:
    int value_;
};

} // namespace mudi::http
