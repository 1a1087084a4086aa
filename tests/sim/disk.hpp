#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mudi/base/bytes.hpp>
#include <mudi/base/random.hpp>
#include <mudi/base/time.hpp>

#include "disk_content.hpp"

/// One machine's disk in memory, with everything that disks do to programs. Nothing here knows SQLite
/// (vfs.hpp) and nothing depends on addresses, clocks or chance: the same calls give the same bytes. One
/// thread per simulated world.
namespace mudi::sim {

using FileId = std::uint32_t;

/// A disk's whole state as a value: files, what is synced of them, the directory. A copy costs a few words
/// per 4 KiB and shares the bytes. Has no open files, faults or counters.
struct DiskImage {
    struct DirectoryChange {
        std::string name;
        std::optional<FileId> file; ///< absent: the name goes
        std::string other_name;     ///< of a renaming: the name that goes with it
    };
    std::map<FileId, FileContent> files;
    std::map<std::string, FileId, std::less<>> names;
    std::map<std::string, FileId, std::less<>> durable_names;
    std::vector<DirectoryChange> directory_changes; ///< not durable yet
    FileId next{1};

    /// Hash of all names and bytes as their users see them.
    [[nodiscard]] Bits128 digest() const;
};

enum class DiskOp : std::uint8_t { open, read, write, resize, sync, size, exists, remove, sync_directory };
/// A set of them.
using DiskOps = std::uint32_t;
constexpr DiskOps only(DiskOp op) { return DiskOps{1} << static_cast<unsigned>(op); }
inline constexpr DiskOps every_op = (DiskOps{1} << 9) - 1;
inline constexpr DiskOps write_ops =
    only(DiskOp::write) | only(DiskOp::resize) | only(DiskOp::remove) | only(DiskOp::open);
inline constexpr DiskOps sync_ops = only(DiskOp::sync) | only(DiskOp::sync_directory);

enum class DiskStatus : std::uint8_t { ok, missing, full, failed };

struct DiskCall {
    DiskOp op;
    std::string_view file;
    std::uint64_t number; ///< from 1, as in DiskCounters::calls
};

/// EIO; or a read that brings only half of the bytes and has to be asked for the rest.
struct IoFault {
    DiskOps ops{every_op};
    std::uint64_t after{0}; ///< so many of these calls still work
    bool persistent{false}; ///< else only one fails
    bool short_read{false}; ///< strikes reads only
};

struct DiskFaults {
    static constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();
    /// Sum of all file sizes; writing beyond it writes what fits and is refused.
    std::uint64_t capacity_bytes{unlimited};
    /// Every sync says OK and does nothing.
    bool lying_sync{false};
    /// As on Linux: after a sync has failed, what was written up to then is never written back by itself.
    bool failed_sync_forgets{true};
    Duration sync_takes{0};
    std::optional<IoFault> io;
};

struct DiskCounters {
    std::uint64_t calls{};
    std::uint64_t syncs{}; ///< that did what they promise
    std::uint64_t syncs_lied{};
    std::uint64_t bytes_written{};
    std::uint64_t refused{}; ///< calls that failed by a fault, also those of a dead disk
};

class Disk {
public:
    /// One open file; worth nothing after a crash or restore (every call fails then).
    struct File {
        FileId id{};
        std::uint64_t epoch{};
        FileContent* content{};
        std::string name;
        bool made{}; ///< by this open
    };

    Disk() = default;
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;

    /// @{ What happens to the machine. Each of these closes every file for ever; connections made on them
    /// should be destroyed before the machine starts again.
    /// The machine loses power: unsynced writes and directory changes as `cut` says. Alive again after it.
    void power_cut(Random& random, Cut cut);
    /// Only the program dies: what was written stays, also unsynced.
    void process_kill();
    void restore(const DiskImage& image);
    /// @}
    [[nodiscard]] DiskImage snapshot() const { return image_; }

    /// Nothing reaches a dead disk and every call fails, until power_cut(), process_kill() or restore(): the
    /// moment of a kill, seen from a program that SQLite does not let us throw through.
    void die() { dead_ = true; }
    [[nodiscard]] bool dead() const { return dead_; }
    /// The n-th call from now (1: the next) finds the disk dead and does nothing. 0: never.
    void die_at_call(std::uint64_t n) { dies_at_ = n == 0 ? 0 : counters_.calls + n; }
    /// Comes before each call; may take snapshots or call die().
    std::function<void(const DiskCall&)> on_call;
    /// Simulated time that a sync or a waiting program takes.
    std::function<void(Duration)> on_wait;

    /// @{ May change at any time.
    DiskFaults faults;
    /// So many more bytes fit from now on.
    void leave_room(std::uint64_t bytes) { faults.capacity_bytes = used_bytes() + bytes; }
    /// @}
    [[nodiscard]] std::uint64_t used_bytes() const;
    [[nodiscard]] std::uint64_t unsynced_bytes() const;
    [[nodiscard]] const DiskCounters& counters() const { return counters_; }
    /// Changes with every crash and restore.
    [[nodiscard]] std::uint64_t epoch() const { return epoch_; }
    /// The operating system does not keep more unsynced bytes of one file than this; then it writes them
    /// back.
    std::size_t unsynced_bytes_max{std::size_t{16} * 1024 * 1024};

    /// @{ What programs do. `missing`: no such file. A new name is durable only after sync_directory().
    DiskStatus open(std::string_view name, bool make, File& file);
    void close(File& file);
    /// `got` may be less than asked for, also before the end; 0 is the end.
    DiskStatus read(const File& file, std::uint64_t offset, char* out, std::size_t length, std::size_t& got);
    DiskStatus write(const File& file, std::uint64_t offset, std::string_view data);
    DiskStatus resize(const File& file, std::uint64_t size);
    DiskStatus sync(const File& file);
    DiskStatus size(const File& file, std::uint64_t& bytes);
    /// Its size if it is there.
    DiskStatus exists(std::string_view name, std::optional<std::uint64_t>& bytes);
    /// An open file lives on without its name.
    DiskStatus remove(std::string_view name);
    DiskStatus rename(std::string_view from, const std::string& to);
    DiskStatus sync_directory();
    /// @}

private:
    /// Counts, asks the hook, and says what is wrong with this call.
    DiskStatus begin(DiskOp op, std::string_view name);
    DiskStatus begin(DiskOp op, const File& file) {
        const DiskStatus status = begin(op, file.name);
        return status == DiskStatus::ok && file.epoch != epoch_ ? DiskStatus::failed : status;
    }
    /// True when the fault strikes this call; a fault that strikes once is then over.
    bool strike(DiskOp op);
    void wait_for_sync();
    void change_directory(DiskImage::DirectoryChange change);
    void forget_unused();
    void crash();

    DiskImage image_;
    std::map<FileId, int> open_;
    DiskCounters counters_;
    std::uint64_t epoch_{1};
    std::uint64_t dies_at_{};
    bool dead_{};
};

} // namespace mudi::sim
