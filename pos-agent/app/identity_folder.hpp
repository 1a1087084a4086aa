#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <mudi/base/config.hpp>
#include <mudi/base/result.hpp>

namespace mudi::till {

/// DATA/identity/enrolment.toml, as `mudi till enrol` writes it: who the till is to its server. Beside it lie
/// key.pem (0600), certificate.pem and ca.pem.
struct Enrolment {
    std::int64_t till{0};
    std::string store;
    std::string workstation;
    std::string server;      ///< where it syncs, as in the settings
    std::string server_name; ///< that the server's certificate shows; empty: the host of `server`

    void visit(config::Visitor& visitor);
};

struct IdentityFolder {
    std::string path;

    [[nodiscard]] std::string enrolment() const { return path + "/enrolment.toml"; }
    [[nodiscard]] std::string key() const { return path + "/key.pem"; }
    [[nodiscard]] std::string certificate() const { return path + "/certificate.pem"; }
    [[nodiscard]] std::string ca() const { return path + "/ca.pem"; }
};

/// Empty when the till was never enrolled. config.* when the file is not as it was written.
Result<std::optional<Enrolment>> read_enrolment(const IdentityFolder& folder);

} // namespace mudi::till
