#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include <mudi/base/clock.hpp>
#include <mudi/base/db/connection.hpp>
#include <mudi/base/id.hpp>
#include <mudi/base/money.hpp>
#include <mudi/base/result.hpp>
#include <mudi/crm/identifier.hpp>
#include <mudi/http/router.hpp>
#include <mudi/server/apply.hpp>
#include <mudi/server/customers.hpp>
#include <mudi/server/feed.hpp>
#include <mudi/server/import.hpp>
#include <mudi/server/keys.hpp>
#include <mudi/server/purchases.hpp>
#include <mudi/server/quarantine.hpp>
#include <mudi/server/status.hpp>

/// The REST API of docs/server-api.md and the console page: parse, ask the stores, render. No rules here.
namespace mudi::server {

/// Everything that reads, on one connection; belongs to one reader thread.
struct ReadSide {
    ReadSide(db::Connection& connection, const ServerKeys& keys, const crm::IdentifierRules& rules)
        : status(connection), customers(connection, keys.identifier_key, rules), purchases(connection),
          quarantine(connection), feed(connection) {}

    StatusReader status;
    CustomerReader customers;
    PurchaseReader purchases;
    QuarantineReader quarantine;
    FeedReader feed;
};

/// What a job of the writer's thread may use.
struct WriteSide {
    Apply& apply;
    Import& import;
    std::vector<FeedMoved> moved; ///< buckets that got rows by this job
};

/// What only the running process knows.
struct Live {
    struct Contact {
        EventSeq captured; ///< newest event the till has told of
        Time last;
    };
    std::size_t connected{};
    std::int64_t uptime_s{};
    std::int64_t rss_kib{};
    std::unordered_map<TillId, Contact> contacts;
};

/// The threads behind the API. Called on the loop thread; the jobs run elsewhere and come back through
/// post().
class Workers {
public:
    virtual ~Workers() = default;
    /// False when too many wait already (the caller is answered "busy").
    virtual bool read(std::function<void(ReadSide&)> job) = 0;
    virtual bool write(std::function<void(WriteSide&)> job) = 0;
    /// From any thread: runs on the loop thread.
    virtual void post(std::function<void()> job) = 0;
    virtual Live live() = 0;
};

struct ApiOptions {
    std::string version;
    std::string database; ///< "sqlite" or "postgresql"
    std::uint64_t generation{};
    Currency currency{inr};
    std::string member_code_secret;
    const Clock* clock{}; ///< outlives the routes
};

/// A till counts as connected when it was heard within this time: the longest poll and a little.
inline constexpr Duration contact_fresh{std::chrono::seconds{35}};
/// Largest body the API takes (imports).
inline constexpr std::size_t api_body_bytes_max = std::size_t{32} * 1024 * 1024;
/// Imports under way at once; each holds its whole file.
inline constexpr std::size_t imports_max = 4;
/// Refused rows listed one by one in an import's answer; beyond, they are only counted.
inline constexpr std::size_t refusals_listed_max = 10'000;

/// Adds every route. `workers` outlives the router.
void add_routes(http::Router& router, const ApiOptions& options, Workers& workers);
/// Paths that need no token.
std::vector<std::string> open_paths();

} // namespace mudi::server
