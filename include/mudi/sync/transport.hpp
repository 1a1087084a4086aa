#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/sync/server_sync.hpp>
#include <mudi/sync/till_sync.hpp>

/// NNG REQ/REP with contexts; the only NNG in the tree. Callbacks are handed to `post`, which must run them
/// on the caller's loop thread, in order; NNG's own threads never run our code beyond that.
namespace mudi::sync {

using Post = std::function<void(std::function<void()>)>;

struct TlsClient {
    std::string ca_pem;          ///< text of the CA certificate; empty: no TLS (tcp:// only)
    std::string server_name;     ///< name or address in the server's certificate
    std::string certificate_pem; ///< the till's own, with `key_pem`; may be empty
    std::string key_pem;
};
struct TlsServer {
    std::string certificate_pem;
    std::string key_pem;
    std::string client_ca_pem; ///< tills must show a certificate of this CA; empty: any till may connect
};

/// Waits between attempts to connect: drawn at random, growing from `min` to `max`. A chain of thousands of
/// tills wants a `max` of a minute and more, because each TLS handshake costs the server 9 ms.
struct Reconnect {
    Duration min{100};
    Duration max{5000};
    /// An attempt to connect over TCP ends within this time, one way or the other. After this and `max`
    /// without a connection dialing is begun anew, and again after twice as long: NNG may have stopped it for
    /// good.
    Duration attempt_max{20'000};
};

class TillTransport {
public:
    struct Events {
        std::function<void(bool up)> link;
        std::function<void(std::uint64_t request, Result<std::string> frame)> answered;
    };
    /// `url`: tcp://, tls+tcp:// or ipc://. Dials in the background for ever, with jittered back-off; never
    /// blocks. transport.url (invalid), transport.tls (invalid: bad PEM).
    static Result<std::unique_ptr<TillTransport>> start(const std::string& url, const TlsClient& tls,
                                                        Post post, Events events, Reconnect reconnect = {});
    virtual ~TillTransport() = default;

    /// Exactly one `answered` per call, later on the loop: the frame, or transport.timeout / transport.closed
    /// (unavailable) / transport.too_large (invalid). A second send on a busy channel cancels the first. A
    /// time-out with nothing received in the latter half of it drops the connection, so that a half-open one
    /// is noticed; not on Channel::ask, whose time-outs are short.
    virtual void send(std::uint64_t request, Channel channel, std::string frame, Duration timeout) = 0;
    /// What it shows and trusts at the next handshake, without a restart; the connection that stands is not
    /// touched. transport.tls (invalid: bad PEM, or no TLS at all; nothing changes), transport.closed
    /// (unavailable: stopped).
    virtual Status renew(const TlsClient& tls) = 0;
    /// No callback runs after this returns and the loop has drained.
    virtual void stop() = 0;
};

/// What one connection may have open at once; the till's channels need a handful. Whoever asks for more is
/// cut off.
inline constexpr std::size_t requests_per_pipe_max = 256;

class ServerTransport {
public:
    using OnRequest = std::function<void(RequestToken token, PipeId pipe, std::string frame)>;
    using OnPipeGone = std::function<void(PipeId pipe)>;
    /// Listens; transport.port_taken (io), transport.url, transport.tls. At most `requests_max` requests are
    /// open at once (long polls included); contexts grow as needed from a few.
    ///
    /// `on_pipe_gone` is told once for each connection that ended, after all its requests and before any of
    /// the next that may get the same number from the system below; its open requests are forgotten by then
    /// and need no reply. A connection may end without ever having asked anything.
    static Result<std::unique_ptr<ServerTransport>> start(const std::string& url, const TlsServer& tls,
                                                          std::size_t requests_max, Post post,
                                                          OnRequest on_request, OnPipeGone on_pipe_gone = {});
    virtual ~ServerTransport() = default;

    /// The address with the real port (when it was 0).
    [[nodiscard]] virtual std::string url() const = 0;
    [[nodiscard]] virtual std::size_t connections() const = 0;
    virtual void reply(RequestToken token, std::string frame) = 0;
    /// Cuts the connection: none of its requests is handed on from here on, replies to the open ones are
    /// dropped, `on_pipe_gone` follows later on the loop. One that is gone already is no error.
    virtual void close_pipe(PipeId pipe) = 0;
    /// What it shows and demands from the next handshake on; connections that stand are not touched.
    /// transport.tls (invalid: bad PEM, or no TLS at all; nothing changes), transport.closed (unavailable).
    virtual Status renew(const TlsServer& tls) = 0;
    virtual void stop() = 0;
};

} // namespace mudi::sync
