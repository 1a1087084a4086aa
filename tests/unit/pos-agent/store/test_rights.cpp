#include <mudi/base/mutant.hpp>

#include "../rights_fixture.hpp"

using namespace mudi;
using namespace mudi::till;
using namespace mudi::till::fixture;

namespace {

/// A till on a disk, with 100 points of Kamala's of which 40 are used.
struct Kept {
    Kept() : till(folder.file("till.db")) {
        till.grant(100);
        till.serve("1");
        REQUIRE(till.desk->redeem(named("1"), {40}, morning));
        holder = till.holder();
    }
    /// The database as it stands, without the log beside it.
    void copy_to(const std::string& name) {
        close();
        std::filesystem::copy_file(folder.file("till.db"), folder.file(name),
                                   std::filesystem::copy_options::overwrite_existing);
        till.reopen();
    }
    void put_back(const std::string& name) {
        close();
        std::filesystem::copy_file(folder.file(name), folder.file("till.db"),
                                   std::filesystem::copy_options::overwrite_existing);
        till.reopen();
    }
    void close() {
        till.desk.reset();
        till.store.reset();
    }
    [[nodiscard]] bool goes_on() const { return till.holder() == holder && till.held() == 60; }
    [[nodiscard]] bool began_anew() const {
        return till.holder() != holder && till.holder().value != 0 && till.held() == 0;
    }

    test::TempDir folder;
    Holding till;
    RightsHolder holder;
};

RightUsed use(RightsHolder holder, std::int64_t points) { return {{holder, ProfileId{17}, {points}}}; }

} // namespace

TEST_CASE("a memory of rights goes on over a restart of the agent") {
    Kept kept;
    kept.till.reopen();
    CHECK(kept.goes_on());
    CHECK(kept.till.desk->redeem(named("1"), {60}, morning).error().name == "txn.unknown");
    kept.till.serve("2");
    CHECK(kept.till.desk->redeem(named("2"), {60}, morning));
}

TEST_CASE("it ends when the machine has forgotten it, or remembers another one") {
    Kept kept;
    SECTION("the machine was restarted") { kept.till.witness.seen.reset(); }
    SECTION("it remembers less") { --kept.till.witness.seen->tick; }
    SECTION("it remembers more") { ++kept.till.witness.seen->tick; }
    SECTION("it remembers another") { ++kept.till.witness.seen->holder.value; }
    SECTION("nobody remembers") { kept.till.store_options.witness = nullptr; }
    SECTION("it is another machine") { kept.till.store_options.machine = {4, 3}; }
    SECTION("nothing names the machine") { kept.till.store_options.machine = {}; }
    kept.till.reopen();
    CHECK(kept.began_anew());
}

TEST_CASE("a machine that nothing names has a new memory at each start") {
    Witness witness;
    StoreOptions options = Holding::options(":memory:", witness);
    options.machine = {};
    test::TempDir folder;
    options.path = folder.file("till.db");
    Till till(options);
    const RightsHolder first = till.store->replica().state().holder;
    till.reopen();
    CHECK(till.store->replica().state().holder != first);
}

TEST_CASE("a crash between a use and the witness ends the memory") {
    Kept kept;
    kept.till.witness.works = false;
    kept.till.serve("2");
    REQUIRE(kept.till.desk->redeem(named("2"), {20}, morning));
    kept.till.witness.works = true;
    kept.till.reopen();
    CHECK(kept.began_anew());
    kept.till.reopen();
    CHECK(kept.till.witness.seen->holder == kept.till.holder());
}

TEST_CASE("a database put back from a copy has no rights, whatever happened since to a hold") {
    Kept kept;
    kept.copy_to("image");
    REQUIRE(kept.goes_on());
    SECTION("more was used") {
        kept.till.serve("2");
        REQUIRE(kept.till.desk->redeem(named("2"), {20}, morning));
    }
    SECTION("a sale used the hold") {
        kept.till.serve("1");
        const auto* open = *kept.till.desk->find(named("1"), morning);
        REQUIRE(open->hold);
        REQUIRE(kept.till.pay("1", Hold(*open->hold)));
    }
    SECTION("a neighbour was lent some") {
        REQUIRE(kept.till.desk->lend({TillId{4}, HoldId{{9, 9}}, ProfileId{17}, {10}}, morning)->granted);
    }
    SECTION("some were given back") { kept.till.grant(100, 50); }
    kept.put_back("image");
    CHECK(kept.began_anew());
    // Nor does it give back what the original may have spent.
    REQUIRE(kept.till.desk->tidy(morning + hours{2}));
    CHECK(kept.till.returned().empty());
}

TEST_CASE("a copy from which nothing has happened is as good as the original") {
    Kept kept;
    kept.copy_to("image");
    kept.till.serve("1");
    REQUIRE(
        kept.till.desk->release(named("1"), (*kept.till.desk->find(named("1"), morning))->hold->id, morning));
    REQUIRE(kept.till.held() == 100);
    kept.put_back("image");
    CHECK(kept.goes_on());
}

