#include <filesystem>
#include <fstream>

#include <sys/mount.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include <pos-agent/app/file_reserve.hpp>
#include <support/temp_dir.hpp>

using namespace mudi;
using namespace mudi::till;

namespace {

constexpr std::int64_t mib = 1024 * 1024;

} // namespace

TEST_CASE("a reserve is real blocks, made once and given back once") {
    const test::TempDir folder;
    const std::string path = folder.file("reserve");
    FileReserve reserve(path, 3 * mib);
    CHECK_FALSE(reserve.give_back());
    REQUIRE(reserve.make());
    struct stat file {};
    REQUIRE(::stat(path.c_str(), &file) == 0);
    CHECK(file.st_size == 3 * mib);
    CHECK(file.st_blocks * 512 >= 3 * mib);
    CHECK((file.st_mode & 0777) == 0600);
    CHECK(reserve.make());
    CHECK(reserve.give_back());
    CHECK_FALSE(std::filesystem::exists(path));
    CHECK_FALSE(reserve.give_back());
    CHECK(reserve.make());
}

TEST_CASE("a reserve of another size, or one that is only a name, is made anew") {
    const test::TempDir folder;
    const std::string path = folder.file("reserve");
    std::ofstream(path).close();
    std::filesystem::resize_file(path, 2 * mib); // a hole
    CHECK(FileReserve(path, 2 * mib).make());
    struct stat file {};
    REQUIRE(::stat(path.c_str(), &file) == 0);
    CHECK(file.st_blocks * 512 >= 2 * mib);
    CHECK(FileReserve(path, mib).make());
    CHECK(std::filesystem::file_size(path) == static_cast<std::uintmax_t>(mib));
}

TEST_CASE("a reserve of no size keeps nothing and takes away an earlier one") {
    const test::TempDir folder;
    const std::string path = folder.file("reserve");
    REQUIRE(FileReserve(path, mib).make());
    FileReserve none(path, 0);
    CHECK_FALSE(std::filesystem::exists(path));
    CHECK(none.make());
    CHECK_FALSE(std::filesystem::exists(path));
    CHECK_FALSE(none.give_back());
}

TEST_CASE("a disk that is too small for the reserve and some more is left alone") {
    const test::TempDir folder;
    if (::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=4m") != 0) {
        WARN("skipped: no right to mount a small disk");
        return;
    }
    {
        FileReserve large(folder.file("reserve"), 3 * mib);
        CHECK_FALSE(large.make());
        CHECK_FALSE(std::filesystem::exists(folder.file("reserve")));
        CHECK_FALSE(large.full());
        FileReserve small(folder.file("reserve"), 2 * mib);
        CHECK(small.make());
        std::ofstream file(folder.file("other"), std::ios::binary);
        file << std::string(static_cast<std::size_t>(2 * mib), 'x') << std::flush;
        CHECK(small.full());
        CHECK(small.give_back());
        CHECK_FALSE(small.full());
        CHECK_FALSE(small.make());
    }
    ::umount(folder.path().c_str());
}
