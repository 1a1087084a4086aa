#pragma once

#include <string>

namespace mudi::test {

struct Certificate {
    std::string pem;
    std::string key_pem;
};

enum class KeyKind { p256, p384, rsa };
struct CertificateOptions {
    KeyKind key{KeyKind::p256};
    long seconds{24 * 3600}; ///< from now to its end; may be negative
    std::string usage{"clientAuth,serverAuth"};
};

/// A private key in PEM.
std::string make_key(KeyKind kind);
/// PKCS#10 in PEM. With `signer_pem` it is signed with that key instead of its own.
std::string make_request(const std::string& key_pem, const std::string& name,
                         const std::string& signer_pem = {});

/// A certificate authority for one test, P-256.
class Authority {
public:
    Authority();
    ~Authority();
    Authority(const Authority&) = delete;
    Authority& operator=(const Authority&) = delete;

    [[nodiscard]] std::string pem() const;
    /// For a server of that name or a client.
    [[nodiscard]] Certificate issue(const std::string& name, const CertificateOptions& options = {}) const;
    /// For the key of a request; whatever it asks for.
    [[nodiscard]] std::string sign(const std::string& request_pem, const std::string& name) const;
    /// Signed by nobody but itself.
    [[nodiscard]] static Certificate self_made(const std::string& name);

private:
    struct Impl;
    Impl* impl_;
};

} // namespace mudi::test
