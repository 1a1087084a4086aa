#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include <support/temp_dir.hpp>

#include "server/app/rights_witness.hpp"

using namespace mudi;
using namespace mudi::server;

TEST_CASE("a database that says less than was seen was put back") {
    CHECK_FALSE(was_put_back(7, 7));
    CHECK_FALSE(was_put_back(6, 7)); // a power cut lost the newer word
    CHECK(was_put_back(8, 7));
    CHECK_FALSE(was_put_back(std::nullopt, 0));
    CHECK(was_put_back(std::nullopt, 1)); // on another machine, say
}

TEST_CASE("what was seen is read again, and nothing else is taken for it") {
    const test::TempDir folder;
    const auto file = folder.path() / "points.seen";
    CHECK_FALSE(read_witness(file));
    REQUIRE(write_witness(file, 123'456));
    CHECK(read_witness(file) == 123'456);
    REQUIRE(write_witness(file, 9));
    CHECK(read_witness(file) == 9);
    std::ofstream(file, std::ios::app) << "1";
    CHECK_FALSE(read_witness(file));
    std::ofstream(file, std::ios::trunc) << "12x45678901234567890\n";
    CHECK_FALSE(read_witness(file));
    CHECK_FALSE(write_witness(folder.path() / "no" / "folder", 1));
}
