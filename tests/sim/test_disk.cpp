#include <algorithm>
#include <set>
#include <string>

#include <catch2/catch.hpp>

#include <mudi/base/random.hpp>

#include "disk.hpp"

using namespace mudi;
using namespace mudi::sim;

namespace {

struct Fixture {
    Disk disk;
    SeededRandom random{7};

    Disk::File open(const std::string& name, bool make = true) {
        Disk::File file;
        REQUIRE(disk.open(name, make, file) == DiskStatus::ok);
        return file;
    }
    bool has(const std::string& name) {
        std::optional<std::uint64_t> bytes;
        REQUIRE(disk.exists(name, bytes) == DiskStatus::ok);
        return bytes.has_value();
    }
    std::string text(const std::string& name) {
        auto file = open(name, false);
        std::uint64_t bytes = 0;
        REQUIRE(disk.size(file, bytes) == DiskStatus::ok);
        std::string out(bytes, '?');
        std::size_t got = 0;
        REQUIRE(disk.read(file, 0, out.data(), out.size(), got) == DiskStatus::ok);
        REQUIRE(got == bytes);
        disk.close(file);
        return out;
    }
    /// A file that is wholly on the platters.
    Disk::File durable(const std::string& name, std::string_view content) {
        auto file = open(name);
        REQUIRE(disk.write(file, 0, content) == DiskStatus::ok);
        REQUIRE(disk.sync(file) == DiskStatus::ok);
        REQUIRE(disk.sync_directory() == DiskStatus::ok);
        return file;
    }
};

std::string repeated(char c, std::size_t count) { return std::string(count, c); }

} // namespace

TEST_CASE("what was synced survives every power cut, what was not goes or stays as the cut says") {
    Fixture f;
    auto file = f.durable("a", repeated('a', 6000));
    REQUIRE(f.disk.write(file, 3000, repeated('b', 4000)) == DiskStatus::ok);
    CHECK(f.disk.unsynced_bytes() == 4000);
    const std::string seen = repeated('a', 3000) + repeated('b', 4000);
    CHECK(f.text("a") == seen);
    SECTION("dropped") {
        f.disk.power_cut(f.random, Cut::drop_all);
        CHECK(f.text("a") == repeated('a', 6000));
    }
    SECTION("kept") {
        f.disk.power_cut(f.random, Cut::keep_all);
        CHECK(f.text("a") == seen);
        f.disk.power_cut(f.random, Cut::drop_all);
        CHECK(f.text("a") == seen);
    }
    SECTION("synced") {
        REQUIRE(f.disk.sync(file) == DiskStatus::ok);
        CHECK(f.disk.unsynced_bytes() == 0);
        f.disk.power_cut(f.random, Cut::drop_all);
        CHECK(f.text("a") == seen);
    }
    SECTION("only the program died") {
        f.disk.process_kill();
        CHECK(f.text("a") == seen);
        CHECK(f.disk.unsynced_bytes() == 4000);
        f.disk.power_cut(f.random, Cut::drop_all);
        CHECK(f.text("a") == repeated('a', 6000));
    }
}

TEST_CASE("unsynced truncations and growth are undone by a power cut") {
    Fixture f;
    const std::string whole = repeated('x', 5000) + repeated('y', 5000);
    auto file = f.durable("a", whole);
    REQUIRE(f.disk.resize(file, 100) == DiskStatus::ok);
    REQUIRE(f.disk.write(file, 9000, repeated('z', 3000)) == DiskStatus::ok);
    CHECK(f.text("a") == repeated('x', 100) + repeated('\0', 8900) + repeated('z', 3000));
    const auto image = f.disk.snapshot();
    f.disk.power_cut(f.random, Cut::drop_all);
    CHECK(f.text("a") == whole);
    f.disk.restore(image);
    f.disk.power_cut(f.random, Cut::keep_all);
    CHECK(f.text("a") == repeated('x', 100) + repeated('\0', 8900) + repeated('z', 3000));
}

