#include "certificates.hpp"

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <mudi/base/bytes.hpp>
#include <mudi/base/file.hpp>

namespace mudi::server {
namespace {

constexpr std::chrono::days ca_life{3652};
constexpr std::chrono::days certificate_life{366};
constexpr std::chrono::days renew_before{30};
constexpr std::size_t names_max = 32;
constexpr std::size_t name_bytes_max = 253;
constexpr std::size_t pem_bytes_max = std::size_t{64} * 1024;
/// 2000-01-01: a till whose clock battery is dead must still be able to connect.
constexpr std::int64_t not_before_s = 946'684'800;

template <auto Free>
struct Deleter {
    template <class T>
    void operator()(T* value) const {
        Free(value);
    }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Bio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using Extension = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;
using Number = std::unique_ptr<BIGNUM, Deleter<BN_free>>;

struct Authority {
    Certificate certificate;
    Key key; ///< may be absent: an operator may keep it elsewhere
    std::string pem;
};

tl::unexpected<Error> cannot_make(std::string_view what) {
    return fail(Code::io, "tls.make", "OpenSSL cannot make " + std::string(what));
}

std::string text_of(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
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

Bio reader_of(std::string_view pem) { return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))); }

Certificate certificate_from(std::string_view pem) {
    return Certificate(PEM_read_bio_X509(reader_of(pem).get(), nullptr, nullptr, nullptr));
}

Key key_from(std::string_view pem) {
    // An encrypted key must not make OpenSSL ask on the terminal.
    static char no_password[] = "";
    return Key(PEM_read_bio_PrivateKey(reader_of(pem).get(), nullptr, nullptr, no_password));
}

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

bool is_address(const std::string& name) {
    ASN1_OCTET_STRING* address = a2i_IPADDRESS(name.c_str());
    const bool is = address != nullptr;
    ASN1_OCTET_STRING_free(address);
    return is;
}

Status check_names(std::span<const std::string> names) {
    if (names.empty() || names.size() > names_max)
        return fail(Code::invalid, "tls.names", "1 to 32 server names are needed");
    for (const auto& name : names) {
        const bool plain =
            !name.empty() && name.size() <= name_bytes_max &&
            name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:*") ==
                std::string::npos;
        if (!plain || (name.find(':') != std::string::npos && !is_address(name))) {
            return fail(Code::invalid, "tls.names", "a server name is neither a DNS name nor an IP address");
        }
    }
    return {};
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

Result<Certificate> make_certificate(EVP_PKEY* key, const Authority& authority,
                                     std::span<const std::string> names, Time now) {
    Certificate certificate(X509_new());
    X509* issuer = authority.certificate.get();
    const bool made =
        certificate && X509_set_version(certificate.get(), 2) == 1 && set_serial(certificate.get()) &&
        set_times(certificate.get(), now + certificate_life) &&
        set_name(X509_get_subject_name(certificate.get()), names.front().substr(0, 64)) &&
        X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer)) == 1 &&
        X509_set_pubkey(certificate.get(), key) == 1 &&
        add_extension(certificate.get(), issuer, NID_basic_constraints, "critical,CA:FALSE") &&
        add_extension(certificate.get(), issuer, NID_key_usage, "critical,digitalSignature") &&
        add_extension(certificate.get(), issuer, NID_ext_key_usage, "serverAuth") &&
        add_extension(certificate.get(), issuer, NID_subject_alt_name, alternative_names(names)) &&
        add_extension(certificate.get(), issuer, NID_authority_key_identifier, "keyid") &&
        X509_sign(certificate.get(), authority.key.get(), EVP_sha256()) > 0;
    if (!made) return cannot_make("the server's certificate");
    return certificate;
}

/// True when it ends after `time`.
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

/// Empty when the file is not there.
Result<std::optional<std::string>> read_optional(const std::filesystem::path& path) {
    auto text = read_small_file(path.string(), pem_bytes_max);
    if (text) return std::optional(*std::move(text));
    if (text.error().code == Code::not_found) return std::optional<std::string>{};
    return tl::make_unexpected(std::move(text).error());
}

