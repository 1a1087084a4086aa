#include "certificate_maker.hpp"

#include <array>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <mudi/base/bytes.hpp>

namespace mudi::server {
namespace {

constexpr std::chrono::days ca_life{3652};
constexpr std::chrono::days server_certificate_life{366};
/// 2000-01-01: a till whose clock battery is dead must still be able to connect.
constexpr std::int64_t not_before_s = 946'684'800;
/// DER of a public key of P-256 with its curve by name and its point uncompressed, the one form that every
/// till reads.
constexpr int public_key_bytes = 91;

using Bio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using Extension = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;
using Number = std::unique_ptr<BIGNUM, Deleter<BN_free>>;
using Request = std::unique_ptr<X509_REQ, Deleter<X509_REQ_free>>;

std::string text_of(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

Bio reader_of(std::string_view pem) { return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))); }

bool set_serial(X509* certificate) {
    std::array<unsigned char, 16> bytes{};
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return false;
    bytes[0] &= 0x7f; // positive
    const Number number(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
    return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_times(X509* certificate, Time until) {
    const auto end = std::chrono::floor<std::chrono::seconds>(until).time_since_epoch().count();
    return ASN1_TIME_set(X509_getm_notBefore(certificate), static_cast<time_t>(not_before_s)) != nullptr &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), static_cast<time_t>(end)) != nullptr;
}

bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_name(X509_NAME* name, const std::string& common_name) {
    const auto add = [&](const char* field, const std::string& value) {
        return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                          reinterpret_cast<const unsigned char*>(value.data()),
                                          static_cast<int>(value.size()), -1, 0) == 1;
    };
    return add("O", "Mudi") && add("CN", common_name);
}

/// Out of the key, so that a lost ca.pem made again from ca.key is the same authority to those who trust it.
std::string authority_name(EVP_PKEY* key) {
    unsigned char* data = nullptr;
    const int size = i2d_PUBKEY(key, &data);
    if (size <= 0) return {};
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int digest_size = 0;
    const int hashed =
        EVP_Digest(data, static_cast<std::size_t>(size), digest.data(), &digest_size, EVP_sha256(), nullptr);
    OPENSSL_free(data);
    if (hashed != 1) return {};
    return "Mudi authority " + to_hex(std::string_view(reinterpret_cast<const char*>(digest.data()), 8));
}

std::string alternative_names(std::span<const std::string> names) {
    std::string out;
    const auto add = [&](std::string_view kind, const std::string& name) {
        if (!out.empty()) out += ',';
        out += std::string(kind) + name;
    };
    for (const auto& name : names) {
        if (is_address(name)) add("IP:", name);
        // mbedTLS 2.28, which NNG uses, looks at DNS names only, also for addresses.
        if (name.find(':') == std::string::npos) add("DNS:", name);
    }
    return out;
}

/// What every certificate below the authority has in common.
struct Leaf {
    std::string common_name;
    std::string alternative_names;
    std::string usage; ///< extended key usage
    Time until;
};

bool fill(X509* certificate, EVP_PKEY* key, const Authority& authority, const Leaf& leaf) {
    X509* issuer = authority.certificate.get();
    return certificate != nullptr && X509_set_version(certificate, 2) == 1 && set_serial(certificate) &&
           set_times(certificate, leaf.until) &&
           set_name(X509_get_subject_name(certificate), leaf.common_name) &&
           X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
           X509_set_pubkey(certificate, key) == 1 &&
           add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature") &&
           add_extension(certificate, issuer, NID_ext_key_usage, leaf.usage) &&
           add_extension(certificate, issuer, NID_subject_alt_name, leaf.alternative_names) &&
           add_extension(certificate, issuer, NID_authority_key_identifier, "keyid") &&
           X509_sign(certificate, authority.key.get(), EVP_sha256()) > 0;
}

} // namespace

tl::unexpected<Error> cannot_make(std::string_view what) {
    return fail(Code::io, "tls.make", "OpenSSL cannot make " + std::string(what));
}

Result<Key> make_key() {
    Key key(EVP_EC_gen("P-256"));
    if (!key) return cannot_make("a key");
    return key;
}

std::string pem_of(X509* certificate) {
    const Bio bio(BIO_new(BIO_s_mem()));
    return PEM_write_bio_X509(bio.get(), certificate) == 1 ? text_of(bio.get()) : std::string();
}

