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
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(BIO* bio) const { BIO_free(bio); }
    void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Cert = std::unique_ptr<X509, Free>;

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

Cert make(EVP_PKEY* key, const std::string& name, long serial, X509* issuer, EVP_PKEY* issuer_key) {
    Cert certificate{X509_new()};
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 24 * 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509* signer = issuer == nullptr ? certificate.get() : issuer;
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer));
    check(X509_set_pubkey(certificate.get(), key) == 1);
    if (issuer == nullptr) {
        extend(certificate.get(), signer, NID_basic_constraints, "critical,CA:TRUE");
    } else {
        extend(certificate.get(), signer, NID_subject_alt_name, "DNS:" + name);
    }
    check(X509_sign(certificate.get(), issuer_key, EVP_sha256()) > 0);
    return certificate;
}

} // namespace

struct Authority::Impl {
    Key key{EVP_EC_gen("P-256")};
    Cert certificate{make(key.get(), "Mudi test authority", 1, nullptr, key.get())};
    long serial{1};
};

Authority::Authority() : impl_(new Impl) {}
Authority::~Authority() { delete impl_; }

std::string Authority::pem() const { return to_pem(impl_->certificate.get()); }

Certificate Authority::issue(const std::string& name) const {
    const Key key{EVP_EC_gen("P-256")};
    const Cert certificate =
        make(key.get(), name, ++impl_->serial, impl_->certificate.get(), impl_->key.get());
    return {to_pem(certificate.get()), to_pem(key.get())};
}

} // namespace mudi::test
