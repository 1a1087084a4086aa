#pragma once

#include <map>
#include <set>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "unit/sync/loop.hpp"

/// Both ends of the transport for tests, and a stranger without it.
namespace mudi::test {

using sync::PipeId;
using sync::RequestToken;

inline const sync::Reconnect quick{Duration{10}, Duration{50}};

/// A till end that keeps what it was told.
struct Till {
    Till(Loop& loop, const std::string& url, const sync::TlsClient& tls = {},
         const sync::Reconnect& reconnect = quick) {
        auto started = sync::TillTransport::start(url, tls, loop.post(),
                                                  {[this](bool is_up) {
                                                       up = is_up;
                                                       ++changes;
                                                   },
                                                   [this](std::uint64_t request, Result<std::string> frame) {
                                                       ++answers[request];
                                                       results.insert_or_assign(request, std::move(frame));
                                                   }},
                                                  reconnect);
        REQUIRE(started);
        transport = std::move(*started);
    }
    [[nodiscard]] bool has(std::uint64_t request) const { return results.contains(request); }

    bool up{false};
    int changes{0};
    std::map<std::uint64_t, int> answers;
    std::map<std::uint64_t, Result<std::string>> results;
    std::unique_ptr<sync::TillTransport> transport;
};

/// A server end that answers "echo:…" at once and keeps "hold…" until told.
struct Server {
    explicit Server(Loop& loop, const std::string& at = "tcp://127.0.0.1:0", const sync::TlsServer& tls = {},
                    std::size_t requests_max = 1000) {
        auto started = sync::ServerTransport::start(
            at, tls, requests_max, loop.post(),
            [this](RequestToken token, PipeId pipe, std::string frame) {
                if (pipe == 0 || gone.contains(pipe)) ++strays;
                seen.emplace_back(pipe, frame);
                if (frame.starts_with("hold")) {
                    held.push_back(token);
                } else {
                    transport->reply(token, "echo:" + frame);
                }
            },
            [this](PipeId pipe) {
                if (!gone.insert(pipe).second) ++strays;
            });
        REQUIRE(started);
        transport = std::move(*started);
    }
    /// Of the newest request of that text; 0 when there is none.
    [[nodiscard]] PipeId pipe_of(const std::string& frame) const {
        for (auto one = seen.rbegin(); one != seen.rend(); ++one)
            if (one->second == frame) return one->first;
        return 0;
    }

    std::vector<RequestToken> held;
    std::vector<std::pair<PipeId, std::string>> seen;
    std::set<PipeId> gone;
    int strays{0}; ///< what must never be: requests of nobody or after the end, an end told twice
    std::unique_ptr<sync::ServerTransport> transport;
};

inline std::string name_of(const Till& till, std::uint64_t request) {
    const auto& result = till.results.at(request);
    return result ? *result : result.error().name;
}

inline int port_of(const std::string& url) { return std::stoi(url.substr(url.rfind(':') + 1)); }

/// A plain socket that speaks just enough of the protocol below us to be let in as a till.
class RawPeer {
public:
    /// `protocol`: what it says it speaks; 0x30 is a till's.
    explicit RawPeer(int port, char protocol = '\x30') : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        std::string hello("\0SP\0\0\0\0\0", 8);
        hello[5] = protocol;
        write(hello);
        REQUIRE(read(8).size() == 8);
    }
    ~RawPeer() { ::close(socket_); }
    RawPeer(const RawPeer&) = delete;
    RawPeer& operator=(const RawPeer&) = delete;

    void hang_up() const { ::shutdown(socket_, SHUT_RDWR); }
    /// False when either side has hung up.
    bool write(const std::string& bytes) const {
        return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(bytes.size());
    }
    /// Up to `count` bytes; fewer when the other side closes.
    [[nodiscard]] std::string read(std::size_t count) const {
        std::string bytes(count, '\0');
        std::size_t have = 0;
        while (have < count) {
            const ssize_t got = ::recv(socket_, bytes.data() + have, count - have, 0);
            if (got <= 0) break;
            have += static_cast<std::size_t>(got);
        }
        bytes.resize(have);
        return bytes;
    }

private:
    int socket_;
};

} // namespace mudi::test
