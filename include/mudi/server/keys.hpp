#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/hash.hpp>
#include <mudi/base/random.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/crm/identifier.hpp>
#include <mudi/sync/server_sync.hpp>

namespace mudi::server {

/// Drawn once per database and kept in it.
struct ServerKeys {
    Key256 identifier_key;                           ///< for crm::identifier_hash
    std::array<unsigned char, 32> member_code_key{}; ///< public half
    std::array<unsigned char, 64>
        member_code_secret{}; ///< for crm::make_member_code; never leaves the server
};
std::string_view secret_view(const ServerKeys& keys);

/// Reads them, or makes them at first start. `random` must be fit for secrets.
Result<ServerKeys> load_or_make_keys(db::Connection& writer, Random& random);

/// At every start, after migrate() and before anybody is served: from here on this is a history of its own,
/// however the database came to be what it is. Durable. Gives the newest generations, `generations_max` at
/// most, this start's last.
Result<sync::Lineage> begin_generation(db::Connection& writer, Random& random, Time now);
inline constexpr std::size_t generations_max = 1000;

} // namespace mudi::server
