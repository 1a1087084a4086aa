#include <filesystem>
#include <fstream>

#include "../till_fixture.hpp"

using namespace mudi;
using namespace mudi::till;
using namespace mudi::till::fixture;

namespace {

std::string open_error(const StoreOptions& options) {
    SeededRandom random(5);
    return error_of(Store::open(options, random));
}

std::string all_bytes(const std::string& path) {
    std::string bytes;
    for (const char* suffix : {"", "-wal"}) {
        std::ifstream file(path + suffix, std::ios::binary);
        bytes.append(std::istreambuf_iterator<char>(file), {});
    }
    return bytes;
}

} // namespace

TEST_CASE("a new database belongs to the till that made it and to no other") {
    test::TempDir folder;
    const auto options = store_options(folder.file("till.db"));
    Incarnation incarnation;
    {
        Till till(options);
        incarnation = till.store->replica().state().incarnation;
        CHECK(incarnation.value != 0);
    }
    auto other = options;
    other.till = TillId{4};
    CHECK(open_error(other) == "till.other_identity");
    other = options;
    other.store = StoreId{"KOL02"};
    CHECK(open_error(other) == "till.other_identity");
    other = options;
    other.workstation = WorkstationId{"3"};
    CHECK(open_error(other) == "till.other_identity");
    other = options;
    other.data_key.data.fill(8);
    CHECK(open_error(other) == "till.wrong_key");
    Till again(options, 77);
    CHECK(again.store->replica().state().incarnation == incarnation);
    CHECK(again.store->replica().state().till == TillId{3});
}

TEST_CASE("what cannot be opened is refused") {
    test::TempDir folder;
    const std::string path = folder.file("till.db");
    { Till till(store_options(path)); }
    SECTION("a newer schema") {
        {
            auto connection = *db::Connection::open({db::Engine::sqlite, path, db::Durability::off});
            REQUIRE(connection->execute("INSERT INTO schema_migration (number, name, hash) SELECT 9999, name "
                                        "|| 'x', hash FROM schema_migration LIMIT 1"));
        }
        CHECK(open_error(store_options(path)) == "db.newer_schema");
    }
    SECTION("a damaged file") {
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        file.write(std::string(4096, 'x').data(), 4096);
        file.close();
        CHECK(open_error(store_options(path)) == "db.corrupt");
    }
    SECTION("a folder") {
        CHECK(open_error(store_options(std::filesystem::path(path).parent_path().string())) == "db.open");
    }
}

TEST_CASE("names, phones and cards lie nowhere in clear on the disk") {
    test::TempDir folder;
    const std::string path = folder.file("till.db");
    Till till(store_options(path));
    till.know_customers();
    auto document = sale("0001", {tea(2)});
    document.customer = Presented{PresentedKind::phone, kamala_phone};
    REQUIRE(till.desk->complete(document, morning));
    REQUIRE(till.desk->begin({named("0002"), {}, {}, {}}, morning));
    REQUIRE(till.desk->identify(named("0002"), {PresentedKind::card, kamala_card}, morning));
    REQUIRE(till.desk->suspend(named("0002"), morning));
    REQUIRE(till.desk->join({"Mina Pal", "9830054321", "", "", false, {}}, morning));
    auto unknown = row_of(kamala(), 9);
    unknown.kind = 99;
    unknown.body = "Phoolan of kind 99";
    till.feed({unknown});
    const std::string bytes = all_bytes(path);
    for (const std::string& secret :
         {kamala_phone, kamala_card, std::string("কমলা"), std::string("Rahim"), std::string("Mina"),
          std::string("9830054321"), std::string("Phoolan"), std::string(view(settings().identifier_key))}) {
        CHECK(bytes.find(secret) == std::string::npos);
    }
}

TEST_CASE("each sale is one durable commit; acks, feed and holds add none") {
    test::TempDir folder;
    Till till(store_options(folder.file("till.db")));
    till.know_customers();
    for (int i = 1; i <= 20; ++i) {
        REQUIRE(till.desk->complete(sale(std::to_string(i), {tea(1)}), morning));
        till.acked(i, 10 * i);
        till.feed({row_of(kamala(i), i, 10 * i)});
    }
    CHECK(till.store->replica().counts().commits == 20);
}

TEST_CASE("counts follow what is stored, also over a restart") {
    test::TempDir folder;
    Till till(store_options(folder.file("till.db")));
    till.know_customers();
    crm::Product product{"8901030865275", "Tea", "tea", "EA", rupees(100), BasisPoints{500}};
    till.feed({row_of(product, 4)});
    for (int i = 1; i <= 3; ++i) REQUIRE(till.desk->complete(sale(std::to_string(i), {tea(1)}), morning));
    till.acked(2, 2, 9);
    for (int round = 0; round < 2; ++round) {
        const auto counts = till.store->replica().counts();
        CHECK(counts.captured == 3);
        CHECK(counts.acked == 2);
        CHECK(counts.unsent == 1);
        CHECK(counts.profiles == 2);
        CHECK(counts.offers_held == 1);
        CHECK(counts.products == 1);
        till.reopen();
    }
}

TEST_CASE("a failed commit leaves the till as it was") {
    test::TempDir folder;
    const std::string path = folder.file("till.db");
    auto options = store_options(path);
    Till till(options);
    REQUIRE(till.desk->complete(sale("1", {tea(1)}), morning));
    {
        // Somebody else holds the database: every write is refused until they let go.
        db::Options other{db::Engine::sqlite, path, db::Durability::off};
        auto connection = *db::Connection::open(other);
        auto block = db::WriteTransaction::begin(*connection);
        REQUIRE(block);
        CHECK(error_of(till.desk->complete(sale("2", {tea(1)}), morning)) == "db.busy");
    }
    const auto receipt = till.desk->complete(sale("2", {tea(1)}), morning);
    REQUIRE(receipt);
    CHECK(receipt->seq == EventSeq{2});
}
