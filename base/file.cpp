#include <mudi/base/file.hpp>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mudi {
namespace {

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

tl::unexpected<Error> failed(const std::string& path, int error) {
    const std::string what = path + ": " + std::strerror(error);
    switch (error) {
    case ENOENT: return fail(Code::not_found, "file.missing", what);
    case EACCES:
    case EPERM:
    case EROFS: return fail(Code::denied, "file.denied", what);
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return fail(Code::io, "file.full", what);
    default: return fail(Code::io, "file.io", what);
    }
}

Status write_all(int fd, std::string_view content, const std::string& path) {
    while (!content.empty()) {
        const ssize_t count = ::write(fd, content.data(), content.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return failed(path, errno);
        content.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
}

Status write_new(const std::string& path, std::string_view content, unsigned mode) {
    const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file.get() < 0) return failed(path, errno);
    if (::fchmod(file.get(), static_cast<mode_t>(mode)) != 0) return failed(path, errno);
    MUDI_CHECK(write_all(file.get(), content, path));
    if (::fsync(file.get()) != 0) return failed(path, errno);
    return {};
}

} // namespace

Result<std::string> read_small_file(const std::string& path, std::size_t bytes_max) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) return failed(path, errno);
    std::string content(bytes_max + 1, '\0');
    std::size_t size = 0;
    while (size < content.size()) {
        const ssize_t count = ::read(file.get(), content.data() + size, content.size() - size);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return failed(path, errno);
        if (count == 0) break;
        size += static_cast<std::size_t>(count);
    }
    if (size > bytes_max) return fail(Code::invalid, "file.too_large", path + ": larger than allowed");
    content.resize(size);
    return content;
}

Status write_file(const std::string& path, std::string_view content, unsigned mode) {
    const std::string beside = path + ".new";
    if (auto written = write_new(beside, content, mode); !written) {
        ::unlink(beside.c_str());
        return written;
    }
    if (::rename(beside.c_str(), path.c_str()) != 0) return failed(path, errno);
    const std::string folder = std::filesystem::path(path).parent_path().string();
    const Descriptor parent(
        ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (parent.get() < 0 || ::fsync(parent.get()) != 0) return failed(path, errno);
    return {};
}

Status make_folder(const std::string& path, unsigned mode) {
    std::error_code error;
    const bool made = std::filesystem::create_directories(path, error);
    if (error) return failed(path, error.value());
    if (made && ::chmod(path.c_str(), static_cast<mode_t>(mode)) != 0) return failed(path, errno);
    return {};
}

} // namespace mudi
