#pragma once

#include <span>
#include <string>

#include "bench/bench.hpp"

namespace mudi::bench {

/// The same bodies brought to a durable place by other means, where they are installed; a note where not.
/// PostgreSQL: inserts over its own protocol, one and 500 a transaction. mosquitto: an SQLite outbox, QoS 1,
/// a subscriber that writes 500 a transaction into SQLite; the broker itself keeps nothing on the disk.
Status measure_peers(const Options& options, std::span<const std::string> bodies, Sheet& sheet);

} // namespace mudi::bench
