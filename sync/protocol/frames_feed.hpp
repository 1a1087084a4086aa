#pragma once

#include "envelope.hpp"

namespace mudi::sync {

Result<PullAnswer> read_pull_answer(const Payload& payload);

} // namespace mudi::sync
