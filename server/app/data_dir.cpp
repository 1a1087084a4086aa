#include "data_dir.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <mudi/base/bytes.hpp>
#include <mudi/base/file.hpp>
#include <mudi/base/random.hpp>
#include <mudi/base/text.hpp>

namespace mudi::server {
namespace {

constexpr std::size_t token_file_bytes_max = 4096;
constexpr std::size_t token_bytes_min = 32;

} // namespace

Result<FolderLock> FolderLock::take(const std::filesystem::path& folder) {
    const auto path = (folder / "lock").string();
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) {
        const bool denied = errno == EACCES || errno == EPERM || errno == EROFS;
        return fail(denied ? Code::denied : Code::io, denied ? "file.denied" : "file.io",
                    path + ": " + std::strerror(errno));
    }
    FolderLock lock(file);
    if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
        return fail(Code::busy, "data_dir.in_use",
                    folder.string() + ": another mudi-server works in this folder");
    }
    return lock;
}

FolderLock::~FolderLock() {
    if (file_ >= 0) ::close(file_);
}

Result<std::string> operator_token(const std::filesystem::path& path) {
    auto text = read_small_file(path.string(), token_file_bytes_max);
    if (text) {
        auto token = std::string(trim(*text));
        if (token.size() >= token_bytes_min) return token;
        return fail(Code::invalid, "token.too_short",
                    path.string() + ": holds no token of at least 32 characters");
    }
    if (text.error().code != Code::not_found) return text;
    SystemRandom random;
    auto token = to_hex(random.bits128()) + to_hex(random.bits128());
    MUDI_CHECK(write_file(path.string(), token + "\n", 0600));
    return token;
}

} // namespace mudi::server
