#include <catch2/catch.hpp>

#include <csignal>

#include "cli/process.hpp"
#include "support/temp_dir.hpp"

using namespace mudi;
using namespace mudi::cli;
using namespace std::chrono_literals;

TEST_CASE("a child's lines are read as they come, its end is noticed") {
    test::TempDir folder;
    auto child = Process::start({"/bin/sh", "-c", "echo one; echo two; exit 3"}, folder.path() / "log");
    REQUIRE(child);
    CHECK(child->read_line(5s) == "one");
    CHECK(child->read_line(5s) == "two");
    CHECK(child->read_line(5s).error().name == "process.ended");
    CHECK(child->wait(5s) == 3);
    CHECK_FALSE(child->running());
}

TEST_CASE("a child that does not want to end is killed after its grace") {
    test::TempDir folder;
    auto child = Process::start({"/bin/sh", "-c", "trap '' TERM; echo ready; while :; do read x; done"},
                                folder.path() / "log");
    REQUIRE(child);
    REQUIRE(child->read_line(5s) == "ready");
    CHECK(child->read_line(1ms).error().name == "process.timeout");
    CHECK(child->stop(50ms) == 128 + SIGKILL);
    CHECK_FALSE(child->running());
}

TEST_CASE("a program that is not there ends at once") {
    test::TempDir folder;
    auto child = Process::start({"/nowhere/program"}, folder.path() / "log");
    REQUIRE(child);
    CHECK(child->wait(5s) == 127);
}
