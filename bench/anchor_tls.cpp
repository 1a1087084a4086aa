#include "bench/anchor_tls.hpp"

#include <memory>
#include <string>

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>
#include <nng/supplemental/tls/tls.h>
#include <sys/resource.h>

namespace mudi::bench {
namespace {

struct Socket {
    nng_socket socket{};
    ~Socket() {
        if (socket.id != 0) nng_close(socket);
    }
};
struct FreeConfig {
    void operator()(nng_tls_config* config) const { nng_tls_config_free(config); }
};
using Config = std::unique_ptr<nng_tls_config, FreeConfig>;

Status link_error(int error) { return fail(Code::io, "anchor.link", nng_strerror(error)); }

double processor_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

Config config_of(nng_tls_mode mode, const std::string& certificate, const std::string& key,
                 const std::string& authority) {
    nng_tls_config* raw = nullptr;
    nng_tls_config_alloc(&raw, mode);
    nng_tls_config_own_cert(raw, certificate.c_str(), key.c_str(), nullptr);
    nng_tls_config_ca_chain(raw, authority.c_str(), nullptr);
    nng_tls_config_auth_mode(raw, NNG_TLS_AUTH_MODE_REQUIRED);
    return Config{raw};
}

Result<std::string> listen(nng_socket socket, nng_tls_config* config) {
    nng_listener listener{};
    int error = nng_listener_create(&listener, socket, "tls+tcp://127.0.0.1:0");
    if (error == 0) error = nng_listener_set_ptr(listener, NNG_OPT_TLS_CONFIG, config);
    if (error == 0) error = nng_listener_start(listener, 0);
    int port = 0;
    if (error == 0) error = nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port);
    if (error != 0) return tl::make_unexpected(link_error(error).error());
    return "tls+tcp://127.0.0.1:" + std::to_string(port);
}

/// Returns when NNG has the connection, which is after the handshake.
Status shake_hands(const std::string& url, nng_tls_config* config) {
    Socket socket;
    if (const int error = nng_req0_open(&socket.socket); error != 0) return link_error(error);
    nng_dialer dialer{};
    int error = nng_dialer_create(&dialer, socket.socket, url.c_str());
    if (error == 0) error = nng_dialer_set_ptr(dialer, NNG_OPT_TLS_CONFIG, config);
    if (error == 0) error = nng_dialer_start(dialer, 0);
    return error == 0 ? Status{} : link_error(error);
}

} // namespace

Result<double> handshake_processor_seconds(const sync::TlsServer& server, const sync::TlsClient& client,
                                           std::size_t count) {
    const Config ours =
        config_of(NNG_TLS_MODE_SERVER, server.certificate_pem, server.key_pem, server.client_ca_pem);
    const Config theirs =
        config_of(NNG_TLS_MODE_CLIENT, client.certificate_pem, client.key_pem, client.ca_pem);
    nng_tls_config_server_name(theirs.get(), client.server_name.c_str());
    Socket socket;
    if (const int error = nng_rep0_open(&socket.socket); error != 0)
        return tl::make_unexpected(link_error(error).error());
    MUDI_TRY(const std::string url, listen(socket.socket, ours.get()));
    const double before = processor_seconds();
    for (std::size_t i = 0; i < count; ++i) MUDI_CHECK(shake_hands(url, theirs.get()));
    return (processor_seconds() - before) / static_cast<double>(count);
}

} // namespace mudi::bench