std::string pem_of(EVP_PKEY* key) {
    const Bio bio(BIO_new(BIO_s_mem()));
    return PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1
               ? text_of(bio.get())
               : std::string();
}

Certificate certificate_from(std::string_view pem) {
    return Certificate(PEM_read_bio_X509(reader_of(pem).get(), nullptr, nullptr, nullptr));
}

Key key_from(std::string_view pem) {
    // An encrypted key must not make OpenSSL ask on the terminal.
    static char no_password[] = "";
    return Key(PEM_read_bio_PrivateKey(reader_of(pem).get(), nullptr, nullptr, no_password));
}

Result<Certificate> make_authority(EVP_PKEY* key, Time now) {
    Certificate certificate(X509_new());
    const auto name = authority_name(key);
    const bool made =
        certificate && !name.empty() && X509_set_version(certificate.get(), 2) == 1 &&
        set_serial(certificate.get()) && set_times(certificate.get(), now + ca_life) &&
        set_name(X509_get_subject_name(certificate.get()), name) &&
        set_name(X509_get_issuer_name(certificate.get()), name) &&
        X509_set_pubkey(certificate.get(), key) == 1 &&
        add_extension(certificate.get(), certificate.get(), NID_basic_constraints,
                      "critical,CA:TRUE,pathlen:0") &&
        add_extension(certificate.get(), certificate.get(), NID_key_usage, "critical,keyCertSign,cRLSign") &&
        add_extension(certificate.get(), certificate.get(), NID_subject_key_identifier, "hash") &&
        X509_sign(certificate.get(), key, EVP_sha256()) > 0;
    if (!made) return cannot_make("the authority's certificate");
    return certificate;
}

Result<Certificate> make_server_certificate(EVP_PKEY* key, const Authority& authority,
                                            std::span<const std::string> names, Time now) {
    Certificate certificate(X509_new());
    const Leaf leaf{.common_name = names.front().substr(0, 64),
                    .alternative_names = alternative_names(names),
                    .usage = "serverAuth",
                    .until = now + server_certificate_life};
    if (!fill(certificate.get(), key, authority, leaf)) return cannot_make("the server's certificate");
    return certificate;
}

Result<Certificate> make_till_certificate(EVP_PKEY* key, const Authority& authority, TillId till,
                                          Time until) {
    Certificate certificate(X509_new());
    const std::string name = "till-" + std::to_string(till.value);
    const Leaf leaf{.common_name = name,
                    .alternative_names = "DNS:" + name,
                    .usage = "clientAuth,serverAuth",
                    .until = until};
    if (!fill(certificate.get(), key, authority, leaf)) return cannot_make("a till's certificate");
    return certificate;
}

Key key_of_request(std::string_view pem) {
    if (pem.size() > pem_bytes_max) return {};
    const Request request(PEM_read_bio_X509_REQ(reader_of(pem).get(), nullptr, nullptr, nullptr));
    if (!request) return {};
    Key key(X509_REQ_get_pubkey(request.get()));
    // The kind first: checking a signature of a huge RSA key takes as long as its maker likes.
    std::array<char, 32> group{};
    std::size_t size = 0;
    const bool ours = key && EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_EC &&
                      EVP_PKEY_get_group_name(key.get(), group.data(), group.size(), &size) == 1 &&
                      std::string_view(group.data(), size) == SN_X9_62_prime256v1 &&
                      i2d_PUBKEY(key.get(), nullptr) == public_key_bytes &&
                      X509_REQ_verify(request.get(), key.get()) == 1;
    return ours ? std::move(key) : Key{};
}

bool is_address(const std::string& name) {
    ASN1_OCTET_STRING* address = a2i_IPADDRESS(name.c_str());
    const bool is = address != nullptr;
    ASN1_OCTET_STRING_free(address);
    return is;
}

bool good_until(X509* certificate, Time time) {
    auto seconds =
        static_cast<time_t>(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
    return X509_cmp_time(X509_get0_notAfter(certificate), &seconds) > 0;
}

bool covers(X509* certificate, std::span<const std::string> names) {
    for (const auto& name : names) {
        const bool known = is_address(name)
                               ? X509_check_ip_asc(certificate, name.c_str(), 0) == 1
                               : X509_check_host(certificate, name.c_str(), name.size(), 0, nullptr) == 1;
        if (!known) return false;
    }
    return true;
}

} // namespace mudi::server
