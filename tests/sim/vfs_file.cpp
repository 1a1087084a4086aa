#include "vfs_file.hpp"

#include <algorithm>
#include <cstring>

namespace mudi::sim {

int SharedFile::lock(OpenFile& file, int level) {
    if (file.level >= level) return SQLITE_OK;
    const auto other = [&](const OpenFile* holder) { return holder != nullptr && holder != &file; };
    if (level == SQLITE_LOCK_SHARED) {
        if (other(pending) || other(exclusive)) return SQLITE_BUSY;
        ++readers;
        file.level = level;
        return SQLITE_OK;
    }
    if (other(reserved) || other(pending) || other(exclusive)) return SQLITE_BUSY;
    if (level == SQLITE_LOCK_RESERVED) {
        reserved = &file;
        file.level = level;
        return SQLITE_OK;
    }
    // New readers are kept out while the old ones leave.
    pending = &file;
    file.level = SQLITE_LOCK_PENDING;
    if (readers > 1) return SQLITE_BUSY;
    exclusive = &file;
    file.level = level;
    return SQLITE_OK;
}

int SharedFile::unlock(OpenFile& file, int level) {
    if (file.level <= level) return SQLITE_OK;
    for (const OpenFile** holder : {&reserved, &pending, &exclusive}) {
        if (*holder == &file) *holder = nullptr;
    }
    if (level == SQLITE_LOCK_NONE) --readers;
    file.level = level;
    return SQLITE_OK;
}

int SharedFile::lock_regions(OpenFile& file, int first, int count, int flags) {
    const std::uint32_t mask = ((1U << count) - 1U) << first;
    const auto begin = region_locks.begin() + first;
    const auto end = begin + count;
    if ((flags & SQLITE_SHM_UNLOCK) != 0) {
        for (int i = first; i < first + count; ++i) {
            const std::uint32_t bit = 1U << i;
            auto& lock = region_locks[static_cast<std::size_t>(i)];
            if ((file.regions_exclusive & bit) != 0) lock = 0;
            if ((file.regions_shared & bit) != 0) --lock;
        }
        file.regions_exclusive &= ~mask;
        file.regions_shared &= ~mask;
        return SQLITE_OK;
    }
    if ((flags & SQLITE_SHM_SHARED) != 0) {
        if ((file.regions_shared & mask) != 0) return SQLITE_OK;
        if (*begin < 0) return SQLITE_BUSY;
        ++*begin;
        file.regions_shared |= mask;
        return SQLITE_OK;
    }
    if (std::any_of(begin, end, [](int lock) { return lock != 0; })) return SQLITE_BUSY;
    std::fill(begin, end, -1);
    file.regions_exclusive |= mask;
    return SQLITE_OK;
}

void* SharedFile::map(OpenFile& file, std::size_t region, std::size_t bytes, bool make) {
    if (!file.maps) {
        file.maps = true;
        ++mapped;
    }
    if (region >= regions.size() && !make) return nullptr;
    while (regions.size() <= region) regions.push_back(std::make_unique<char[]>(bytes));
    return regions[region].get();
}

void SharedFile::unmap(OpenFile& file, bool forget) {
    if (!file.maps) return;
    lock_regions(file, 0, SQLITE_SHM_NLOCK, SQLITE_SHM_UNLOCK);
    file.maps = false;
    if (--mapped == 0 && forget) regions.clear();
}

Disk*& running_disk() {
    thread_local Disk* running = nullptr;
    return running;
}

int status_code(DiskStatus status, int failed) {
    switch (status) {
    case DiskStatus::ok: return SQLITE_OK;
    case DiskStatus::missing: return SQLITE_CANTOPEN;
    case DiskStatus::full: return SQLITE_FULL;
    case DiskStatus::failed: break;
    }
    return failed;
}

namespace {

OpenFile& of(sqlite3_file* file) { return *static_cast<OpenFile*>(file); }

int close_file(sqlite3_file* base) {
    OpenFile& file = of(base);
    if (file.shared) {
        file.shared->unmap(file, false);
        file.shared->unlock(file, SQLITE_LOCK_NONE);
    }
    if (file.disk != nullptr) {
        if (file.delete_on_close && file.file.epoch == file.disk->epoch() && !file.disk->dead())
            static_cast<void>(file.disk->remove(file.file.name));
        file.disk->close(file.file);
    }
    file.~OpenFile();
    return SQLITE_OK;
}

int read_file(sqlite3_file* base, void* out, int length, sqlite3_int64 offset) {
    OpenFile& file = of(base);
    const auto at = static_cast<std::uint64_t>(offset);
    const auto bytes = static_cast<std::size_t>(length);
    auto* to = static_cast<char*>(out);
    std::size_t done = file.disk == nullptr ? file.scratch.read(at, to, bytes) : 0;
    // As SQLite on Linux: what is missing is asked for again, until the end of the file.
    for (std::size_t got = 1; file.disk != nullptr && got > 0 && done < bytes; done += got) {
        const DiskStatus status = file.disk->read(file.file, at + done, to + done, bytes - done, got);
        if (status != DiskStatus::ok) return status_code(status, SQLITE_IOERR_READ);
    }
    std::memset(to + done, 0, bytes - done);
    return done == bytes ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

int write_file(sqlite3_file* base, const void* data, int length, sqlite3_int64 offset) {
    OpenFile& file = of(base);
    const auto at = static_cast<std::uint64_t>(offset);
    const std::string_view bytes{static_cast<const char*>(data), static_cast<std::size_t>(length)};
    if (file.disk != nullptr) return status_code(file.disk->write(file.file, at, bytes), SQLITE_IOERR_WRITE);
    file.scratch.write(at, bytes);
    file.scratch.sync();
    return SQLITE_OK;
}

int resize_file(sqlite3_file* base, sqlite3_int64 size) {
    OpenFile& file = of(base);
    const auto bytes = static_cast<std::uint64_t>(size);
    if (file.disk != nullptr) return status_code(file.disk->resize(file.file, bytes), SQLITE_IOERR_TRUNCATE);
    file.scratch.resize(bytes);
    file.scratch.sync();
    return SQLITE_OK;
}

int sync_file(sqlite3_file* base, int) {
    OpenFile& file = of(base);
    if (file.disk == nullptr) return SQLITE_OK;
    const int code = status_code(file.disk->sync(file.file), SQLITE_IOERR_FSYNC);
    if (code != SQLITE_OK || !file.sync_directory) return code;
    const int directory = status_code(file.disk->sync_directory(), SQLITE_IOERR_DIR_FSYNC);
    if (directory == SQLITE_OK) file.sync_directory = false;
    return directory;
}

int size_of_file(sqlite3_file* base, sqlite3_int64* size) {
    OpenFile& file = of(base);
    std::uint64_t bytes = file.scratch.size();
    const int code =
        file.disk == nullptr ? SQLITE_OK : status_code(file.disk->size(file.file, bytes), SQLITE_IOERR_FSTAT);
    *size = static_cast<sqlite3_int64>(bytes);
    return code;
}

/// After a crash nothing may be locked through a file of before: the program that has it is dead.
bool gone(const OpenFile& file) {
    return file.disk != nullptr && (file.disk->dead() || file.file.epoch != file.disk->epoch());
}

int lock_file(sqlite3_file* base, int level) {
    OpenFile& file = of(base);
    if (gone(file)) return SQLITE_IOERR_LOCK;
    running_disk() = file.disk;
    return file.shared ? file.shared->lock(file, level) : SQLITE_OK;
}

int unlock_file(sqlite3_file* base, int level) {
    OpenFile& file = of(base);
    return file.shared ? file.shared->unlock(file, level) : SQLITE_OK;
}

int check_reserved(sqlite3_file* base, int* answer) {
    OpenFile& file = of(base);
    if (gone(file)) return SQLITE_IOERR_CHECKRESERVEDLOCK;
    *answer = file.shared && (file.shared->reserved != nullptr || file.shared->exclusive != nullptr) ? 1 : 0;
    return SQLITE_OK;
}

int file_control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }

/// As of Linux's own file system layer in SQLite.
int sector_size(sqlite3_file*) { return 4096; }
int characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

int shm_map(sqlite3_file* base, int region, int bytes, int make, void volatile** out) {
    OpenFile& file = of(base);
    *out = nullptr;
    if (gone(file)) return SQLITE_IOERR_SHMMAP;
    *out =
        file.shared->map(file, static_cast<std::size_t>(region), static_cast<std::size_t>(bytes), make != 0);
    return SQLITE_OK;
}

int shm_lock(sqlite3_file* base, int first, int count, int flags) {
    OpenFile& file = of(base);
    if (gone(file) && (flags & SQLITE_SHM_UNLOCK) == 0) return SQLITE_IOERR_SHMLOCK;
    running_disk() = file.disk;
    return file.shared->lock_regions(file, first, count, flags);
}

void shm_barrier(sqlite3_file*) {}

int shm_unmap(sqlite3_file* base, int forget) {
    OpenFile& file = of(base);
    if (file.shared) file.shared->unmap(file, forget != 0);
    return SQLITE_OK;
}

} // namespace

const sqlite3_io_methods* file_methods() {
    static const sqlite3_io_methods methods = [] {
        sqlite3_io_methods out{};
        out.iVersion = 2; // with shared memory, without memory-mapped reading
        out.xClose = close_file;
        out.xRead = read_file;
        out.xWrite = write_file;
        out.xTruncate = resize_file;
        out.xSync = sync_file;
        out.xFileSize = size_of_file;
        out.xLock = lock_file;
        out.xUnlock = unlock_file;
        out.xCheckReservedLock = check_reserved;
        out.xFileControl = file_control;
        out.xSectorSize = sector_size;
        out.xDeviceCharacteristics = characteristics;
        out.xShmMap = shm_map;
        out.xShmLock = shm_lock;
        out.xShmBarrier = shm_barrier;
        out.xShmUnmap = shm_unmap;
        return out;
    }();
    return &methods;
}

} // namespace mudi::sim