tl::unexpected<Error> damaged(const std::filesystem::path& path, std::string_view why) {
    return fail(Code::corrupt, "tls.ca", path.string() + ": " + std::string(why));
}

Result<Authority> load_authority(const std::filesystem::path& folder, Time now, bool& made) {
    MUDI_TRY(const auto certificate_text, read_optional(folder / "ca.pem"));
    MUDI_TRY(const auto key_text, read_optional(folder / "ca.key"));
    Authority authority;
    if (key_text) {
        authority.key = key_from(*key_text);
        if (!authority.key) return damaged(folder / "ca.key", "is not a private key");
    }
    if (certificate_text) {
        authority.certificate = certificate_from(*certificate_text);
        authority.pem = *certificate_text;
        if (!authority.certificate) return damaged(folder / "ca.pem", "is not a certificate");
        if (authority.key && X509_check_private_key(authority.certificate.get(), authority.key.get()) != 1) {
            return damaged(folder / "ca.key", "does not belong to ca.pem");
        }
        if (!good_until(authority.certificate.get(), now)) {
            return fail(Code::invalid, "tls.ca_expired",
                        (folder / "ca.pem").string() +
                            ": the authority has expired; move the folder away to make a new one");
        }
        return authority;
    }
    made = true;
    if (!authority.key) {
        authority.key.reset(EVP_EC_gen("P-256"));
        if (!authority.key) return cannot_make("a key");
        MUDI_CHECK(write_file((folder / "ca.key").string(), pem_of(authority.key.get()), 0600));
    }
    MUDI_TRY(authority.certificate, make_authority(authority.key.get(), now));
    authority.pem = pem_of(authority.certificate.get());
    MUDI_CHECK(write_file((folder / "ca.pem").string(), authority.pem, 0644));
    return authority;
}

/// True when `server` can be used as it stands.
bool usable(const sync::TlsServer& server, const Authority& authority, std::span<const std::string> names,
            Time now) {
    const auto certificate = certificate_from(server.certificate_pem);
    const auto key = key_from(server.key_pem);
    if (!certificate || !key) return false;
    return X509_check_private_key(certificate.get(), key.get()) == 1 &&
           X509_verify(certificate.get(), X509_get0_pubkey(authority.certificate.get())) == 1 &&
           good_until(certificate.get(), now + renew_before) && covers(certificate.get(), names);
}

} // namespace

Result<TlsIdentity> tls_identity(const std::filesystem::path& folder, std::span<const std::string> names,
                                 Time now) {
    MUDI_CHECK(check_names(names));
    MUDI_CHECK(make_folder(folder.string(), 0700));
    TlsIdentity identity;
    identity.ca = folder / "ca.pem";
    MUDI_TRY(const auto authority, load_authority(folder, now, identity.ca_made));
    MUDI_TRY(const auto certificate_text, read_optional(folder / "server.pem"));
    MUDI_TRY(const auto key_text, read_optional(folder / "server.key"));
    identity.server.certificate_pem = certificate_text.value_or("");
    identity.server.key_pem = key_text.value_or("");
    if (usable(identity.server, authority, names, now)) return identity;

    if (!authority.key) {
        return fail(Code::not_found, "tls.ca_key",
                    (folder / "ca.key").string() +
                        ": is needed to make a new server certificate and is not there");
    }
    const Key key(EVP_EC_gen("P-256"));
    if (!key) return cannot_make("a key");
    MUDI_TRY(const auto certificate, make_certificate(key.get(), authority, names, now));
    identity.server.certificate_pem = pem_of(certificate.get());
    identity.server.key_pem = pem_of(key.get());
    identity.certificate_made = true;
    MUDI_CHECK(write_file((folder / "server.key").string(), identity.server.key_pem, 0600));
    MUDI_CHECK(write_file((folder / "server.pem").string(), identity.server.certificate_pem, 0644));
    return identity;
}

} // namespace mudi::server
