#include "file_reserve.hpp"

#include <limits>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace mudi::till {

FileReserve::FileReserve(std::string path, std::int64_t bytes) : path_(std::move(path)), bytes_(bytes) {
    if (bytes_ == 0) ::unlink(path_.c_str());
}

std::int64_t FileReserve::free_bytes() const {
    struct statvfs disk {};
    const std::string folder = path_.substr(0, path_.rfind('/'));
    // What cannot be told is not taken for full.
    if (::statvfs(folder.c_str(), &disk) != 0) return std::numeric_limits<std::int64_t>::max();
    return static_cast<std::int64_t>(disk.f_bavail) * static_cast<std::int64_t>(disk.f_frsize);
}

bool FileReserve::full() { return free_bytes() < full_below; }

bool FileReserve::is_held() const {
    struct stat file {};
    constexpr std::int64_t block_bytes = 512;
    return ::stat(path_.c_str(), &file) == 0 && file.st_size == bytes_ &&
           file.st_blocks * block_bytes >= bytes_;
}

bool FileReserve::give_back() { return bytes_ > 0 && ::unlink(path_.c_str()) == 0; }

bool FileReserve::make() {
    if (bytes_ > 0 && is_held()) return true;
    // Some more than the reserve: it must not itself be what fills the disk.
    if (free_bytes() < bytes_ + bytes_ / 4 + 2 * full_below) return false;
    if (bytes_ == 0) return true;
    const int file = ::open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) return false;
    const bool made = ::posix_fallocate(file, 0, bytes_) == 0;
    ::close(file);
    if (!made) ::unlink(path_.c_str());
    return made;
}

} // namespace mudi::till
