#include <utility>

#include <zlib.h>

#include "cli/replay/sales.hpp"

namespace mudi::cli {

Result<ReplayInput> ReplayInput::open(const std::string& path) {
    gzFile file = path == "-" ? ::gzdopen(0, "rb") : ::gzopen(path.c_str(), "rb");
    if (file == nullptr) return fail(Code::not_found, "replay.file", "cannot read " + path);
    return ReplayInput{file};
}

ReplayInput::ReplayInput(ReplayInput&& other) noexcept
    : file_(std::exchange(other.file_, nullptr)), buffer_(std::move(other.buffer_)) {}

ReplayInput::~ReplayInput() {
    if (file_ != nullptr) ::gzclose(static_cast<gzFile>(file_));
}

Result<std::string_view> ReplayInput::piece() {
    auto* file = static_cast<gzFile>(file_);
    const int count = ::gzread(file, buffer_.data(), static_cast<unsigned>(buffer_.size()));
    int error = Z_OK;
    ::gzerror(file, &error);
    // A file cut in the middle of its compressed stream reads as if it ended: only the error tells.
    if (count < 0 || (count == 0 && error != Z_OK))
        return fail(Code::corrupt, "replay.gzip", "the compressed file is damaged");
    return std::string_view(buffer_).substr(0, static_cast<std::size_t>(count));
}

} // namespace mudi::cli
