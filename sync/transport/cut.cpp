#include "cut.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>

#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace mudi::sync {
namespace {

/// One end of a TCP connection, in network byte order.
struct End {
    std::uint16_t port{};
    std::array<std::uint8_t, sizeof(in6_addr)> address{}; ///< the first four for IPv4
    bool is_v6{};

    friend bool operator==(const End&, const End&) = default;
};

std::optional<End> end_of(nng_pipe pipe, const char* option) {
    nng_sockaddr from{};
    if (nng_pipe_get_addr(pipe, option, &from) != 0) return std::nullopt;
    End end;
    if (from.s_family == NNG_AF_INET) {
        end.port = from.s_in.sa_port;
        std::memcpy(end.address.data(), &from.s_in.sa_addr, sizeof from.s_in.sa_addr);
    } else if (from.s_family == NNG_AF_INET6) {
        end.port = from.s_in6.sa_port;
        end.is_v6 = true;
        std::memcpy(end.address.data(), &from.s_in6.sa_addr, end.address.size());
    } else {
        return std::nullopt;
    }
    return end;
}

using Asked = int (*)(int, sockaddr*, socklen_t*);
std::optional<End> end_of(int socket, Asked ask) {
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    if (ask(socket, reinterpret_cast<sockaddr*>(&from), &size) != 0) return std::nullopt;
    End end;
    if (from.ss_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &from, sizeof v4);
        end.port = v4.sin_port;
        std::memcpy(end.address.data(), &v4.sin_addr, sizeof v4.sin_addr);
    } else if (from.ss_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &from, sizeof v6);
        end.port = v6.sin6_port;
        end.is_v6 = true;
        std::memcpy(end.address.data(), &v6.sin6_addr, end.address.size());
    } else {
        return std::nullopt;
    }
    return end;
}

/// NNG does not tell its sockets: each file of this process, until `done` says so.
template <class Look>
bool look_at_files(Look&& done) {
    std::error_code error;
    for (std::filesystem::directory_iterator entry("/proc/self/fd", error), none; !error && entry != none;
         entry.increment(error)) {
        const std::string name = entry->path().filename();
        int file = -1;
        std::from_chars(name.data(), name.data() + name.size(), file);
        if (done(file)) return true;
    }
    return false;
}

} // namespace

bool cut(nng_pipe pipe) {
    const auto local = end_of(pipe, NNG_OPT_LOCADDR);
    const auto remote = end_of(pipe, NNG_OPT_REMADDR);
    if (!local || !remote) return false;
    return look_at_files([&](int socket) {
        // The two ends together name one connection of this machine's.
        if (end_of(socket, ::getpeername) != remote || end_of(socket, ::getsockname) != local) return false;
        sock_filter drop_all{.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 0};
        const sock_fprog program{.len = 1, .filter = &drop_all};
        ::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
        // Reading only: a write that fails would close the pipe while it is still being read.
        ::shutdown(socket, SHUT_RD);
        return true;
    });
}

void hasten_dials() {
    static constexpr int repeats = 2; // after 1 and 3 s; given up 7 s after the first
    look_at_files([](int socket) {
        tcp_info info{};
        socklen_t size = sizeof info;
        if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_state == TCP_SYN_SENT)
            ::setsockopt(socket, IPPROTO_TCP, TCP_SYNCNT, &repeats, sizeof repeats);
        return false;
    });
}

bool is_shut(nng_pipe pipe) {
    nng_sockaddr address{};
    const int error = nng_pipe_get_addr(pipe, NNG_OPT_REMADDR, &address);
    return error != 0 && error != NNG_ENOTSUP;
}

} // namespace mudi::sync
