#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include <mudi/base/result.hpp>

namespace mudi::server {

/// How often points had been set aside (RightsBook::moves), in a file of its own beside the database: when
/// the database says less at the next start, somebody has put back an earlier one. Not synced: a power cut
/// may leave an older number, which shows nothing.
Status write_witness(const std::filesystem::path& file, std::int64_t moves);
/// Empty: not there, or not to be read.
std::optional<std::int64_t> read_witness(const std::filesystem::path& file);

/// Was the database put back, or is nobody there who could tell although points were set aside before?
bool was_put_back(std::optional<std::int64_t> seen, std::int64_t moves);

} // namespace mudi::server