TEST_CASE("a random power cut keeps, drops and tears each sector by itself") {
    std::uint64_t kept = 0, dropped = 0, torn = 0, seeds_alike = 0;
    std::set<std::string> outcomes;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        Fixture f;
        auto file = f.durable("a", repeated('o', 8192));
        REQUIRE(f.disk.write(file, 0, repeated('n', 8192)) == DiskStatus::ok);
        SeededRandom first(seed), second(seed);
        const auto image = f.disk.snapshot();
        f.disk.power_cut(first, Cut::random);
        const std::string after = f.text("a");
        f.disk.restore(image);
        f.disk.power_cut(second, Cut::random);
        seeds_alike += f.text("a") == after ? 1 : 0;
        REQUIRE(after.size() == 8192);
        for (std::size_t at = 0; at < after.size(); at += sector_bytes) {
            const auto fresh =
                std::count(after.begin() + static_cast<std::ptrdiff_t>(at),
                           after.begin() + static_cast<std::ptrdiff_t>(at + sector_bytes), 'n');
            (fresh == 0 ? dropped : fresh == 512 ? kept : torn) += 1;
        }
        outcomes.insert(after);
    }
    CHECK(seeds_alike == 200);
    CHECK(outcomes.size() > 100);
    CHECK(kept > 500);
    CHECK(dropped > 500);
    CHECK(torn > 50);
}

TEST_CASE("two unsynced writes of one sector may reach the platters in the other order") {
    std::set<std::string> seen;
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        Fixture f;
        auto file = f.durable("a", "old");
        REQUIRE(f.disk.write(file, 0, "one") == DiskStatus::ok);
        REQUIRE(f.disk.write(file, 0, "two") == DiskStatus::ok);
        REQUIRE(f.disk.write(file, 512, "end") == DiskStatus::ok);
        SeededRandom random(seed);
        f.disk.power_cut(random, Cut::random);
        auto left = f.text("a");
        if (left.size() > 3) seen.insert(left.substr(0, 3) + (left.size() == 515 ? "+end" : ""));
    }
    // Only the second write, the first having come after it or the second having been lost; the end without
    // any.
    CHECK(seen.contains("two+end"));
    CHECK(seen.contains("one+end"));
    CHECK(seen.contains("old+end"));
}

TEST_CASE("a new, renamed or removed name is durable only after its directory is synced") {
    Fixture f;
    f.durable("kept", "1");
    f.durable("moved", "2");
    f.durable("gone", "3");
    auto file = f.open("fresh");
    REQUIRE(f.disk.write(file, 0, "4") == DiskStatus::ok);
    REQUIRE(f.disk.sync(file) == DiskStatus::ok); // its bytes, not its name
    REQUIRE(f.disk.rename("moved", "there") == DiskStatus::ok);
    REQUIRE(f.disk.remove("gone") == DiskStatus::ok);
    CHECK_FALSE(f.has("gone"));
    CHECK(f.disk.remove("gone") == DiskStatus::missing);
    SECTION("not synced") {
        f.disk.power_cut(f.random, Cut::drop_all);
        CHECK_FALSE(f.has("fresh"));
        CHECK_FALSE(f.has("there"));
        CHECK(f.text("moved") == "2");
        CHECK(f.text("gone") == "3");
    }
    SECTION("synced") {
        REQUIRE(f.disk.sync_directory() == DiskStatus::ok);
        f.disk.power_cut(f.random, Cut::drop_all);
        CHECK(f.text("fresh") == "4");
        CHECK(f.text("there") == "2");
        CHECK_FALSE(f.has("moved"));
        CHECK_FALSE(f.has("gone"));
    }
    CHECK(f.text("kept") == "1");
}

TEST_CASE("a file that lost its name lives on for those who have it open") {
    Fixture f;
    auto file = f.durable("a", "body");
    REQUIRE(f.disk.remove("a") == DiskStatus::ok);
    REQUIRE(f.disk.sync_directory() == DiskStatus::ok);
    char bytes[4];
    std::size_t got = 0;
    CHECK(f.disk.read(file, 0, bytes, 4, got) == DiskStatus::ok);
    CHECK(std::string(bytes, got) == "body");
    CHECK(f.disk.used_bytes() == 4);
    f.disk.close(file);
    CHECK(f.disk.used_bytes() == 0);
    CHECK(f.disk.snapshot().files.empty());
}

