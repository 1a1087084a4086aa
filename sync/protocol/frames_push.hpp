#pragma once

#include "envelope.hpp"

namespace mudi::sync {

Result<PushedBatch> read_push(const Payload& payload, const RequestLimits& limits);

} // namespace mudi::sync
