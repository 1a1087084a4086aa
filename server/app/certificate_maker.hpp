#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <mudi/base/id.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>

/// Keys and certificates as values: made, read and looked at; no files. EC P-256 and SHA-256 throughout.
/// Errors: tls.make (io).
namespace mudi::server {

template <auto Free>
struct Deleter {
    template <class T>
    void operator()(T* value) const {
        Free(value);
    }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;

inline constexpr std::size_t pem_bytes_max = std::size_t{64} * 1024;

/// Who signs.
struct Authority {
    Certificate certificate;
    Key key; ///< may be absent: an operator may keep it elsewhere
    std::string pem;
};

tl::unexpected<Error> cannot_make(std::string_view what);
Result<Key> make_key();

std::string pem_of(X509* certificate);
std::string pem_of(EVP_PKEY* key);
/// Empty when it cannot be read.
Certificate certificate_from(std::string_view pem);
Key key_from(std::string_view pem);

Result<Certificate> make_authority(EVP_PKEY* key, Time now);
/// `names`: at least one, DNS names and addresses.
Result<Certificate> make_server_certificate(EVP_PKEY* key, const Authority& authority,
                                            std::span<const std::string> names, Time now);
/// For both ends of a connection, as a till may serve its neighbours.
Result<Certificate> make_till_certificate(EVP_PKEY* key, const Authority& authority, TillId till, Time until);
/// The key of a PKCS#10 request that is signed with it and is of P-256; empty otherwise.
Key key_of_request(std::string_view pem);

bool is_address(const std::string& name);
/// True when it ends after `time`.
bool good_until(X509* certificate, Time time);
bool covers(X509* certificate, std::span<const std::string> names);

} // namespace mudi::server
