#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <mudi/base/id.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>

/// Who a till is: its key, what it signs with it, and what stands in its certificate. EC P-256 and SHA-256
/// throughout. Made on mbedTLS, which the transport loads anyway.
namespace mudi::sync {

/// Longest PEM text that is looked at, in bytes.
inline constexpr std::size_t identity_pem_bytes_max = std::size_t{16} * 1024;
/// A signature is no longer than this (ECDSA P-256 in DER).
inline constexpr std::size_t signature_bytes_max = 72;

/// The secret of one till; leaves its machine never. Not for two threads at once.
class TillKey {
public:
    /// Drawn from the operating system's generator. identity.make (io).
    static Result<TillKey> make();
    /// identity.key (corrupt): no key, encrypted, of another kind, or damaged.
    static Result<TillKey> from_pem(std::string_view pem);

    TillKey(TillKey&&) noexcept;
    TillKey& operator=(TillKey&&) noexcept;
    ~TillKey();

    /// Unencrypted: belongs into a file of mode 0600.
    [[nodiscard]] Result<std::string> pem() const;
    /// ECDSA over the SHA-256 of `message`, DER. identity.make (io).
    [[nodiscard]] Result<std::string> sign(std::string_view message) const;
    /// PKCS#10 in PEM for the subject "till-<n>" (0: not known yet); the authority puts in the name that it
    /// gave the till, whatever stands here. identity.make (io).
    [[nodiscard]] Result<std::string> request(TillId till) const;
    /// DER SubjectPublicKeyInfo, 91 bytes; the same as CertificateFacts::public_key of a certificate for this
    /// key.
    [[nodiscard]] const std::string& public_key() const;

private:
    struct Impl;
    explicit TillKey(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

struct CertificateFacts {
    TillId till; ///< > 0
    Time not_before;
    Time not_after;
    std::string public_key; ///< DER SubjectPublicKeyInfo
    std::string serial;     ///< lower-case hex

    friend bool operator==(const CertificateFacts&, const CertificateFacts&) = default;
};

/// Reads what stands there (the first certificate of the text); whether an authority signed it is not looked
/// at. identity.certificate (corrupt): damaged, of another kind of key, or not of a till.
Result<CertificateFacts> read_certificate(std::string_view pem);

/// True when `signature` is the key's over this very message. Any bytes may come in; work and memory do not
/// grow with them beyond the hash of `message`. Safe from any thread.
bool verify_signature(std::string_view public_key_der, std::string_view message, std::string_view signature);

} // namespace mudi::sync
