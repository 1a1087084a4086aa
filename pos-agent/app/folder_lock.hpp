#pragma once

#include <string>
#include <utility>

#include <mudi/base/result.hpp>

namespace mudi::till {

/// Keeps a second agent out of a data folder; the kernel lets go of it however the process ends.
class FolderLock {
public:
    /// agent.running (busy) when another process holds it; file.denied, file.io.
    static Result<FolderLock> take(const std::string& path);
    FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    FolderLock& operator=(FolderLock&&) = delete;
    ~FolderLock();

private:
    explicit FolderLock(int fd) : fd_(fd) {}
    int fd_;
};

} // namespace mudi::till
