#include "folder_lock.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace mudi::till {

Result<FolderLock> FolderLock::take(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        const bool denied = errno == EACCES || errno == EPERM || errno == EROFS;
        return fail(denied ? Code::denied : Code::io, denied ? "file.denied" : "file.io",
                    path + ": " + std::strerror(errno));
    }
    FolderLock lock(fd);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0)
        return fail(Code::busy, "agent.running", path + ": another agent works in this folder");
    return lock;
}

FolderLock::~FolderLock() {
    if (fd_ >= 0) ::close(fd_);
}

} // namespace mudi::till
