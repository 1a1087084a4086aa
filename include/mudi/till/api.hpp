#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <mudi/base/clock.hpp>
#include <mudi/base/random.hpp>
#include <mudi/base/result.hpp>
#include <mudi/http/guard.hpp>
#include <mudi/http/responder.hpp>
#include <mudi/till/desk.hpp>
#include <mudi/till/store.hpp>

namespace mudi::till {

/// What the driver of the sync knows, for the status.
struct LinkFacts {
    bool linked{false};
    std::optional<Time> last_contact;
    std::optional<Duration> clock_ahead; ///< the server's clock before ours
    /// Until the till's certificate ends, rounded down; empty when it has none.
    std::optional<std::int64_t> certificate_days{};
    std::string refused{}; ///< name of the reason why the server does not take this till; empty: it does
};

/// Who can be asked for points while a customer waits. Each asks back exactly once, in this turn (then
/// nothing was sent) or later; not after the Api is gone.
struct PointsLine {
    using OnAnswer = std::function<void(Result<sync::ReserveAnswer>)>;
    /// server.unreachable (unavailable), server.asked (busy: another question is under way); what it refuses
    /// comes as denied.
    std::function<void(const sync::Reserve&, OnAnswer)> server;
    /// The store's lead till. lead.unreachable (unavailable: it was not asked), lead.silent (unavailable: it
    /// did not answer); what it refuses comes as denied.
    std::function<void(const sync::Reserve&, OnAnswer)> lead;
    std::function<void(Duration, std::function<void()>)> later;
    /// Neighbours can ask this till, for it is the lead and listens.
    std::function<bool()> lending;
};

struct ApiOptions {
    std::string pairing_file;         ///< hashes of pairing tokens, mode 0600
    std::vector<std::string> origins; ///< exact origins of foreign pages
    std::string language{"en"};       ///< for readers who ask for none of ours
};

/// What the API stands on; all of it outlives the Api.
struct ApiParts {
    Desk& desk;
    Replica& replica;
    const Clock& clock;
    Random& random;
    /// Called once the answer to the request that captured it is under way, in the same turn of the loop.
    std::function<void(EventSeq last)> captured;
    std::function<LinkFacts()> link;
    std::function<std::int64_t()> spool_refused;
    PointsLine points{}; ///< empty: nobody can be asked
};

/// The calls of docs/pos-api.md over a Desk: parse, ask, render; no rules here. Loop thread only.
class Api {
public:
    /// Errors of the pairing file: file.*, pairing.corrupt.
    static Result<std::unique_ptr<Api>> open(ApiOptions options, ApiParts parts);
    Api(const Api&) = delete;
    Api& operator=(const Api&) = delete;
    ~Api();

    /// For http::Server::start; valid while the Api lives.
    http::Handler handler();
    http::GuardPolicy guard() const;

    /// One document of the spool folder, saved as POST /v1/complete would over the Unix socket.
    Status take_spooled(const std::string& document);
    /// The problem document of an error, in the shop's language.
    std::string problem_text(const Error& error) const;

    /// For the readers of /v1/events.
    void server_linked(bool up);
    void customers_updated(std::span<const TransactionKey> transactions);

private:
    struct Impl;
    explicit Api(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace mudi::till
