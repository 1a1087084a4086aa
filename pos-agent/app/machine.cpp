#include "machine.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <mudi/base/file.hpp>
#include <mudi/base/hash.hpp>

namespace mudi::till {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t name_bytes_max = 4096;

/// Built in, not plugged in today and out tomorrow, and not made by software.
bool is_built_in(const fs::path& card) {
    std::error_code error;
    const fs::path device = fs::canonical(card / "device", error);
    return !error && device.string().find("/usb") == std::string::npos;
}

} // namespace

Bits128 machine_hash() {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& card : fs::directory_iterator("/sys/class/net", error)) {
        if (!is_built_in(card.path())) continue;
        if (auto address = read_small_file((card.path() / "address").string(), name_bytes_max))
            names.push_back(*std::move(address));
    }
    std::sort(names.begin(), names.end());
    if (auto id = read_small_file("/etc/machine-id", name_bytes_max)) names.push_back(*std::move(id));
    if (names.empty()) return {};
    std::string all;
    for (const std::string& name : names) all += name + '\n';
    return hash128(all);
}

} // namespace mudi::till
