#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <mudi/base/time.hpp>

#include "disk.hpp"

/// Real SQLite on simulated disks. Mounts, randomness and time belong to the calling thread: each thread is a
/// world of its own. A connection, its disk and its mount are used on one thread.
namespace mudi::sim {

/// For db::Options::vfs; known to SQLite once a Mount or reset_world() was there.
inline constexpr const char* vfs_name = "mudisim";

/// While it lives, "NAME/till.db" is the file till.db of this disk. Locks and the shared memory of the WAL
/// are those of one running program: they are gone after a power cut, a kill or a restore. Disk and mount
/// outlive every connection to it.
class Mount {
public:
    /// `name` without a slash, taken once per thread.
    Mount(std::string name, Disk& disk);
    Mount(const Mount&) = delete;
    Mount& operator=(const Mount&) = delete;
    ~Mount();

    [[nodiscard]] std::string path(const std::string& file) const { return name_ + "/" + file; }

private:
    std::string name_;
};

/// Makes what SQLite draws by itself (salts of the WAL) a function of `seed`, and its date functions follow
/// `clock` (none: 2026-01-01). SQLite has one generator per process: worlds that must replay exactly need a
/// process each, or one after the other.
void reset_world(std::uint64_t seed, std::function<Time()> clock = {});

} // namespace mudi::sim
