#pragma once

#include <cstdint>
#include <filesystem>
#include <sys/types.h>

#include "bench/bench.hpp"

namespace mudi::bench {

struct Machine {
    int cores{};
    double load{};
    bool fifo{}; ///< we run under SCHED_FIFO or SCHED_RR
};
Machine look_at_machine();
/// A commit to memory says nothing.
bool is_in_memory(const std::filesystem::path& folder);

/// What the kernel has counted of a process, all its threads together.
struct ProcessCounts {
    std::int64_t rss_kib{};
    std::int64_t own_kib{};   ///< of it, not backed by a file
    std::int64_t share_kib{}; ///< pages that others use too counted by halves, thirds and so on (PSS)
    std::int64_t ticks{};     ///< of processor time, 100 a second
    std::int64_t wake_ups{};  ///< voluntary context switches
    std::int64_t threads{};
};
/// machine.process (not_found).
Result<ProcessCounts> count_process(pid_t pid);

/// Calls of fdatasync and fsync by this process, its libraries included: both are replaced by functions of
/// ours that count.
std::int64_t syncs_made();

/// A till's commit without anything around it: 4 KiB written, then fdatasync, going round in a file of 4 MiB
/// as a WAL does. Not counted in syncs_made().
class DiskProbe {
public:
    /// probe.disk (io).
    static Result<DiskProbe> open(const std::filesystem::path& folder);
    DiskProbe(DiskProbe&& other) noexcept;
    DiskProbe& operator=(DiskProbe&&) = delete;
    ~DiskProbe();

    Status run(std::size_t commits);
    [[nodiscard]] const Samples& samples() const { return samples_; }

private:
    explicit DiskProbe(int file) : file_(file) {}
    int file_;
    off_t offset_{};
    Samples samples_;
};

} // namespace mudi::bench
