#pragma once

#include <filesystem>
#include <string>

#include <mudi/base/result.hpp>

#include "cli/fleet.hpp"
#include "cli/replay/sales.hpp"

namespace mudi::cli {

/// Bare commits of the disk below `folder`, the anchor of every durable figure: so many threads append 4 KiB
/// to a file of their own and call fdatasync, over and over; all together, per second.
Result<double> fsync_rate(const std::filesystem::path& folder, std::size_t threads, Duration duration);

struct SendReport {
    double seconds{};
    std::int64_t sent{};     ///< answered "saved"
    std::int64_t repeated{}; ///< of them, said to be known already
    std::string refused;     ///< the first refusal, empty when there was none
    std::int64_t refusals{};
};
/// Rings everything up, one connection and thread per till, each sale after the one before it was answered.
SendReport send_sales(const ReplayFile& file, const Fleet& fleet, bool quiet);

struct DrainReport {
    bool drained{false};
    double seconds{};
};
/// Waits until the tills have nothing unsent and the server has applied what it received.
DrainReport wait_until_drained(const Fleet& fleet, Duration patience, bool quiet);

/// The same figures as the tills hold them (summed) and as the server does.
Result<ReplayFigures> figures_of_tills(const Fleet& fleet);
Result<ReplayFigures> figures_of_server(const Fleet& fleet);

/// The sale as the till's API takes it.
std::string sale_document(const ReplayFile& file, const ReplaySale& sale, const Fleet& fleet);

} // namespace mudi::cli