TEST_CASE("when copies are compared, rights of a history that may be lost are forgotten") {
    Holding till;
    const RightsHolder first = till.holder();
    SECTION("but not when there are none") {
        REQUIRE(till.store->replica().compare(Bucket{}.manifest(1)));
        CHECK(till.holder() == first);
    }
    SECTION("though they are used up") {
        till.grant(40);
        till.serve("1");
        REQUIRE(till.desk->redeem(named("1"), {40}, morning));
        REQUIRE(till.store->replica().compare(Bucket{}.manifest(1)));
        CHECK(till.holder() != first);
        CHECK(till.held() == 0);
        CHECK(till.witness.seen->holder == till.holder());
        // The old grant is somebody else's now.
        till.feed({row_of(kamala(), ++till.version)});
        CHECK(till.store->storage().keep(use(first, 1)).error().name == "right.gone");
    }
}

TEST_CASE("a new life is a new memory of rights") {
    Holding till;
    till.grant(100);
    const RightsHolder first = till.holder();
    REQUIRE(till.store->replica().begin_new_life());
    CHECK(till.holder() != first);
    CHECK(till.held() == 0);
}

TEST_CASE("no more of a right is used than was granted") {
    Holding till;
    till.grant(100);
    auto& storage = till.store->storage();
    CHECK(storage.keep(use(till.holder(), 101)).error().name == "right.gone");
    REQUIRE(storage.keep(use(till.holder(), 100)));
    CHECK(till.held() == 0);
    CHECK(storage.keep(use(till.holder(), 1)).error().name == "right.gone");
    REQUIRE(storage.keep(use(till.holder(), -30)));
    CHECK(till.held() == 30);
    // Of a memory that is no more nothing moves.
    REQUIRE(storage.keep(use(RightsHolder{5}, -30)));
    CHECK(till.held() == 30);
    CHECK(storage.keep(use(RightsHolder{5}, 1)).error().name == "right.gone");
}

TEST_CASE("what the server wants back is due, also when the customer has left") {
    Holding till;
    till.grant(100);
    auto& storage = till.store->storage();
    CHECK(storage.rights_due(10)->empty());
    REQUIRE(storage.keep(use(till.holder(), 30)));
    const auto feed = [&](sync::FeedRow row) {
        FeedBatch batch;
        batch.rows = {std::move(row)};
        batch.cursor = {5, ++till.version};
        REQUIRE(till.store->replica().apply_feed(batch));
    };
    auto slice = kamala();
    std::int64_t wanted = 70;
    SECTION("called back") {
        slice.rights = {{till.holder(), {100}, {55}}};
        feed(row_of(slice, ++till.version));
        wanted = 25;
    }
    SECTION("not granted any more") { feed(row_of(slice, ++till.version)); }
    SECTION("gone") { feed(gone(ProfileId{17}, ++till.version)); }
    const auto due = storage.rights_due(10);
    REQUIRE(due->size() == 1);
    CHECK((*due)[0].profile == ProfileId{17});
    CHECK((*due)[0].use.right.holder == till.holder());
    CHECK(crm::to_return((*due)[0].use) == Points{wanted});
    CHECK(storage.rights_due(0)->empty());
}

TEST_CASE("holds under a right end with the memory, and those of the server are to be given back") {
    test::TempDir folder;
    Holding till(folder.file("till.db"));
    till.grant(100);
    for (const char* number : {"1", "2", "3"}) till.serve(number);
    REQUIRE(till.desk->redeem(named("1"), {40}, morning));
    (void)till.granted("2", 40, AskedOf::lead, RightsHolder{77});
    const Hold server = till.granted("3", 40, AskedOf::server, {});
    till.reopen();
    CHECK(till.store->storage().load()->holds.size() == 3);
    SECTION("on another machine not even these: the first may be there and spend them") {
        till.store_options.machine = {4, 3};
        till.reopen();
        CHECK(till.store->storage().load()->holds.empty());
        REQUIRE(till.desk->tidy(morning + hours{2}));
        CHECK(till.returned().empty());
        return;
    }
    till.witness.seen.reset();
    till.reopen();
    const auto holds = till.store->storage().load()->holds;
    REQUIRE(holds.size() == 1);
    CHECK(holds[0].id == server.id);
    CHECK_FALSE(holds[0].granted);
}

TEST_CASE("the age of a memory is known after the first minute") {
    Kept kept;
    auto& replica = kept.till.store->replica();
    CHECK_FALSE(replica.counts().rights_since);
    REQUIRE(replica.relieve(morning));
    REQUIRE(replica.relieve(morning + hours{5}));
    CHECK(replica.counts().rights_since == morning);
    kept.till.reopen();
    CHECK(kept.till.store->replica().counts().rights_since == morning);
    kept.till.witness.seen.reset();
    kept.till.reopen();
    CHECK_FALSE(kept.till.store->replica().counts().rights_since);
}

#ifdef MUDI_MUTANTS

namespace {

struct Planted {
    explicit Planted(mutant::Bug bug) { mutant::plant(bug); }
    ~Planted() { mutant::plant(std::nullopt); }
};

} // namespace

TEST_CASE("a planted till goes on with the rights of a copy") {
    Kept kept;
    kept.copy_to("image");
    kept.till.serve("2");
    REQUIRE(kept.till.desk->redeem(named("2"), {60}, morning));
    const Planted bug(mutant::Bug::rights_survive_restore);
    kept.put_back("image");
    CHECK(kept.goes_on());
}

TEST_CASE("a planted till spends what it has given back") {
    Holding till;
    till.grant(100);
    const Planted bug(mutant::Bug::recall_not_counted);
    till.grant(100, 80);
    REQUIRE(till.returned().size() == 1);
    till.serve("1");
    CHECK(till.desk->redeem(named("1"), {100}, morning));
}

#endif
