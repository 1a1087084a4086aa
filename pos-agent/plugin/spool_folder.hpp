#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "outcome.hpp"

namespace mudi::pos {

/// The agent's spool folder, from the writing side: what is in it under its final name is whole and on the
/// disk. Any thread.
class SpoolFolder {
public:
    explicit SpoolFolder(std::string path) : path_(std::move(path)) {}

    /// Returns after file and folder are synced. spool.write (MUDI_E_AGENT): nothing is left behind.
    Outcome<bool> put(std::string_view document);

private:
    std::string next_name();

    std::string path_;
    std::mutex mutex_;
    std::int64_t last_us_{0};
};

} // namespace mudi::pos
