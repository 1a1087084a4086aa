#include "golden/releases.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <catch2/catch.hpp>

namespace mudi::golden {
namespace {

std::string content(const std::filesystem::path& path) {
    std::ifstream in{path, std::ios::binary};
    INFO(path);
    REQUIRE(in);
    return {std::istreambuf_iterator<char>{in}, {}};
}

std::array<int, 3> ordered(const std::string& version) {
    std::array<int, 3> numbers{};
    std::sscanf(version.c_str(), "%d.%d.%d", &numbers[0], &numbers[1], &numbers[2]);
    return numbers;
}

std::vector<Release> read_all() {
    std::vector<Release> found;
    for (const auto& entry : std::filesystem::directory_iterator{MUDI_SOURCE_DIR "/tests/golden"}) {
        if (!std::filesystem::exists(entry.path() / "manifest.json")) continue;
        const std::string text = content(entry.path() / "manifest.json");
        found.push_back({entry.path().filename(), entry.path(), Json::parse(text)});
    }
    std::sort(found.begin(), found.end(),
              [](const Release& a, const Release& b) { return ordered(a.version) < ordered(b.version); });
    REQUIRE_FALSE(found.empty());
    REQUIRE(found.front().version == "0.1.0");
    return found;
}

} // namespace

std::string Release::file(const std::string& name) const {
    return content(std::filesystem::path{folder} / name);
}

std::string Release::sample(const std::string& part, const std::string& name) const {
    return file(part + "/" + name + ".bin");
}

const std::vector<Release>& releases() {
    static const std::vector<Release> all = read_all();
    return all;
}

} // namespace mudi::golden
