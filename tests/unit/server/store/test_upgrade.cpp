#include "unit/server/support/shop.hpp"

#include <mudi/base/db/migrate.hpp>
#include <mudi/server/enrolment.hpp>

namespace mudi::server::sql {
std::span<const db::Migration> migrations();
} // namespace mudi::server::sql

using namespace mudi;
using namespace mudi::test;

namespace {

/// A database as release 0.1.0 left it: versions per bucket, one generation, a feed without parts.
void make_old(db::Connection& writer, int profiles) {
    must(db::migrate(writer, server::sql::migrations().first(4)));
    const std::string blob = "00000000000000AA" + std::string(256, '1');
    const auto hex = [&](const std::string& digits) {
        return writer.engine() == db::Engine::sqlite ? "x'" + digits + "'" : "'\\x" + digits + "'";
    };
    run(writer, "INSERT INTO meta (name, value) VALUES ('keys', " + hex(blob) + ")");
    run(writer,
        "INSERT INTO bucket (store, newest) VALUES ('A', " + std::to_string(profiles + 1) + "), ('B', 3)");
    db::Command<std::int64_t, std::string, std::string, std::int64_t, bool, Bytes> row{
        writer, "INSERT INTO feed (kind, key, store, version, deleted, body) "
                "VALUES (:kind, :key, :store, :version, :deleted, :body)"};
    for (int i = 1; i <= profiles; ++i) must(row(1, std::to_string(i), "A", i, false, Bytes{"of a"}));
    must(row(1, "9999", "A", profiles + 1, true, Bytes{}));
    must(row(1, "1", "B", 3, false, Bytes{"of b"}));
    run(writer, "INSERT INTO life (life, till, incarnation, seq, chain, taken_seq) VALUES (1, 5, 77, 0, " +
                    hex(std::string(32, '0')) + ", 0)");
    run(writer, "INSERT INTO till (till, store, workstation, life, last_contact_ms, ahead_ms) "
                "VALUES (5, 'A', '1', 1, 1000, 0)");
}

} // namespace

TEST_CASE("a database of the first release gets parts, generations and one count of versions") {
    Database database{each_engine()};
    const auto writer = database.open();
    make_old(*writer, 1234); // more than one transaction fills
    must(server::migrate(*writer));
    CHECK(rows<std::int64_t>(*writer, "SELECT count(*) FROM feed WHERE part < 0 AND deleted = 0") == "0|\n");
    server::FeedReader reader{*writer};
    const auto page = must(reader.manifest(StoreId{"A"}));
    std::uint64_t sum = 0;
    for (const auto& row : must(reader.read(StoreId{"A"}, 0, 1'000'000)).rows)
        sum += row.deleted ? 0 : sync::row_digest(row.kind, row.key, row.body);
    std::uint64_t said = 0;
    for (const auto digest : page.manifest.digests) said += digest;
    CHECK(said == sum);
    std::size_t held = 0;
    const auto parts = static_cast<std::uint32_t>(page.manifest.digests.size());
    for (std::uint32_t part = 0; part < parts; ++part)
        held += must(reader.part(StoreId{"A"}, parts, part)).size();
    CHECK(held == 1234);

    // A till's cursor of that time is carried on; a later one is of no history we know.
    SeededRandom random{1};
    must(server::load_or_make_keys(*writer, random));
    const auto lineage = must(server::begin_generation(*writer, random, noon));
    REQUIRE(lineage.size() == 2);
    CHECK(lineage[0] == sync::GenerationStart{0xaa, 0});
    CHECK(lineage[1].first_version == 1235);
    CHECK(sync::carried_on(lineage, {0xaa, 1235}) == 1235);
    CHECK_FALSE(sync::carried_on(lineage, {0xaa, 1236}).has_value());
    CHECK(must(server::begin_generation(*writer, random, noon)).size() == 3);

    server::FeedWriter feed{*writer};
    auto transaction = must(db::WriteTransaction::begin(*writer));
    must(feed.put_profile(ProfileId{1}, "of b, changed", std::vector{StoreId{"B"}}));
    const auto moved = must(feed.finish());
    must(transaction.commit());
    CHECK(moved == std::vector<server::FeedMoved>{{StoreId{"A"}, 1237}, {StoreId{"B"}, 1236}});
    CHECK(must(server::StatusReader{*writer}.tills(noon)).at(0).lives == 1);
}

TEST_CASE("filling the parts goes on where it was interrupted") {
    Database database{each_engine()};
    const auto writer = database.open();
    make_old(*writer, 20);
    must(server::migrate(*writer));
    const auto all = [&] {
        return rows<std::string, std::string, std::int64_t, std::int64_t>(
            *writer, "SELECT store, key, part, digest FROM feed WHERE deleted = 0 ORDER BY version, store");
    };
    const auto whole = all();
    run(*writer, "UPDATE feed SET part = -1, digest = 0 WHERE version > 7");
    must(server::migrate(*writer));
    CHECK(all() == whole);
}
