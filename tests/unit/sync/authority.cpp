#include "unit/sync/authority.hpp"

#include <memory>
#include <stdexcept>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace mudi::test {
namespace {

struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509_REQ* request) const { X509_REQ_free(request); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(BIO* bio) const { BIO_free(bio); }
    void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Cert = std::unique_ptr<X509, Free>;
using Request = std::unique_ptr<X509_REQ, Free>;
using Bio = std::unique_ptr<BIO, Free>;

void check(bool ok) {
    if (!ok) throw std::runtime_error("OpenSSL refused to make a test certificate");
}

template <class Write>
std::string to_pem(Write write) {
    const std::unique_ptr<BIO, Free> bio{BIO_new(BIO_s_mem())};
    check(write(bio.get()) == 1);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

std::string to_pem(X509* certificate) {
    return to_pem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

std::string to_pem(EVP_PKEY* key) {
    return to_pem(
        [&](BIO* bio) { return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr); });
}

void extend(X509* certificate, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, Free> extension{
        X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str())};
    check(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

Key new_key(KeyKind kind) {
    if (kind == KeyKind::rsa) return Key{EVP_RSA_gen(2048)};
    return Key{EVP_EC_gen(kind == KeyKind::p256 ? "P-256" : "P-384")};
}

Bio read(const std::string& pem) { return Bio{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))}; }

Key key_from(const std::string& pem) {
    return Key{PEM_read_bio_PrivateKey(read(pem).get(), nullptr, nullptr, nullptr)};
}

void set_name(X509_NAME* subject, const std::string& name) {
    check(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                     reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0) == 1);
}

Cert make(EVP_PKEY* key, const std::string& name, long serial, X509* issuer, EVP_PKEY* issuer_key,
          const CertificateOptions& options = {}) {
    Cert certificate{X509_new()};
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -7200);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), options.seconds);
    set_name(X509_get_subject_name(certificate.get()), name);
    X509* signer = issuer == nullptr ? certificate.get() : issuer;
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer));
    check(X509_set_pubkey(certificate.get(), key) == 1);
    if (issuer == nullptr) {
        extend(certificate.get(), signer, NID_basic_constraints, "critical,CA:TRUE");
    } else {
        extend(certificate.get(), signer, NID_subject_alt_name, "DNS:" + name);
        extend(certificate.get(), signer, NID_ext_key_usage, options.usage);
    }
    check(X509_sign(certificate.get(), issuer_key, EVP_sha256()) > 0);
    return certificate;
}

} // namespace

std::string make_key(KeyKind kind) { return to_pem(new_key(kind).get()); }

std::string make_request(const std::string& key_pem, const std::string& name, const std::string& signer_pem) {
    const Key key = key_from(key_pem);
    const Key signer = key_from(signer_pem.empty() ? key_pem : signer_pem);
    const Request request{X509_REQ_new()};
    set_name(X509_REQ_get_subject_name(request.get()), name);
    check(X509_REQ_set_pubkey(request.get(), key.get()) == 1 &&
          X509_REQ_sign(request.get(), signer.get(), EVP_sha256()) > 0);
    return to_pem([&](BIO* bio) { return PEM_write_bio_X509_REQ(bio, request.get()); });
}

struct Authority::Impl {
    Key key{EVP_EC_gen("P-256")};
    Cert certificate{make(key.get(), "Mudi test authority", 1, nullptr, key.get())};
    long serial{1};
};

Authority::Authority() : impl_(new Impl) {}
Authority::~Authority() { delete impl_; }

std::string Authority::pem() const { return to_pem(impl_->certificate.get()); }

Certificate Authority::issue(const std::string& name, const CertificateOptions& options) const {
    const Key key = new_key(options.key);
    const Cert certificate =
        make(key.get(), name, ++impl_->serial, impl_->certificate.get(), impl_->key.get(), options);
    return {to_pem(certificate.get()), to_pem(key.get())};
}

std::string Authority::sign(const std::string& request_pem, const std::string& name) const {
    const Request request{PEM_read_bio_X509_REQ(read(request_pem).get(), nullptr, nullptr, nullptr)};
    check(request != nullptr);
    EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
    check(X509_REQ_verify(request.get(), key) == 1);
    return to_pem(make(key, name, ++impl_->serial, impl_->certificate.get(), impl_->key.get()).get());
}

Certificate Authority::self_made(const std::string& name) {
    const Key key = new_key(KeyKind::p256);
    return {to_pem(make(key.get(), name, 1, nullptr, key.get()).get()), to_pem(key.get())};
}

} // namespace mudi::test
