#include "own_identity.hpp"

#include <algorithm>
#include <chrono>

#include <mudi/base/file.hpp>
#include <mudi/base/log.hpp>

namespace mudi::till {
namespace {

/// A certificate is valid from long before it was made, because clocks of tills stand wrong; none is made for
/// longer than this.
constexpr std::chrono::days life_max{397};

constexpr std::size_t pem_bytes_max = 64 * 1024;

} // namespace

Result<std::string> read_pem(const std::string& path) {
    if (path.empty()) return std::string{};
    return read_small_file(path, pem_bytes_max);
}

Result<OwnIdentity> OwnIdentity::make(TillId till, std::string_view key_pem, std::string certificate_pem,
                                      std::string certificate_file) {
    MUDI_TRY(auto key, sync::TillKey::from_pem(key_pem));
    OwnIdentity identity(till, std::move(key), std::move(certificate_file));
    MUDI_TRY(identity.facts_, identity.read(certificate_pem));
    identity.certificate_pem_ = std::move(certificate_pem);
    return identity;
}

Result<sync::CertificateFacts> OwnIdentity::read(std::string_view pem) const {
    MUDI_TRY(auto facts, sync::read_certificate(pem));
    if (facts.till != till_ || facts.public_key != key_.public_key()) {
        return fail(Code::conflict, "identity.other",
                    "the certificate is of another till, or not for this till's key");
    }
    return facts;
}

std::string OwnIdentity::sign(std::string_view text) const {
    auto signature = key_.sign(text);
    if (signature) return *std::move(signature);
    log::warning("identity.sign", signature.error());
    return {};
}

std::int64_t OwnIdentity::days_left(Time now) const {
    return std::chrono::floor<std::chrono::days>(facts_.not_after - now).count();
}

bool OwnIdentity::is_due(Time now) const {
    const auto life = std::min<Duration>(facts_.not_after - facts_.not_before, life_max);
    return now > facts_.not_after - life / 3;
}

Result<std::string> OwnIdentity::request() const { return key_.request(till_); }

Status OwnIdentity::take(const std::string& certificate_pem) {
    MUDI_TRY(facts_, read(certificate_pem));
    certificate_pem_ = certificate_pem;
    return write_file(file_, certificate_pem_, 0644);
}

} // namespace mudi::till
