#pragma once

#include <string>
#include <vector>

#include "golden/describe.hpp"

/// The committed corpora, for tests.
namespace mudi::golden {

struct Release {
    std::string version;
    std::string folder;
    Json manifest;

    [[nodiscard]] std::string file(const std::string& name) const;
    /// Content of PART/NAME.bin.
    [[nodiscard]] std::string sample(const std::string& part, const std::string& name) const;
};

/// All of them, oldest first; there is at least one.
const std::vector<Release>& releases();

} // namespace mudi::golden
