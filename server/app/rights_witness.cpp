#include "rights_witness.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include <mudi/base/file.hpp>

namespace mudi::server {
namespace {

constexpr std::size_t digits_max = 20;

} // namespace

/// Always of one length and in one write: a process that ends leaves the old or the new number.
Status write_witness(const std::filesystem::path& file, std::int64_t moves) {
    std::string text = std::to_string(moves);
    text.insert(0, digits_max - text.size(), '0');
    text += '\n';
    const int opened = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    const bool written =
        opened >= 0 && ::pwrite(opened, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
    const int fault = errno;
    if (opened >= 0) ::close(opened);
    if (!written) return fail(Code::io, "file.io", file.string() + ": " + std::strerror(fault));
    return {};
}

std::optional<std::int64_t> read_witness(const std::filesystem::path& file) {
    const auto text = read_small_file(file.string(), digits_max + 1);
    if (!text || text->size() != digits_max + 1 || text->back() != '\n') return std::nullopt;
    std::int64_t moves = 0;
    const char* const end = text->data() + digits_max;
    const auto [at, error] = std::from_chars(text->data(), end, moves);
    if (error != std::errc{} || at != end) return std::nullopt;
    return moves;
}

bool was_put_back(std::optional<std::int64_t> seen, std::int64_t moves) {
    return seen ? moves < *seen : moves > 0;
}

} // namespace mudi::server
