#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include <sqlite3.h>

#include "disk.hpp"

namespace mudi::sim {

struct OpenFile;

/// What the connections of one running program share of a file: its lock and the shared memory of the WAL.
struct SharedFile {
    int readers{}; ///< files that hold SHARED or more
    const OpenFile* reserved{};
    const OpenFile* pending{};
    const OpenFile* exclusive{};

    std::vector<std::unique_ptr<char[]>> regions;
    int mapped{};                                     ///< files that use the regions
    std::array<int, SQLITE_SHM_NLOCK> region_locks{}; ///< readers, or -1

    int lock(OpenFile& file, int level);
    int unlock(OpenFile& file, int level);
    int lock_regions(OpenFile& file, int first, int count, int flags);
    void* map(OpenFile& file, std::size_t region, std::size_t bytes, bool make);
    void unmap(OpenFile& file, bool forget);
};

/// SQLite's file object; SQLite gives the memory.
struct OpenFile : sqlite3_file {
    Disk* disk{}; ///< null: a temporary file, which no power cut concerns
    Disk::File file;
    FileContent scratch; ///< of a temporary file
    std::shared_ptr<SharedFile> shared;
    int level{SQLITE_LOCK_NONE};
    std::uint32_t regions_shared{};
    std::uint32_t regions_exclusive{};
    bool maps{};
    bool delete_on_close{};
    bool sync_directory{}; ///< with the next sync, as the log's first
};

/// The calls on an open file.
const sqlite3_io_methods* file_methods();
/// The disk whose program runs on this thread: it is told when SQLite sleeps.
Disk*& running_disk();
/// SQLite's word for it; `failed` is its error for that kind of call.
int status_code(DiskStatus status, int failed);

} // namespace mudi::sim
