#include "spool_folder.hpp"

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "system.hpp"

namespace mudi::pos {
namespace {

/// The agent may run as another user of the same group.
constexpr mode_t folder_mode = 0770;
constexpr mode_t file_mode = 0640;

class Descriptor {
public:
    explicit Descriptor(int value) : value_(value) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (value_ >= 0) ::close(value_);
    }
    [[nodiscard]] int get() const { return value_; }

private:
    int value_;
};

/// errno of the step that failed, 0 when all is on the disk.
int write_synced(const std::string& path, std::string_view content) {
    const Descriptor file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, file_mode));
    if (file.get() < 0) return errno;
    while (!content.empty()) {
        const ssize_t count = ::write(file.get(), content.data(), content.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return errno;
        content.remove_prefix(static_cast<std::size_t>(count));
    }
    return ::fsync(file.get()) == 0 ? 0 : errno;
}

int sync_folder(const std::string& path) {
    const Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.get() < 0) return errno;
    return ::fsync(folder.get()) == 0 ? 0 : errno;
}

tl::unexpected<Fault> failed(int reason) {
    char text[128] = "";
    const char* why = ::strerror_r(reason, text, sizeof text);
    return fault(MUDI_E_AGENT, "spool.write",
                 std::string("neither the agent nor the spool folder took the sale: ") + why);
}

} // namespace

/// Names sort by the time of writing, also when the clock goes back while we run: a return must not overtake
/// its sale.
std::string SpoolFolder::next_name() {
    std::int64_t us = now_us();
    {
        const std::lock_guard lock(mutex_);
        if (us <= last_us_) us = last_us_ + 1;
        last_us_ = us;
    }
    char name[64];
    const std::string tail = random_id().substr(0, 8); // other processes write here too
    std::snprintf(name, sizeof name, "%020" PRId64 "-%s", us, tail.c_str());
    return name;
}

Outcome<bool> SpoolFolder::put(std::string_view document) {
    if (::mkdir(path_.c_str(), folder_mode) != 0 && errno != EEXIST) return failed(errno);
    const std::string name = path_ + "/" + next_name();
    const std::string beside = name + ".tmp";
    const std::string final_name = name + ".json";
    if (const int reason = write_synced(beside, document); reason != 0) {
        ::unlink(beside.c_str());
        return failed(reason);
    }
    if (::rename(beside.c_str(), final_name.c_str()) != 0) {
        const int reason = errno;
        ::unlink(beside.c_str());
        return failed(reason);
    }
    // The agent may have taken the file already, and then it is saved; taking it back would be of no use.
    if (const int reason = sync_folder(path_); reason != 0) return failed(reason);
    return true;
}

} // namespace mudi::pos
