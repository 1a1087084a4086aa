#pragma once

#include <cstdint>
#include <string>

namespace mudi::pos {

/// 32 hex digits from the operating system's generator; empty when it gives none.
std::string random_id();
/// Microseconds since 1970, UTC.
std::int64_t now_us();

} // namespace mudi::pos
