#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/sync/identity.hpp>

namespace mudi::till {

/// A PEM file; empty when no file is named. file.*.
Result<std::string> read_pem(const std::string& path);

/// An enrolled till's key and certificate while the agent runs. Loop thread only.
class OwnIdentity {
public:
    /// identity.key, identity.certificate (corrupt); identity.other (conflict: the certificate is not for
    /// this key, or of another till). A renewed certificate goes to `certificate_file`.
    static Result<OwnIdentity> make(TillId till, std::string_view key_pem, std::string certificate_pem,
                                    std::string certificate_file);

    /// Empty when it cannot be made.
    [[nodiscard]] std::string sign(std::string_view text) const;
    [[nodiscard]] const std::string& certificate_pem() const { return certificate_pem_; }
    /// Whole days until the certificate ends, rounded down; negative when it has.
    [[nodiscard]] std::int64_t days_left(Time now) const;
    [[nodiscard]] Time not_after() const { return facts_.not_after; }
    /// Less than a third of its life is left.
    [[nodiscard]] bool is_due(Time now) const;
    /// A request for a new certificate of the same key.
    [[nodiscard]] Result<std::string> request() const;
    /// From now on this one, and in the file; when only the file cannot be written it is used all the same
    /// and file.* comes back. Refused: identity.certificate, identity.other.
    Status take(const std::string& certificate_pem);

private:
    OwnIdentity(TillId till, sync::TillKey key, std::string file)
        : till_(till), key_(std::move(key)), file_(std::move(file)) {}
    Result<sync::CertificateFacts> read(std::string_view pem) const;

    TillId till_;
    sync::TillKey key_;
    std::string file_;
    std::string certificate_pem_;
    sync::CertificateFacts facts_;
};

} // namespace mudi::till
