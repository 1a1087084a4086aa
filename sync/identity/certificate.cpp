#include <charconv>
#include <chrono>
#include <optional>

#include <mbedtls/oid.h>
#include <mbedtls/x509_crt.h>

#include <mudi/base/bytes.hpp>
#include <mudi/sync/identity.hpp>

#include "mbed.hpp"

namespace mudi::sync {
namespace {

using Certificate = Owned<mbedtls_x509_crt, mbedtls_x509_crt_init, mbedtls_x509_crt_free>;

constexpr std::string_view name_head = "till-";
constexpr std::size_t serial_bytes_max = 20; // RFC 5280

std::string_view view(const mbedtls_x509_buf& bytes) {
    return {reinterpret_cast<const char*>(bytes.p), bytes.len};
}

/// The one common name; empty when there is none or more than one.
std::string_view common_name(const mbedtls_x509_name& subject) {
    std::string_view found;
    for (const mbedtls_x509_name* part = &subject; part != nullptr; part = part->next) {
        if (view(part->oid) != std::string_view(MBEDTLS_OID_AT_CN, sizeof MBEDTLS_OID_AT_CN - 1)) continue;
        if (!found.empty()) return {};
        found = view(part->val);
    }
    return found;
}

std::optional<TillId> till_of(std::string_view name) {
    if (!name.starts_with(name_head)) return std::nullopt;
    const std::string_view digits = name.substr(name_head.size());
    TillId till;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), till.value);
    // One text for one till: no sign, no zero in front.
    if (error != std::errc{} || end != digits.data() + digits.size() || till.value <= 0 || digits[0] == '0')
        return std::nullopt;
    return till;
}

std::optional<Time> time_of(const mbedtls_x509_time& time) {
    const std::chrono::year_month_day day{std::chrono::year{time.year},
                                          std::chrono::month{static_cast<unsigned>(time.mon)},
                                          std::chrono::day{static_cast<unsigned>(time.day)}};
    if (!day.ok()) return std::nullopt;
    return std::chrono::sys_days{day} + std::chrono::hours{time.hour} + std::chrono::minutes{time.min} +
           std::chrono::seconds{time.sec};
}

} // namespace

Result<CertificateFacts> read_certificate(std::string_view pem) {
    const auto damaged = [](const char* why) { return fail(Code::corrupt, "identity.certificate", why); };
    // A zero within the text would let mbedTLS see another end than we do.
    if (pem.size() > identity_pem_bytes_max || pem.find('\0') != std::string_view::npos)
        return damaged("not a certificate in PEM");
    const std::string text(pem);
    Certificate certificate;
    // Sizes count the closing zero: by it mbedTLS tells PEM from DER.
    if (mbedtls_x509_crt_parse(certificate.get(), raw(text), text.size() + 1) != 0)
        return damaged("not a certificate in PEM");
    const auto till = till_of(common_name(certificate->subject));
    if (!till) return damaged("not the certificate of a till");
    CertificateFacts facts{.till = *till, .not_before = {}, .not_after = {}, .public_key = {}, .serial = {}};
    facts.public_key = public_key_der(certificate->pk);
    if (facts.public_key.empty()) return damaged("the key is not of P-256");
    const auto not_before = time_of(certificate->valid_from);
    const auto not_after = time_of(certificate->valid_to);
    if (!not_before || !not_after || certificate->serial.len == 0 ||
        certificate->serial.len > serial_bytes_max)
        return damaged("dates or number are none");
    facts.not_before = *not_before;
    facts.not_after = *not_after;
    facts.serial = to_hex(view(certificate->serial));
    return facts;
}

} // namespace mudi::sync
