#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>

#include <mudi/base/result.hpp>
#include <mudi/sync/transport.hpp>

/// What both ends need of NNG: owners of its handles, TLS from PEM text, its errors in our words.
namespace mudi::sync {

struct FreeAio {
    void operator()(nng_aio* aio) const { nng_aio_free(aio); } ///< waits for the callback
};
using Aio = std::unique_ptr<nng_aio, FreeAio>;
Aio make_aio(void (*done)(void*), void* context);

struct FreeMessage {
    void operator()(nng_msg* message) const { nng_msg_free(message); }
};
using Message = std::unique_ptr<nng_msg, FreeMessage>;
Message make_message(std::string_view bytes);
std::string to_string(const Message& message);

struct FreeTls {
    void operator()(nng_tls_config* config) const { nng_tls_config_free(config); }
};
using TlsConfig = std::unique_ptr<nng_tls_config, FreeTls>;
/// transport.tls. `host`: what the URL names, used when `tls` names no server.
Result<TlsConfig> make_tls(const TlsClient& tls, const std::string& host);
Result<TlsConfig> make_tls(const TlsServer& tls);

/// "tcp://", "tls+tcp://" and "ipc://" only: transport.url.
struct Address {
    bool is_tls{false};
    std::string scheme; ///< with "://"
    std::string host;
};
Result<Address> parse_address(const std::string& url);

/// Receive size and the like, same for both ends.
Status set_limits(nng_socket socket);

/// To be called between closing the contexts of a socket and the socket itself. NNG 1.5.2 hangs in nng_close
/// for ever when a message is being handed on at that very moment (upstream issue 1543): this lets what is in
/// flight land first.
void let_traffic_land();

Error transport_error(int nng_error);

/// Connections over TCP are looked at so often. NNG 1.5.2 over TLS loses the end of a connection that comes
/// while nobody waits for its next message: between the handshake and the first wait, or right behind a
/// message.
inline constexpr nng_duration probe_every_ms = 2'000;
/// Found shut so often, nothing of it is on its way any more: it may be closed.
inline constexpr int probes_till_close = 2;

/// Lets callbacks that were posted and not yet run find out that their object is gone. Lives on the loop
/// thread.
template <class Owner>
class Gate {
public:
    explicit Gate(Owner* owner) : owner_(std::make_shared<Owner*>(owner)) {}
    void close() { *owner_ = nullptr; }
    [[nodiscard]] std::shared_ptr<Owner*> key() const { return owner_; }

private:
    std::shared_ptr<Owner*> owner_;
};

} // namespace mudi::sync
