#pragma once

#include <array>
#include <string>
#include <string_view>

#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>

/// Owners of mbedTLS's contexts, and what key and certificate both need.
namespace mudi::sync {

/// A context of mbedTLS from its init to its free.
template <class T, auto Init, auto Free>
class Owned {
public:
    Owned() { Init(&value_); }
    ~Owned() { Free(&value_); }
    Owned(const Owned&) = delete;
    Owned& operator=(const Owned&) = delete;

    T* get() { return &value_; }
    T* operator->() { return &value_; }

private:
    T value_;
};
using PkContext = Owned<mbedtls_pk_context, mbedtls_pk_init, mbedtls_pk_free>;

/// mbedTLS wants unsigned char.
inline const unsigned char* raw(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}
inline unsigned char* raw(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

inline constexpr std::size_t point_bytes = 65;
inline constexpr std::size_t public_key_bytes = 91;
/// What stands in front of the point: AlgorithmIdentifier id-ecPublicKey with prime256v1 (RFC 5480), then a
/// bit string that holds an uncompressed point.
inline constexpr std::array<unsigned char, public_key_bytes - point_bytes> public_key_head{
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};

/// DER SubjectPublicKeyInfo; empty when the key is not of P-256.
std::string public_key_der(const mbedtls_pk_context& key);

} // namespace mudi::sync
