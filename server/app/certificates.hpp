#pragma once

#include <chrono>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include <mudi/base/id.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/sync/transport.hpp>

namespace mudi::server {

/// The chain's own certificate authority, kept in `folder`: ca.pem (to be given to the tills), ca.key,
/// server.pem, server.key; keys have mode 0600. EC P-256; the authority is good for 10 years, the server's
/// certificate for one.
struct TlsIdentity {
    std::filesystem::path ca; ///< path of ca.pem
    sync::TlsServer server;
    bool ca_made{};
    bool certificate_made{};
};

/// Makes what is missing. A server certificate with less than 30 days left, for other `names`, or of another
/// key is made anew; for that, and only for that, ca.key must be there. `names`: DNS names and IP addresses
/// by which tills reach us. tls.ca (corrupt: the files in the folder do not belong together or cannot be
/// read), tls.ca_expired (invalid), tls.ca_key (not_found), tls.make (io), tls.names (invalid), and those of
/// files.
Result<TlsIdentity> tls_identity(const std::filesystem::path& folder, std::span<const std::string> names,
                                 Time now);

/// Renewal begins long before its end: a till that is away for half a year still comes back by itself.
inline constexpr std::chrono::days till_certificate_life{397};

/// A certificate (PEM) for the key of `csr_pem`, good from the year 2000 on (clocks of tills stand wrong)
/// until `life` from now, for either end of a connection. The name is "till-<n>", whatever the
/// request asks for. tls.csr (invalid: cannot be read, not signed with its own key, another kind of key),
/// tls.till (invalid), tls.ca_key (not_found), tls.ca, tls.ca_expired, tls.make as above.
Result<std::string> sign_till(const std::filesystem::path& folder, std::string_view csr_pem, TillId till,
                              Time now, std::chrono::seconds life = till_certificate_life);

/// What tills are to trust. file.missing (not_found) before the first start, tls.ca (corrupt).
Result<std::string> ca_pem(const std::filesystem::path& folder);

} // namespace mudi::server
