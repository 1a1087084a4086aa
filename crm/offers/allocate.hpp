#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <mudi/base/money.hpp>

namespace mudi::crm {

/// Shares `total` out in proportion to `weights`, exactly: the largest remainders get the odd units, the
/// first of equals first. No share exceeds its weight. `weights` are >= 0 and `total` is 0..sum(weights).
std::vector<std::int64_t> allocate(Wide total, std::span<const std::int64_t> weights);

} // namespace mudi::crm
