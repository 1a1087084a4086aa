#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/hash.hpp>
#include <mudi/base/random.hpp>
#include <mudi/base/result.hpp>
#include <mudi/crm/identifier.hpp>

namespace mudi::server {

/// Drawn once per database and kept in it. The generation names this history: a till that knows another one
/// takes its bucket anew.
struct ServerKeys {
    std::uint64_t generation{};                      ///< never 0
    Key256 identifier_key;                           ///< for crm::identifier_hash
    std::array<unsigned char, 32> member_code_key{}; ///< public half
    std::array<unsigned char, 64>
        member_code_secret{}; ///< for crm::make_member_code; never leaves the server
};
std::string_view secret_view(const ServerKeys& keys);

/// Reads them, or makes them at first start. `random` must be fit for secrets.
Result<ServerKeys> load_or_make_keys(db::Connection& writer, Random& random);

/// After the database was put back from a backup: tills must not believe versions they saw before.
Result<std::uint64_t> begin_generation(db::Connection& writer, Random& random);

} // namespace mudi::server
