#pragma once

#include <cstddef>

#include <mudi/base/result.hpp>
#include <mudi/sync/transport.hpp>

namespace mudi::bench {

/// Processor seconds of one TLS handshake, both ends and their certificates together: bare NNG, `count` times
/// one after the other, no request sent. anchor.link (io).
Result<double> handshake_processor_seconds(const sync::TlsServer& server, const sync::TlsClient& client,
                                           std::size_t count);

} // namespace mudi::bench
