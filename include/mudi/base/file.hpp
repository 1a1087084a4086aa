#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <mudi/base/result.hpp>

/// Small whole files. For edges and app only. Errors: file.missing (not_found), file.too_large (invalid),
/// file.denied (denied), file.full and file.io (io); the text names the path.
namespace mudi {

Result<std::string> read_small_file(const std::string& path, std::size_t bytes_max);

/// Written beside, synced and renamed: after a power cut the old or the new content stands there, never a
/// half. `mode` is what the file gets, whatever the umask: 0600 for secrets.
Status write_file(const std::string& path, std::string_view content, unsigned mode);

/// Makes the folder and its parents; one that is there already keeps its mode.
Status make_folder(const std::string& path, unsigned mode);

} // namespace mudi
