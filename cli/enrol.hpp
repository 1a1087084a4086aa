#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <mudi/base/clock.hpp>
#include <mudi/base/id.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>

namespace mudi::cli {

/// How a till gets its identity: `mudi till enrol`, the demo and the tests all come through here.
struct EnrolOptions {
    std::string server; ///< http://HOST:PORT of the store server
    std::string code;   ///< as somebody typed it
    std::filesystem::path data_dir;
    bool again{false}; ///< an identity that is there already is replaced (it is kept aside as identity.old)
};

struct Enrolled {
    TillId till;
    StoreId store;
    WorkstationId workstation;
    std::string sync_url;
    Time not_after; ///< the certificate's end; renewed long before
    /// How far this machine's clock stands ahead of the server's; empty when the server did not say.
    std::optional<Duration> clock_ahead;
};

/// Makes the till's key, has its certificate signed by the server and writes DATA_DIR/identity (mode 0700):
/// key.pem (0600), certificate.pem, ca.pem, enrolment.toml (till, store, workstation, server, server_name).
/// The folder appears whole or not at all. When the outcome is not known (a lost answer, a full disk, Ctrl-C)
/// the key stays in DATA_DIR/identity.new, and the same code enrols it again. `clock`: this machine's.
/// Errors: enrol.code (invalid), enrol.already (conflict), enrol.clock (invalid: the certificate is not valid
/// by this machine's clock), enrol.not_genuine (denied: whoever answered does not know the code), file.*,
/// http.*, cli.url, and what the server says (enrolment.*).
Result<Enrolled> enrol_till(const EnrolOptions& options, const Clock& clock = SystemClock{});

/// Writes a complete till.toml for an enrolled till, unless the file is there. True when it was written.
Result<bool> write_till_config(const std::filesystem::path& config, const std::filesystem::path& data_dir);

} // namespace mudi::cli
