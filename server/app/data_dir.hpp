#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include <mudi/base/result.hpp>

namespace mudi::server {

/// Keeps a second server off a data folder; the kernel lets go of it however the process ends.
class FolderLock {
public:
    /// data_dir.in_use (busy) when another process holds it; file.denied, file.io.
    static Result<FolderLock> take(const std::filesystem::path& folder);
    FolderLock(FolderLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
    FolderLock& operator=(FolderLock&& other) noexcept {
        std::swap(file_, other.file_);
        return *this;
    }
    ~FolderLock();

private:
    explicit FolderLock(int file) : file_(file) {}
    int file_;
};

/// The operator's token: read, or made of 32 random bytes at first start (mode 0600). token.too_short
/// (invalid), and file errors.
Result<std::string> operator_token(const std::filesystem::path& path);

} // namespace mudi::server
