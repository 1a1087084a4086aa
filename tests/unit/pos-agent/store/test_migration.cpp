#include <filesystem>

#include <mudi/base/db/statement.hpp>

#include "../till_fixture.hpp"

using namespace mudi;
using namespace mudi::till;
using namespace mudi::till::fixture;

namespace {

/// A database that release 0.1.0 made: two sales of Kamala's (the second spends 100 points), both
/// acknowledged, a customer who joined, a suspended sale of Rahim's, and what the feed brought.
struct Old {
    Old() : options(store_options(folder.file("till.db"))) {
        std::filesystem::copy_file(MUDI_SOURCE_DIR "/tests/unit/pos-agent/store/till-0.1.0.db", options.path);
    }
    test::TempDir folder;
    StoreOptions options;
};

/// That release knew nothing of points in escrow, and says nothing of them.
crm::StoreSettings settings_then() {
    crm::StoreSettings out = settings();
    out.offline_points = crm::OfflinePoints::escrow;
    return out;
}

const Bucket bucket_then{
    {row_of(settings_then(), 1), row_of(kamala(25), 6), row_of(rahim(), 3),
     row_of(crm::Product{"8901030865275", "Tea", "tea", "EA", rupees(100), BasisPoints{500}}, 4),
     row_of(crm::Product{"8901030000001", "Sugar", "grocery", "KGM", rupees(48), BasisPoints{0}}, 5)}};

} // namespace

TEST_CASE("a database of 0.1.0 is taken up with everything in it") {
    Old old;
    Till till(old.options);
    for (int round = 0; round < 2; ++round) {
        const auto state = till.store->replica().state();
        CHECK(state.last == EventSeq{3});
        CHECK(state.acked == EventSeq{2});
        CHECK(state.safe == EventSeq{0});
        CHECK(state.ack_generation == 77);
        CHECK(state.cursor == sync::FeedCursor{}); // compared once
        const auto counts = till.store->replica().counts();
        CHECK(counts.lives == 1);
        CHECK(counts.profiles == 2);
        CHECK(counts.products == 2);
        CHECK(counts.offers_held == 1);
        CHECK(till.points_of(kamala_card) == Points{25});
        CHECK(till.points_of(rahim_card) == Points{1000});
        CHECK(till.desk->receipt(named("0001"), morning)->points_earned == Points{4});
        CHECK((*till.desk->find(named("0003"), morning))->lines.size() == 1);
        CHECK(till.desk->complete(sale("0001", {tea(1)}), morning).error().name == "sale.conflict");
        const auto outbox = till.store->replica().read_outbox(EventSeq{0}, {});
        REQUIRE(outbox);
        REQUIRE(outbox->events.size() == 3);
        Bits128 chain;
        for (const auto& event : outbox->events) chain = chain_next(chain, event.body);
        CHECK(till.store->replica().read_outbox(EventSeq{3}, {})->chain_before == chain);
        till.reopen();
    }
}

TEST_CASE("what 0.1.0 was told need not be sent again") {
    Old old;
    Till till(old.options);
    for (const std::size_t parts : {std::size_t{1}, std::size_t{64}, std::size_t{1024}})
        CHECK(till.store->replica().compare(bucket_then.manifest(parts))->empty());
}

TEST_CASE("the digests that 0.1.0 did not have are computed however often that is interrupted") {
    Old old;
    { Till till(old.options); }
    {
        auto connection = *db::Connection::open({db::Engine::sqlite, old.options.path, db::Durability::off});
        REQUIRE(connection->execute("UPDATE profile SET part = -1, digest = 0 WHERE id = 18; "
                                    "UPDATE product SET part = -1, digest = 0 WHERE item_id > '89010301'"));
    }
    Till till(old.options);
    CHECK(till.store->replica().compare(bucket_then.manifest(1024))->empty());
}

TEST_CASE("a damaged slice of 0.1.0 counts as another, so that the server's takes its place") {
    Old old;
    {
        auto connection = *db::Connection::open({db::Engine::sqlite, old.options.path, db::Durability::off});
        REQUIRE(connection->execute("UPDATE profile SET body = x'00' WHERE id = 18"));
    }
    Till till(old.options);
    CHECK(till.level_with(bucket_then, 1024) == 1);
    CHECK(till.points_of(rahim_card) == Points{1000});
}
