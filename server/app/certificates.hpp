#pragma once

#include <filesystem>
#include <span>
#include <string>

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

} // namespace mudi::server
