#include "bench/machine.hpp"

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace {

constinit std::atomic<std::int64_t> syncs{0};

long sync_data(int file) { return ::syscall(SYS_fdatasync, file); }

} // namespace

// The dynamic linker finds these before those of libc, for us and for every library of ours.
extern "C" int fdatasync(int file) {
    ++syncs;
    return static_cast<int>(sync_data(file));
}
extern "C" int fsync(int file) {
    ++syncs;
    return static_cast<int>(::syscall(SYS_fsync, file));
}

namespace mudi::bench {
namespace {

constexpr off_t page_bytes = 4096;
constexpr off_t probe_bytes = 4 * 1024 * 1024;

/// The number behind "Name:" in a file of /proc; 0 when it is not there.
std::int64_t field_of(const std::filesystem::path& file, std::string_view name) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with(name) && line.size() > name.size() && line[name.size()] == ':')
            return std::atoll(line.c_str() + name.size() + 1);
    }
    return 0;
}

std::int64_t ticks_of(const std::filesystem::path& stat) {
    std::ifstream in(stat);
    std::string line;
    std::getline(in, line);
    // The program's name may hold blanks and brackets: fields are counted behind its last bracket.
    const auto bracket = line.rfind(')');
    if (bracket == std::string::npos) return 0;
    char* rest = line.data() + bracket + 3; // at the state letter
    std::int64_t ticks = 0;
    constexpr int user = 11; // fields after the state: 11 = utime, 12 = stime
    for (int field = 0; *rest != '\0' && field <= user + 1; ++field) {
        if (field >= user) ticks += std::atoll(rest);
        while (*rest != '\0' && *rest != ' ') ++rest;
        if (*rest == ' ') ++rest;
    }
    return ticks;
}

} // namespace

Machine look_at_machine() {
    Machine machine;
    machine.cores = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
    double loads[1] = {0};
    if (::getloadavg(loads, 1) == 1) machine.load = loads[0];
    const int policy = ::sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
    machine.fifo = policy == SCHED_FIFO || policy == SCHED_RR;
    return machine;
}

bool is_in_memory(const std::filesystem::path& folder) {
    struct statfs disk {};
    if (::statfs(folder.c_str(), &disk) != 0) return false;
    return disk.f_type == TMPFS_MAGIC || disk.f_type == RAMFS_MAGIC;
}

Result<ProcessCounts> count_process(pid_t pid) {
    const std::filesystem::path proc = "/proc/" + std::to_string(pid);
    ProcessCounts counts;
    counts.rss_kib = field_of(proc / "status", "VmRSS");
    if (counts.rss_kib == 0) return fail(Code::not_found, "machine.process", "the process is not there");
    counts.own_kib = field_of(proc / "status", "RssAnon");
    counts.share_kib = field_of(proc / "smaps_rollup", "Pss");
    counts.threads = field_of(proc / "status", "Threads");
    counts.ticks = ticks_of(proc / "stat");
    std::error_code error;
    for (const auto& thread : std::filesystem::directory_iterator(proc / "task", error))
        counts.wake_ups += field_of(thread.path() / "status", "voluntary_ctxt_switches");
    return counts;
}

std::int64_t syncs_made() { return syncs; }

Result<DiskProbe> DiskProbe::open(const std::filesystem::path& folder) {
    const std::string path = folder / "probe";
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) return fail(Code::io, "probe.disk", "cannot write below " + folder.string());
    return DiskProbe(file);
}

DiskProbe::DiskProbe(DiskProbe&& other) noexcept
    : file_(std::exchange(other.file_, -1)), offset_(other.offset_), samples_(std::move(other.samples_)) {}

DiskProbe::~DiskProbe() {
    if (file_ >= 0) ::close(file_);
}

Status DiskProbe::run(std::size_t commits) {
    const std::string page(page_bytes, 'x');
    for (std::size_t i = 0; i < commits; ++i) {
        const Watch watch;
        const bool written = ::pwrite(file_, page.data(), page.size(), offset_) == page_bytes;
        if (!written || sync_data(file_) != 0)
            return fail(Code::io, "probe.disk", "the disk takes no writes");
        samples_.add(watch.us());
        offset_ = (offset_ + page_bytes) % probe_bytes;
    }
    return {};
}

} // namespace mudi::bench
