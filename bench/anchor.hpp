#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include <mudi/base/result.hpp>
#include <mudi/sync/transport.hpp>

namespace mudi::bench {

/// What the pipe itself can do: SQLite outbox, zstd, NNG REQ/REP, SQLite inbox, synchronous=FULL for what is
/// sold at both ends, and nothing around it: no rules, no identity, no recovery.
struct AnchorOptions {
    std::filesystem::path folder;
    std::string url;              ///< tcp:// or tls+tcp:// with port 0
    sync::TlsServer server_tls{}; ///< of tls+tcp://
    sync::TlsClient client_tls{};
    std::size_t clients{4}; ///< each with an outbox of its own
    std::size_t batch{500};
    /// The outboxes are read and packed beforehand, and acknowledgements not written down: what is left is
    /// the transport and the server's end.
    bool packed{false};
    bool lines{false}; ///< every document's lines are stored too, in a table with three indexes (json_each)
};

struct AnchorRun {
    double seconds{}; ///< until the last answer, and until the inbox's log is in its file
    std::int64_t events{};
    std::int64_t bytes{}; ///< of the requests, as NNG sends them
};

/// Brings `bodies` from the outboxes into the inbox. anchor.sql, anchor.link (io).
Result<AnchorRun> run_anchor(const AnchorOptions& options, std::span<const std::string> bodies);

} // namespace mudi::bench
