#include <mudi/base/hash.hpp>

#include <algorithm>

#include <sodium.h>

namespace mudi {
namespace {

const unsigned char* raw(std::string_view data) {
    return reinterpret_cast<const unsigned char*>(data.data());
}

Bits128 finish(crypto_generichash_state& state) {
    std::array<unsigned char, 16> out{};
    crypto_generichash_final(&state, out.data(), out.size());
    return *bits128_from_bytes({reinterpret_cast<const char*>(out.data()), out.size()});
}

Bits128 hash_with(std::string_view key, std::string_view first, std::string_view second) {
    crypto_generichash_state state;
    crypto_generichash_init(&state, key.empty() ? nullptr : raw(key), key.size(), 16);
    crypto_generichash_update(&state, raw(first), first.size());
    crypto_generichash_update(&state, raw(second), second.size());
    return finish(state);
}

constexpr std::size_t nonce_size = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t tag_size = crypto_aead_xchacha20poly1305_ietf_ABYTES;

} // namespace

std::optional<Key256> key256_from_bytes(std::string_view data) {
    Key256 key;
    if (data.size() != key.data.size()) return std::nullopt;
    std::copy_n(raw(data), key.data.size(), key.data.begin());
    return key;
}

std::string_view view(const Key256& key) {
    return {reinterpret_cast<const char*>(key.data.data()), key.data.size()};
}

Bits128 hash128(std::string_view data) { return hash_with({}, data, {}); }

Bits128 hash128(const Key256& key, std::string_view data) { return hash_with(view(key), data, {}); }

Bits128 chain_next(Bits128 previous, std::string_view body) {
    return hash_with({}, to_bytes(previous).data, body);
}

Bytes seal(const Key256& key, const std::array<unsigned char, 24>& nonce, std::string_view plain) {
    Bytes out;
    out.data.resize(nonce_size + plain.size() + tag_size);
    auto* bytes = reinterpret_cast<unsigned char*>(out.data.data());
    std::copy(nonce.begin(), nonce.end(), bytes);
    crypto_aead_xchacha20poly1305_ietf_encrypt(bytes + nonce_size, nullptr, raw(plain), plain.size(), nullptr,
                                               0, nullptr, nonce.data(), key.data.data());
    return out;
}

std::optional<std::string> open_sealed(const Key256& key, std::string_view sealed) {
    if (sealed.size() < nonce_size + tag_size) return std::nullopt;
    std::string plain(sealed.size() - nonce_size - tag_size, '\0');
    const auto* bytes = raw(sealed);
    const int failed = crypto_aead_xchacha20poly1305_ietf_decrypt(
        reinterpret_cast<unsigned char*>(plain.data()), nullptr, nullptr, bytes + nonce_size,
        sealed.size() - nonce_size, nullptr, 0, bytes, key.data.data());
    if (failed != 0) return std::nullopt;
    return plain;
}

bool equal_secret(std::string_view a, std::string_view b) {
    return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

} // namespace mudi
