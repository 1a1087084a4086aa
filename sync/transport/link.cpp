#include "link.hpp"

#include <nng/supplemental/util/platform.h>

#include <mudi/base/assert.hpp>

namespace mudi::sync {
namespace {

/// The protocol's own request number, in front of the frame.
constexpr std::size_t header_bytes = 64;

Result<TlsConfig> allocate(nng_tls_mode mode) {
    nng_tls_config* config = nullptr;
    if (nng_tls_config_alloc(&config, mode) != 0)
        return fail(Code::io, "transport.tls", "TLS could not be set up");
    return TlsConfig{config};
}

Status set_certificate(nng_tls_config* config, const std::string& certificate, const std::string& key) {
    if (nng_tls_config_own_cert(config, certificate.c_str(), key.c_str(), nullptr) != 0) {
        return fail(Code::invalid, "transport.tls", "the certificate or its key cannot be read");
    }
    return {};
}

Status set_authority(nng_tls_config* config, const std::string& pem) {
    if (nng_tls_config_ca_chain(config, pem.c_str(), nullptr) != 0) {
        return fail(Code::invalid, "transport.tls", "the certificate of the authority cannot be read");
    }
    return {};
}

} // namespace

Aio make_aio(void (*done)(void*), void* context) {
    nng_aio* aio = nullptr;
    MUDI_ASSERT(nng_aio_alloc(&aio, done, context) == 0); // fails only without memory
    return Aio{aio};
}

Message make_message(std::string_view bytes) {
    nng_msg* message = nullptr;
    MUDI_ASSERT(nng_msg_alloc(&message, 0) == 0 && nng_msg_append(message, bytes.data(), bytes.size()) == 0);
    return Message{message};
}

std::string to_string(const Message& message) {
    return {static_cast<const char*>(nng_msg_body(message.get())), nng_msg_len(message.get())};
}

Result<TlsConfig> make_tls(const TlsClient& tls, const std::string& host) {
    if (tls.ca_pem.empty())
        return fail(Code::invalid, "transport.tls", "TLS needs the certificate of an authority");
    MUDI_TRY(TlsConfig config, allocate(NNG_TLS_MODE_CLIENT));
    MUDI_CHECK(set_authority(config.get(), tls.ca_pem));
    if (!tls.certificate_pem.empty())
        MUDI_CHECK(set_certificate(config.get(), tls.certificate_pem, tls.key_pem));
    const std::string& name = tls.server_name.empty() ? host : tls.server_name;
    if (nng_tls_config_auth_mode(config.get(), NNG_TLS_AUTH_MODE_REQUIRED) != 0 ||
        nng_tls_config_server_name(config.get(), name.c_str()) != 0) {
        return fail(Code::invalid, "transport.tls", "the server's name cannot be used");
    }
    return config;
}

Result<TlsConfig> make_tls(const TlsServer& tls) {
    if (tls.certificate_pem.empty())
        return fail(Code::invalid, "transport.tls", "a TLS server needs a certificate");
    MUDI_TRY(TlsConfig config, allocate(NNG_TLS_MODE_SERVER));
    MUDI_CHECK(set_certificate(config.get(), tls.certificate_pem, tls.key_pem));
    const bool ask = !tls.client_ca_pem.empty();
    if (ask) MUDI_CHECK(set_authority(config.get(), tls.client_ca_pem));
    if (nng_tls_config_auth_mode(config.get(), ask ? NNG_TLS_AUTH_MODE_REQUIRED : NNG_TLS_AUTH_MODE_NONE) !=
        0) {
        return fail(Code::invalid, "transport.tls", "client certificates cannot be asked for");
    }
    return config;
}

Result<Address> parse_address(const std::string& url) {
    for (const char* scheme : {"tls+tcp://", "tcp://", "ipc://"}) {
        if (!url.starts_with(scheme)) continue;
        Address address{.is_tls = scheme == std::string_view("tls+tcp://"), .scheme = scheme, .host = {}};
        address.host = url.substr(address.scheme.size());
        if (address.scheme != "ipc://") {
            const std::size_t colon = address.host.rfind(':');
            if (colon == std::string::npos) break;
            address.host.resize(colon);
        }
        if (address.host.size() > 2 && address.host.front() == '[')
            address.host = address.host.substr(1, address.host.size() - 2);
        return address;
    }
    return fail(Code::invalid, "transport.url",
                "an address is tcp://HOST:PORT, tls+tcp://HOST:PORT or ipc://PATH");
}

Status set_limits(nng_socket socket) {
    // Unlimited by default.
    if (const int error = nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, frame_bytes_max + header_bytes);
        error != 0) {
        return tl::make_unexpected(transport_error(error));
    }
    return {};
}

void let_traffic_land() { nng_msleep(20); }

Error transport_error(int nng_error) {
    const std::string text = nng_strerror(nng_error);
    switch (nng_error) {
    case NNG_ETIMEDOUT: return {Code::unavailable, "transport.timeout", text};
    case NNG_EADDRINUSE: return {Code::io, "transport.port_taken", "another program listens there"};
    case NNG_EADDRINVAL:
    case NNG_EINVAL:
    case NNG_ENOTSUP: return {Code::invalid, "transport.url", text};
    default: return {Code::unavailable, "transport.closed", text};
    }
}

} // namespace mudi::sync
