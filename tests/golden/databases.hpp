#pragma once

#include <memory>
#include <string>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/random.hpp>
#include <mudi/server/keys.hpp>
#include <mudi/till/desk.hpp>
#include <mudi/till/store.hpp>

#include "golden/describe.hpp"

/// The databases of a corpus: the till "3" of the store KOL01, and the server, which has the first part of
/// what that till captured. Everything in them is made up.
namespace mudi::golden {

/// Ends the program: a corpus is made and read whole or not at all.
[[noreturn]] void give_up(const Error& error);

template <class T>
T must(Result<T> result) {
    if (!result) give_up(result.error());
    return *std::move(result);
}
inline void must(Status result) {
    if (!result) give_up(result.error());
}

inline const Time selling = time_from_ms(1'795'237'200'000); ///< 2026-11-21T05:00Z, half past ten in the shop

till::StoreOptions till_options(const std::string& folder, const Key256& data_key);
/// The key in `folder`/till.key.
Key256 till_key(const std::string& folder);
till::DeskOptions desk_options();
crm::IdentifierRules identifier_rules();

struct OpenTill {
    std::unique_ptr<SeededRandom> random;
    std::unique_ptr<till::Store> store;
    std::unique_ptr<till::Desk> desk;
};
/// Also brings an older till.db up to this program.
OpenTill open_till(const std::string& folder);

struct OpenServer {
    std::unique_ptr<db::Connection> writer;
    server::ServerKeys keys;
};
/// Also brings an older mudi.db up to this program.
OpenServer open_server(const std::string& folder);

/// What is in them, in words: sales, customers, standing.
Json till_words(OpenTill& till, const Key256& identifier_key);
Json server_words(OpenServer& server);

/// Makes both and their key in `folder`.
void make_databases(const std::string& folder);

} // namespace mudi::golden
