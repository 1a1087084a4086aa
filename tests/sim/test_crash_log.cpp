#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/db/statement.hpp>
#include <mudi/base/hash.hpp>

#include "disk.hpp"
#include "vfs.hpp"

using namespace mudi;
using namespace mudi::sim;

namespace {

constexpr int commits_in_script = 30;
/// Every fourth commit is promised to survive a power cut, the others only their order.
constexpr bool is_durable(int number) { return number % 4 == 0; }

struct Moment {
    DiskImage image;
    int promised{}; ///< newest durable commit that said OK
};

/// A program that writes the numbers 1, 2, 3 … in a commit each, relaxed and durable ones mixed.
class Numbers {
public:
    explicit Numbers(Disk& disk) : mount_("box", disk) {
        options_.target = mount_.path("numbers.db");
        options_.vfs = vfs_name;
    }

    bool start() {
        stop();
        auto opened = db::Connection::open(options_);
        if (!opened) return false;
        connection_ = *std::move(opened);
        // Checkpoints come after relaxed commits and after durable ones.
        return connection_->execute("PRAGMA wal_autocheckpoint = 15") &&
               connection_->execute(
                   "CREATE TABLE IF NOT EXISTS number (a INTEGER PRIMARY KEY, b TEXT NOT NULL)");
    }
    void stop() { connection_.reset(); }
    [[nodiscard]] bool running() const { return connection_ != nullptr; }

    bool write(int number) {
        const auto commit = is_durable(number) ? db::Commit::durable : db::Commit::relaxed;
        auto transaction = db::WriteTransaction::begin(*connection_, commit);
        if (!transaction) return false;
        db::Command<std::int64_t, std::string> insert{*connection_,
                                                      "INSERT INTO number (a, b) VALUES (:a, :b)"};
        return insert(number, std::string(1500, static_cast<char>('a' + number % 26))) &&
               transaction->commit();
    }
    /// The numbers found, or -1 when there is a hole or the file is damaged.
    int count() {
        if (!start()) return -1;
        db::Query<db::Columns<std::int64_t, std::int64_t, std::string>, db::Params<>> find{
            *connection_, "SELECT count(*), coalesce(max(a), 0), (SELECT integrity_check FROM "
                          "pragma_integrity_check) FROM number"};
        const auto row = find.first();
        if (!row || !*row) return -1;
        const auto& [rows, newest, check] = **row;
        return rows == newest && check == "ok" ? static_cast<int>(rows) : -1;
    }

private:
    Mount mount_;
    db::Options options_;
    std::unique_ptr<db::Connection> connection_;
};

/// What a program does about an error.
enum class Reaction { tries_again, is_closed, is_killed };

/// Writes up to the end, each number until it is taken.
void write_all(Disk& disk, Numbers& program, Reaction reaction, int& written, int& promised) {
    for (int tries = 0; written < commits_in_script; ++tries) {
        REQUIRE(tries < 2 * commits_in_script);
        if (program.running() && program.write(written + 1)) {
            if (is_durable(++written)) promised = written;
            continue;
        }
        if (reaction == Reaction::tries_again && program.running()) continue;
        if (reaction == Reaction::is_killed) disk.die();
        program.stop();
        if (reaction == Reaction::is_killed) disk.process_kill();
        // The commit that failed may be there all the same; nobody was told so.
        const int found = program.count();
        REQUIRE(found >= written);
        written = found;
    }
    program.stop();
}

} // namespace

TEST_CASE("after a failed fsync no later commit is promised behind a gap in the log") {
    SeededRandom dice(21);
    const Reaction reaction = GENERATE(Reaction::tries_again, Reaction::is_closed, Reaction::is_killed);
    int struck = 0, cuts = 0;
    std::set<std::pair<Bits128, int>> looked_at;
    for (std::uint64_t after = 0;; ++after) {
        reset_world(20);
        Disk disk;
        std::vector<Moment> moments;
        int written = 0, promised = 0;
        auto program = std::make_unique<Numbers>(disk);
        REQUIRE(program->start());
        disk.faults.io = IoFault{.ops = sync_ops, .after = after};
        disk.on_call = [&](const DiskCall&) {
            if (!disk.faults.io) moments.push_back({disk.snapshot(), promised});
        };
        write_all(disk, *program, reaction, written, promised);
        program.reset();
        if (disk.faults.io) break;
        ++struck;
        moments.push_back({disk.snapshot(), promised});
        for (const Moment& moment : moments) {
            for (const Cut how : {Cut::drop_all, Cut::random}) {
                ++cuts;
                Disk other;
                other.restore(moment.image);
                other.power_cut(dice, how);
                if (!looked_at.emplace(other.snapshot().digest(), moment.promised).second) continue;
                Numbers again(other);
                const int found = again.count();
                INFO("sync " << after << " failed, promised " << moment.promised << ", found " << found);
                REQUIRE(found >= moment.promised);
            }
        }
    }
    std::printf("log: %d failed fsyncs, %d power cuts after them, %zu different disks\n", struck, cuts,
                looked_at.size());
    CHECK(struck > 15);
    CHECK(cuts > 1000);
}

TEST_CASE("two connections of one program keep each other out as SQLite's locks say") {
    reset_world(22);
    Disk disk;
    Mount mount("box", disk);
    db::Options options;
    options.target = mount.path("two.db");
    options.vfs = vfs_name;
    options.busy_ms_max = 200;
    Duration waited{0};
    disk.on_wait = [&](Duration time) { waited += time; };
    auto first = db::Connection::open(options).value();
    auto second = db::Connection::open(options).value();
    REQUIRE(first->execute("CREATE TABLE t (a INTEGER NOT NULL)"));
    {
        auto writing = db::WriteTransaction::begin(*first).value();
        REQUIRE(first->execute("INSERT INTO t VALUES (1)"));
        const auto refused = db::WriteTransaction::begin(*second);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().name == "db.busy");
        // It has waited, in simulated time.
        CHECK(waited >= Duration{200});
        db::Query<db::Columns<std::int64_t>, db::Params<>> count{*second, "SELECT count(*) FROM t"};
        CHECK(std::get<0>(*count.first().value()) == 0);
        REQUIRE(writing.commit());
        CHECK(std::get<0>(*count.first().value()) == 1);
    }
    REQUIRE(second->execute("INSERT INTO t VALUES (2)"));
    CHECK(second->size_bytes() > 4096);
    // A crash takes the locks along, also those of connections that were not closed.
    auto held = db::WriteTransaction::begin(*first).value();
    disk.process_kill();
    CHECK_FALSE(second->execute("INSERT INTO t VALUES (3)"));
    auto third = db::Connection::open(options).value();
    REQUIRE(third->execute("INSERT INTO t VALUES (4)"));
}

TEST_CASE("a file system that nobody registered, or with an odd name, is refused") {
    db::Options options;
    options.target = "box/none.db";
    options.vfs = "no-such";
    CHECK_FALSE(db::Connection::open(options));
    options.vfs = "no such\"";
    const auto odd = db::Connection::open(options);
    REQUIRE_FALSE(odd);
    CHECK(odd.error().name == "db.target");
}