TEST_CASE("snapshots are independent of the disk and of each other, with their unsynced writes") {
    Fixture f;
    auto file = f.durable("a", repeated('1', 10'000));
    REQUIRE(f.disk.write(file, 0, repeated('2', 5000)) == DiskStatus::ok);
    const auto image = f.disk.snapshot();
    const auto digest = image.digest();
    REQUIRE(f.disk.write(file, 2000, repeated('3', 8000)) == DiskStatus::ok);
    REQUIRE(f.disk.sync(file) == DiskStatus::ok);
    CHECK(image.digest() == digest);

    Disk other;
    other.restore(image);
    Disk::File there;
    REQUIRE(other.open("a", false, there) == DiskStatus::ok);
    REQUIRE(other.write(there, 0, "zzz") == DiskStatus::ok);
    CHECK(f.text("a") == repeated('2', 2000) + repeated('3', 8000));
    CHECK(image.digest() == digest);

    f.disk.restore(image);
    CHECK(f.text("a") == repeated('2', 5000) + repeated('1', 5000));
    char byte = 0;
    std::size_t got = 0;
    CHECK(f.disk.read(file, 0, &byte, 1, got) == DiskStatus::failed); // opened before the restore
    f.disk.power_cut(f.random, Cut::drop_all);
    CHECK(f.text("a") == repeated('1', 10'000));
}

TEST_CASE("a full disk writes what fits, refuses the rest, and works again when there is space") {
    Fixture f;
    auto file = f.durable("a", repeated('a', 1000));
    f.disk.leave_room(500);
    CHECK(f.disk.write(file, 0, repeated('b', 1000)) == DiskStatus::ok); // no growth
    CHECK(f.disk.write(file, 900, repeated('c', 1000)) == DiskStatus::full);
    CHECK(f.text("a") == repeated('b', 900) + repeated('c', 600));
    CHECK(f.disk.write(file, 1500, "d") == DiskStatus::full);
    auto other = f.open("b");
    CHECK(f.disk.write(other, 0, "e") == DiskStatus::full);
    REQUIRE(f.disk.resize(file, 1499) == DiskStatus::ok);
    CHECK(f.disk.write(other, 0, "e") == DiskStatus::ok);
    f.disk.faults.capacity_bytes = DiskFaults::unlimited;
    CHECK(f.disk.write(file, 900, repeated('c', 1000)) == DiskStatus::ok);
}

TEST_CASE("a lying disk says OK to every sync and loses what it said it had") {
    Fixture f;
    auto file = f.durable("a", "old");
    f.disk.faults.lying_sync = true;
    REQUIRE(f.disk.write(file, 0, "new") == DiskStatus::ok);
    CHECK(f.disk.sync(file) == DiskStatus::ok);
    f.open("b");
    CHECK(f.disk.sync_directory() == DiskStatus::ok);
    CHECK(f.disk.counters().syncs_lied == 2);
    f.disk.power_cut(f.random, Cut::drop_all);
    CHECK(f.text("a") == "old");
    CHECK_FALSE(f.has("b"));
}

TEST_CASE("after a failed sync the bytes stay to be seen and are never written back by themselves") {
    Fixture f;
    auto file = f.durable("a", repeated('o', 10'000));
    REQUIRE(f.disk.write(file, 0, repeated('1', 600)) == DiskStatus::ok);
    f.disk.faults.io = IoFault{.ops = only(DiskOp::sync)};
    f.disk.faults.failed_sync_forgets = GENERATE(true, false);
    CHECK(f.disk.sync(file) == DiskStatus::failed);
    REQUIRE(f.disk.write(file, 9000, repeated('2', 1000)) == DiskStatus::ok);
    CHECK(f.disk.sync(file) == DiskStatus::ok); // a second sync says OK, as on Linux
    const std::string seen = repeated('1', 600) + repeated('o', 8400) + repeated('2', 1000);
    CHECK(f.text("a") == seen);
    SECTION("lost in a power cut") {
        f.disk.power_cut(f.random, Cut::drop_all);
        CHECK(f.text("a") ==
              (f.disk.faults.failed_sync_forgets ? repeated('o', 9000) + repeated('2', 1000) : seen));
    }
    SECTION("durable when written anew") {
        REQUIRE(f.disk.write(file, 0, repeated('3', 4096)) == DiskStatus::ok);
        REQUIRE(f.disk.sync(file) == DiskStatus::ok);
        f.disk.power_cut(f.random, Cut::drop_all);
        CHECK(f.text("a") == repeated('3', 4096) + repeated('o', 4904) + repeated('2', 1000));
    }
}

TEST_CASE("errors strike the named kinds of calls, once or for good") {
    Fixture f;
    auto file = f.durable("a", "abcd");
    char bytes[4];
    std::size_t got = 0;
    f.disk.faults.io = IoFault{.ops = only(DiskOp::read), .after = 1};
    CHECK(f.disk.write(file, 0, "abcd") == DiskStatus::ok);
    CHECK(f.disk.read(file, 0, bytes, 4, got) == DiskStatus::ok);
    CHECK(f.disk.read(file, 0, bytes, 4, got) == DiskStatus::failed);
    CHECK(f.disk.read(file, 0, bytes, 4, got) == DiskStatus::ok);
    f.disk.faults.io = IoFault{.ops = only(DiskOp::read), .short_read = true};
    CHECK(f.disk.read(file, 0, bytes, 4, got) == DiskStatus::ok);
    CHECK(std::string(bytes, got) == "ab");
    CHECK(f.disk.read(file, 2, bytes, 4, got) == DiskStatus::ok);
    CHECK(std::string(bytes, got) == "cd");
    f.disk.faults.io = IoFault{.ops = write_ops, .persistent = true};
    for (int i = 0; i < 3; ++i) CHECK(f.disk.write(file, 0, "xxxx") == DiskStatus::failed);
    CHECK(f.disk.sync(file) == DiskStatus::ok);
    f.disk.faults.io.reset();
    CHECK(f.text("a") == "abcd");
}

TEST_CASE("a disk dies at the call it was told to, before that call does anything") {
    Fixture f;
    auto file = f.durable("a", "old");
    std::vector<std::string> calls;
    f.disk.on_call = [&](const DiskCall& call) { calls.emplace_back(call.file); };
    f.disk.die_at_call(2);
    CHECK(f.disk.write(file, 0, "1") == DiskStatus::ok);
    CHECK(f.disk.write(file, 1, "2") == DiskStatus::failed);
    CHECK(f.disk.dead());
    CHECK(f.disk.sync(file) == DiskStatus::failed);
    f.disk.process_kill();
    CHECK(f.text("a") == "1ld");
    CHECK(calls.size() == 2 + 3);
    CHECK(calls.front() == "a");
}

TEST_CASE("slow syncs are told in simulated time") {
    Fixture f;
    auto file = f.durable("a", "x");
    Duration waited{0};
    f.disk.on_wait = [&](Duration time) { waited += time; };
    f.disk.faults.sync_takes = Duration{250};
    REQUIRE(f.disk.sync(file) == DiskStatus::ok);
    REQUIRE(f.disk.sync_directory() == DiskStatus::ok);
    CHECK(waited == Duration{500});
}

TEST_CASE("the system writes back by itself what it can no longer hold") {
    Fixture f;
    auto file = f.durable("a", "x");
    f.disk.faults.lying_sync = true;
    f.disk.unsynced_bytes_max = 10'000;
    for (std::uint64_t at = 0; at < 30'000; at += 1000)
        REQUIRE(f.disk.write(file, at, repeated('w', 1000)) == DiskStatus::ok);
    CHECK(f.disk.unsynced_bytes() <= 10'000);
    f.disk.power_cut(f.random, Cut::drop_all);
    CHECK(f.text("a").size() >= 20'000);
}
