#include <array>
#include <utility>

#include <mbedtls/ecdsa.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/sha256.h>
#include <mbedtls/x509_csr.h>

#include <mudi/base/random.hpp>
#include <mudi/sync/identity.hpp>

#include "mbed.hpp"

namespace mudi::sync {
namespace {

constexpr mbedtls_ecp_group_id curve = MBEDTLS_ECP_DP_SECP256R1;
constexpr std::size_t digest_bytes = 32;
using Digest = std::array<unsigned char, digest_bytes>;
using Request = Owned<mbedtls_x509write_csr, mbedtls_x509write_csr_init, mbedtls_x509write_csr_free>;
using KeyPair = Owned<mbedtls_ecp_keypair, mbedtls_ecp_keypair_init, mbedtls_ecp_keypair_free>;

/// In the shape mbedTLS wants: 0 is success.
int system_random(void*, unsigned char* out, std::size_t size) {
    SystemRandom random;
    while (size > 0) {
        std::uint64_t bits = random.next();
        for (int i = 0; i < 8 && size > 0; ++i, --size, bits >>= 8) *out++ = static_cast<unsigned char>(bits);
    }
    return 0;
}

bool hash(std::string_view message, Digest& digest) {
    return mbedtls_sha256_ret(raw(message), message.size(), digest.data(), 0) == 0;
}

tl::unexpected<Error> cannot_make(std::string_view what) {
    return fail(Code::io, "identity.make", "cannot make " + std::string(what));
}

/// Text that may hold a secret and is wiped when it goes.
struct SecretText {
    explicit SecretText(std::size_t size) : text(size, '\0') {}
    explicit SecretText(std::string_view from) : text(from) {}
    ~SecretText() { mbedtls_platform_zeroize(text.data(), text.size()); }
    SecretText(const SecretText&) = delete;
    SecretText& operator=(const SecretText&) = delete;

    std::string text;
};

} // namespace

std::string public_key_der(const mbedtls_pk_context& key) {
    if (mbedtls_pk_can_do(&key, MBEDTLS_PK_ECDSA) == 0) return {};
    const mbedtls_ecp_keypair* pair = mbedtls_pk_ec(key);
    if (pair->grp.id != curve) return {};
    std::string der(public_key_head.begin(), public_key_head.end());
    der.resize(public_key_bytes);
    std::size_t size = 0;
    if (mbedtls_ecp_point_write_binary(&pair->grp, &pair->Q, MBEDTLS_ECP_PF_UNCOMPRESSED, &size,
                                       raw(der) + public_key_head.size(), point_bytes) != 0) {
        return {};
    }
    return der;
}

struct TillKey::Impl {
    PkContext key;
    std::string public_key;
};

TillKey::TillKey(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TillKey::TillKey(TillKey&&) noexcept = default;
TillKey& TillKey::operator=(TillKey&&) noexcept = default;
TillKey::~TillKey() = default;

Result<TillKey> TillKey::make() {
    auto impl = std::make_unique<Impl>();
    mbedtls_pk_context* key = impl->key.get();
    if (mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) != 0 ||
        mbedtls_ecp_gen_key(curve, mbedtls_pk_ec(*key), system_random, nullptr) != 0) {
        return cannot_make("a key");
    }
    impl->public_key = public_key_der(*key);
    if (impl->public_key.empty()) return cannot_make("a key");
    return TillKey(std::move(impl));
}

Result<TillKey> TillKey::from_pem(std::string_view pem) {
    const auto damaged = [] {
        return fail(Code::corrupt, "identity.key", "not an unencrypted P-256 private key in PEM");
    };
    // A zero within the text would let mbedTLS see another end than we do.
    if (pem.size() > identity_pem_bytes_max || pem.find('\0') != std::string_view::npos) return damaged();
    const SecretText text(pem);
    auto impl = std::make_unique<Impl>();
    mbedtls_pk_context* key = impl->key.get();
    // Sizes count the closing zero: by it mbedTLS tells PEM from DER.
    if (mbedtls_pk_parse_key(key, raw(text.text), text.text.size() + 1, nullptr, 0) != 0) return damaged();
    impl->public_key = public_key_der(*key);
    if (impl->public_key.empty()) return damaged();
    // The public half is stored beside the secret one: they may have been damaged apart.
    if (mbedtls_ecp_check_pub_priv(mbedtls_pk_ec(*key), mbedtls_pk_ec(*key)) != 0) return damaged();
    return TillKey(std::move(impl));
}

Result<std::string> TillKey::pem() const {
    SecretText out(std::size_t{1024});
    if (mbedtls_pk_write_key_pem(impl_->key.get(), raw(out.text), out.text.size()) != 0)
        return cannot_make("the text of a key");
    return std::string(out.text.c_str());
}

Result<std::string> TillKey::sign(std::string_view message) const {
    Digest digest{};
    std::string signature(MBEDTLS_PK_SIGNATURE_MAX_SIZE, '\0');
    std::size_t size = 0;
    if (!hash(message, digest) ||
        mbedtls_pk_sign(impl_->key.get(), MBEDTLS_MD_SHA256, digest.data(), digest.size(), raw(signature),
                        &size, system_random, nullptr) != 0) {
        return cannot_make("a signature");
    }
    signature.resize(size);
    return signature;
}

Result<std::string> TillKey::request(TillId till) const {
    Request request;
    const std::string subject = "CN=till-" + std::to_string(till.value);
    mbedtls_x509write_csr_set_key(request.get(), impl_->key.get());
    mbedtls_x509write_csr_set_md_alg(request.get(), MBEDTLS_MD_SHA256);
    std::string pem(std::size_t{2048}, '\0');
    if (mbedtls_x509write_csr_set_subject_name(request.get(), subject.c_str()) != 0 ||
        mbedtls_x509write_csr_pem(request.get(), raw(pem), pem.size(), system_random, nullptr) != 0) {
        return cannot_make("a certificate request");
    }
    return std::string(pem.c_str());
}

const std::string& TillKey::public_key() const { return impl_->public_key; }

bool verify_signature(std::string_view public_key_der, std::string_view message, std::string_view signature) {
    const std::string_view head(reinterpret_cast<const char*>(public_key_head.data()),
                                public_key_head.size());
    if (public_key_der.size() != public_key_bytes || !public_key_der.starts_with(head)) return false;
    if (signature.empty() || signature.size() > signature_bytes_max) return false;
    const std::string_view point = public_key_der.substr(head.size());
    KeyPair key;
    Digest digest{};
    return mbedtls_ecp_group_load(&key->grp, curve) == 0 &&
           mbedtls_ecp_point_read_binary(&key->grp, &key->Q, raw(point), point.size()) == 0 &&
           mbedtls_ecp_check_pubkey(&key->grp, &key->Q) == 0 && hash(message, digest) &&
           mbedtls_ecdsa_read_signature(key.get(), digest.data(), digest.size(), raw(signature),
                                        signature.size()) == 0;
}

} // namespace mudi::sync
