#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include <mudi/base/bytes.hpp>

namespace mudi {

/// A secret of 32 bytes. Has no operator<< on purpose.
struct Key256 {
    std::array<unsigned char, 32> data{};

    friend bool operator==(const Key256&, const Key256&) = default;
};
std::optional<Key256> key256_from_bytes(std::string_view data);
std::string_view view(const Key256& key);

/// BLAKE2b cut to 128 bits (libsodium crypto_generichash, RFC 7693).
Bits128 hash128(std::string_view data);
/// The same, keyed: without the key nobody can try out all phone numbers.
Bits128 hash128(const Key256& key, std::string_view data);
/// Next link of a till's event chain: H(previous || body).
Bits128 chain_next(Bits128 previous, std::string_view body);

/// Authenticated encryption for personal data at rest (XChaCha20-Poly1305, libsodium). `nonce` is 24 random
/// bytes, never used twice with one key; it is stored in front of the ciphertext.
Bytes seal(const Key256& key, const std::array<unsigned char, 24>& nonce, std::string_view plain);
/// Empty when the bytes are damaged or the key is another one.
std::optional<std::string> open_sealed(const Key256& key, std::string_view sealed);

/// Compares secrets in constant time.
bool equal_secret(std::string_view a, std::string_view b);

} // namespace mudi
