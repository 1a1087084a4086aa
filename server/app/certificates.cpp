#include "certificates.hpp"

#include <optional>
#include <utility>

#include <mudi/base/file.hpp>

#include "certificate_maker.hpp"

namespace mudi::server {
namespace {

constexpr std::chrono::days renew_before{30};
constexpr std::size_t names_max = 32;
constexpr std::size_t name_bytes_max = 253;

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

/// What is there of it: no certificate and no key when both files are missing.
Result<Authority> find_authority(const std::filesystem::path& folder, Time now) {
    MUDI_TRY(const auto certificate_text, read_optional(folder / "ca.pem"));
    MUDI_TRY(const auto key_text, read_optional(folder / "ca.key"));
    Authority authority;
    if (key_text) {
        authority.key = key_from(*key_text);
        if (!authority.key) return damaged(folder / "ca.key", "is not a private key");
    }
    if (!certificate_text) return authority;
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

Result<Authority> find_or_make_authority(const std::filesystem::path& folder, Time now, bool& made) {
    MUDI_TRY(Authority authority, find_authority(folder, now));
    if (authority.certificate) return authority;
    made = true;
    if (!authority.key) {
        MUDI_TRY(authority.key, make_key());
        MUDI_CHECK(write_file((folder / "ca.key").string(), pem_of(authority.key.get()), 0600));
    }
    MUDI_TRY(authority.certificate, make_authority(authority.key.get(), now));
    authority.pem = pem_of(authority.certificate.get());
    MUDI_CHECK(write_file((folder / "ca.pem").string(), authority.pem, 0644));
    return authority;
}

tl::unexpected<Error> key_missing(const std::filesystem::path& folder, std::string_view what) {
    return fail(Code::not_found, "tls.ca_key",
                (folder / "ca.key").string() + ": is needed to make " + std::string(what) +
                    " and is not there");
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
    MUDI_TRY(const auto authority, find_or_make_authority(folder, now, identity.ca_made));
    MUDI_TRY(const auto certificate_text, read_optional(folder / "server.pem"));
    MUDI_TRY(const auto key_text, read_optional(folder / "server.key"));
    identity.server.certificate_pem = certificate_text.value_or("");
    identity.server.key_pem = key_text.value_or("");
    if (usable(identity.server, authority, names, now)) return identity;

    if (!authority.key) return key_missing(folder, "a new server certificate");
    MUDI_TRY(const Key key, make_key());
    MUDI_TRY(const auto certificate, make_server_certificate(key.get(), authority, names, now));
    identity.server.certificate_pem = pem_of(certificate.get());
    identity.server.key_pem = pem_of(key.get());
    identity.certificate_made = true;
    MUDI_CHECK(write_file((folder / "server.key").string(), identity.server.key_pem, 0600));
    MUDI_CHECK(write_file((folder / "server.pem").string(), identity.server.certificate_pem, 0644));
    return identity;
}

Result<std::string> sign_till(const std::filesystem::path& folder, std::string_view csr_pem, TillId till,
                              Time now, std::chrono::seconds life) {
    if (till.value <= 0) return fail(Code::invalid, "tls.till", "a till's number is greater than 0");
    const Key key = key_of_request(csr_pem);
    if (!key) {
        return fail(Code::invalid, "tls.csr",
                    "not a PKCS#10 request in PEM that is signed with its own P-256 key");
    }
    MUDI_TRY(const auto authority, find_authority(folder, now));
    if (!authority.key || !authority.certificate) return key_missing(folder, "a till's certificate");
    MUDI_TRY(const auto certificate, make_till_certificate(key.get(), authority, till, now + life));
    return pem_of(certificate.get());
}

Result<std::string> ca_pem(const std::filesystem::path& folder) {
    MUDI_TRY(auto text, read_small_file((folder / "ca.pem").string(), pem_bytes_max));
    if (!certificate_from(text)) return damaged(folder / "ca.pem", "is not a certificate");
    return text;
}

} // namespace mudi::server
