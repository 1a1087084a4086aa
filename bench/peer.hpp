#pragma once

#include <span>
#include <string>

#include "bench/bench.hpp"

/// Each an error with a reason when the other program is not here.
namespace mudi::bench {

Status measure_postgres(const Options& options, std::span<const std::string> bodies, Sheet& sheet);
Status measure_mosquitto(const Options& options, std::span<const std::string> bodies, Sheet& sheet);

} // namespace mudi::bench
