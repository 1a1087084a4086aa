#include "vfs.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <new>
#include <utility>

#include <mudi/base/assert.hpp>
#include <mudi/base/random.hpp>

#include "vfs_file.hpp"

namespace mudi::sim {
namespace {

constexpr std::int64_t year_2026_ms = 1'767'225'600'000;
constexpr std::int64_t unix_epoch_as_julian_ms = 210'866'760'000'000;
constexpr int path_bytes_max = 512;

struct Mounted {
    Disk* disk{};
    std::uint64_t epoch{};
    std::map<FileId, std::weak_ptr<SharedFile>> shared;
};

struct World {
    std::map<std::string, Mounted, std::less<>> mounts;
    SeededRandom random{1};
    std::function<Time()> clock;
};

World& world() {
    thread_local World one;
    return one;
}

struct Place {
    Mounted* mounted{};
    std::string_view file;
};

Place place_of(std::string_view path) {
    const auto slash = path.find('/');
    if (slash == std::string_view::npos) return {};
    const auto found = world().mounts.find(path.substr(0, slash));
    if (found == world().mounts.end()) return {};
    running_disk() = found->second.disk;
    return {&found->second, path.substr(slash + 1)};
}

std::shared_ptr<SharedFile> shared_of(Mounted& mounted, FileId id) {
    if (mounted.epoch != mounted.disk->epoch()) {
        mounted.shared.clear();
        mounted.epoch = mounted.disk->epoch();
    }
    auto& slot = mounted.shared[id];
    auto shared = slot.lock();
    if (!shared) {
        shared = std::make_shared<SharedFile>();
        slot = shared;
    }
    return shared;
}

int open_file(sqlite3_vfs*, const char* path, sqlite3_file* out, int flags, int* flags_out) {
    out->pMethods = nullptr;
    auto* file = new (out) OpenFile{};
    const auto give_up = [&](int code) {
        file->~OpenFile();
        new (out) sqlite3_file{};
        return code;
    };
    if (path != nullptr) {
        const Place place = place_of(path);
        if (place.mounted == nullptr) return give_up(SQLITE_CANTOPEN);
        file->disk = place.mounted->disk;
        const bool make = (flags & SQLITE_OPEN_CREATE) != 0;
        const int code = status_code(file->disk->open(place.file, make, file->file), SQLITE_CANTOPEN);
        if (code != SQLITE_OK) return give_up(code);
        if ((flags & SQLITE_OPEN_MAIN_DB) != 0) file->shared = shared_of(*place.mounted, file->file.id);
        constexpr int journals = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
        // Also when the file is there already: an earlier program may have died before its first sync.
        file->sync_directory = (flags & journals) != 0 && make;
        file->delete_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
    }
    if (flags_out != nullptr) *flags_out = flags;
    file->pMethods = file_methods();
    return SQLITE_OK;
}

int delete_file(sqlite3_vfs*, const char* path, int sync_directory) {
    const Place place = place_of(path);
    if (place.mounted == nullptr) return SQLITE_IOERR_DELETE;
    const DiskStatus removed = place.mounted->disk->remove(place.file);
    if (removed == DiskStatus::missing) return SQLITE_IOERR_DELETE_NOENT;
    if (removed != DiskStatus::ok) return SQLITE_IOERR_DELETE;
    if (sync_directory == 0) return SQLITE_OK;
    return status_code(place.mounted->disk->sync_directory(), SQLITE_IOERR_DIR_FSYNC);
}

int access_file(sqlite3_vfs*, const char* path, int flags, int* answer) {
    *answer = 0;
    const Place place = place_of(path);
    if (place.mounted == nullptr) return SQLITE_OK;
    std::optional<std::uint64_t> bytes;
    const int code = status_code(place.mounted->disk->exists(place.file, bytes), SQLITE_IOERR_ACCESS);
    // An empty file counts as none when SQLite looks for a journal, as on Linux.
    *answer = bytes && (flags != SQLITE_ACCESS_EXISTS || *bytes > 0) ? 1 : 0;
    return code;
}

int full_path(sqlite3_vfs*, const char* path, int out_bytes, char* out) {
    const std::size_t length = std::strlen(path);
    if (length >= static_cast<std::size_t>(out_bytes)) return SQLITE_CANTOPEN;
    std::memcpy(out, path, length + 1);
    return SQLITE_OK;
}

int randomness(sqlite3_vfs*, int bytes, char* out) {
    for (int i = 0; i < bytes; ++i) out[i] = static_cast<char>(world().random.next());
    return bytes;
}

int wait(sqlite3_vfs*, int microseconds) {
    const Disk* disk = running_disk();
    if (disk != nullptr && disk->on_wait) disk->on_wait(Duration{(microseconds + 999) / 1000});
    return microseconds;
}

int current_time_ms(sqlite3_vfs*, sqlite3_int64* out) {
    const auto& clock = world().clock;
    *out = unix_epoch_as_julian_ms + (clock ? to_ms(clock()) : year_2026_ms);
    return SQLITE_OK;
}

int current_time(sqlite3_vfs* vfs, double* out) {
    sqlite3_int64 ms = 0;
    current_time_ms(vfs, &ms);
    *out = static_cast<double>(ms) / 86'400'000.0;
    return SQLITE_OK;
}

int last_error(sqlite3_vfs*, int, char*) { return 0; }

/// As base/db does at its first connection; here it may come first. Later it is refused, which only costs
/// speed.
bool register_vfs() {
    static_cast<void>(sqlite3_config(SQLITE_CONFIG_MULTITHREAD));
    static_cast<void>(sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0));
    static sqlite3_vfs vfs{};
    vfs.iVersion = 2;
    vfs.szOsFile = static_cast<int>(sizeof(OpenFile));
    vfs.mxPathname = path_bytes_max;
    vfs.zName = vfs_name;
    vfs.xOpen = open_file;
    vfs.xDelete = delete_file;
    vfs.xAccess = access_file;
    vfs.xFullPathname = full_path;
    vfs.xRandomness = randomness;
    vfs.xSleep = wait;
    vfs.xCurrentTime = current_time;
    vfs.xGetLastError = last_error;
    vfs.xCurrentTimeInt64 = current_time_ms;
    return sqlite3_vfs_register(&vfs, 0) == SQLITE_OK;
}

void register_once() {
    static const bool registered = register_vfs();
    MUDI_ASSERT(registered);
}

} // namespace

Mount::Mount(std::string name, Disk& disk) : name_(std::move(name)) {
    register_once();
    MUDI_ASSERT(!name_.empty() && name_.find('/') == std::string::npos);
    const bool fresh = world().mounts.emplace(name_, Mounted{&disk, disk.epoch(), {}}).second;
    MUDI_ASSERT(fresh);
}

Mount::~Mount() {
    World& here = world();
    const auto found = here.mounts.find(name_);
    if (running_disk() == found->second.disk) running_disk() = nullptr;
    here.mounts.erase(found);
}

void reset_world(std::uint64_t seed, std::function<Time()> clock) {
    register_once();
    World& here = world();
    here.random = SeededRandom(seed);
    here.clock = std::move(clock);
    // SQLite draws from a stream of its own, seeded by 31 bits that may not be 0.
    const auto short_seed = static_cast<int>(SeededRandom(seed).next() & 0x7fffffffU);
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, std::max(short_seed, 1), static_cast<sqlite3*>(nullptr));
}

} // namespace mudi::sim
