#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>
#include <string>

#include <sys/stat.h>

#include <server/app/data_dir.hpp>
#include <server/app/settings.hpp>
#include <server/app/stores.hpp>
#include <support/temp_dir.hpp>

using namespace mudi;
using namespace mudi::server;

namespace {

Result<Plan> plan_of(const std::string& toml) {
    Settings settings;
    MUDI_CHECK(config::read_text(toml, "test", [&](config::Visitor& visitor) { settings.visit(visitor); }));
    return plan_from(settings);
}

} // namespace

TEST_CASE("the shipped file holds every key with its default") {
    std::ifstream file(MUDI_SHIPPED_CONFIG);
    std::ostringstream text;
    text << file.rdbuf();
    CHECK(text.str() == config::print("The store server, mudi-server.", Settings{}));
}

TEST_CASE("an empty file gives SQLite in the data folder and loopback addresses") {
    const auto plan = plan_of("data_dir = \"/srv/mudi\"");
    REQUIRE(plan);
    CHECK(plan->database.engine == db::Engine::sqlite);
    CHECK(plan->database.target == "/srv/mudi/mudi.db");
    CHECK(plan->database.durability == db::Durability::full);
    CHECK(plan->http_address == "127.0.0.1");
    CHECK(plan->http_port == 7080);
    CHECK(plan->loyalty == crm::LoyaltyRules{});
    CHECK(plan->stores.empty());
}

TEST_CASE("amounts, offers, stores and card ranges of the file reach the rules") {
    const auto plan = plan_of("database = \"postgresql://db.example/mudi\"\nstores = [\"KOL01\", \"PUN02\"]\n"
                              "[cards]\nranges = [\"29:13\", \":6-8\"]\n[loyalty]\nper_point = 5000\n"
                              "[offers]\nvalid_days = 3\noffers_max = 1\n[http]\nlisten = \"[::1]:0\"\n");
    REQUIRE(plan);
    CHECK(plan->database.engine == db::Engine::postgresql);
    CHECK(plan->stores == std::vector<StoreId>{StoreId{"KOL01"}, StoreId{"PUN02"}});
    CHECK(plan->loyalty.per_point == Money{5000, inr});
    CHECK(plan->offers.valid_for == std::chrono::hours{72});
    CHECK(plan->offers.offers_max == 1);
    CHECK(plan->http_address == "::1");
    REQUIRE(plan->identifiers.loyalty_ranges.size() == 2);
    CHECK(plan->identifiers.loyalty_ranges[0].prefix == "29");
    CHECK(plan->identifiers.loyalty_ranges[1].digits_max == 8);
}

TEST_CASE("points are in escrow, 200 for a store, unless the file says otherwise") {
    const auto plan = plan_of("data_dir = \"/srv/mudi\"");
    REQUIRE(plan);
    CHECK(plan->points == PointsPolicy{});
    const auto other = plan_of("[loyalty]\nredeem_min = 50\n[points]\noffline = \"floor\"\nstore_max = 90\n"
                               "till_max = 60\n");
    REQUIRE(other);
    CHECK(other->points ==
          PointsPolicy{crm::OfflinePoints::floor_limit, {Points{90}, Points{60}, Points{50}}});
    CHECK(store_settings(*other, {}).offline_points == crm::OfflinePoints::floor_limit);
    CHECK_FALSE(plan_of("[points]\noffline = \"never\""));
    CHECK_FALSE(plan_of("[points]\nstore_max = -1"));
}

TEST_CASE("tills must be enrolled and backups are made every day unless the file says otherwise") {
    const auto plan = plan_of("data_dir = \"/srv/mudi\"");
    REQUIRE(plan);
    CHECK(plan->access == sync::Access::enrolled);
    CHECK(plan->backup_every == std::chrono::hours{24});
    CHECK(plan->backup_folder == "/srv/mudi/backups");
    CHECK(plan->backup_keep == 7);
    const auto other =
        plan_of("[sync]\naccess = \"open\"\n[backup]\nevery_hours = 0\nfolder = \"/mnt/usb/\"\n"
                "keep = 2\n");
    REQUIRE(other);
    CHECK(other->access == sync::Access::open);
    CHECK(other->backup_every == std::chrono::hours{0});
    CHECK(other->backup_folder == "/mnt/usb/");
    CHECK(other->backup_keep == 2);
}

TEST_CASE("tills are told an address that leads to this machine, and the name its certificate has") {
    const std::vector<std::string> names{"mudi.shop", "10.0.0.5"};
    const auto told = [&](const char* listening) {
        const auto reach = reach_of(listening, names);
        return reach.url + " " + reach.name;
    };
    CHECK(told("tls+tcp://0.0.0.0:7443") == "tls+tcp://mudi.shop:7443 mudi.shop");
    CHECK(told("tls+tcp://[::]:7443") == "tls+tcp://mudi.shop:7443 mudi.shop");
    CHECK(told("tls+tcp://10.0.0.5:7443") == "tls+tcp://10.0.0.5:7443 10.0.0.5");
    CHECK(told("tls+tcp://10.0.0.6:7443") == "tls+tcp://10.0.0.6:7443 mudi.shop");
    CHECK(reach_of("tcp://[::]:1", {"::1"}).url == "tcp://[::1]:1");
}

TEST_CASE("a wrong value is refused by the name of its key") {
    const auto refusal = [](const std::string& toml) {
        const auto plan = plan_of(toml);
        return plan ? std::string("taken") : plan.error().what;
    };
    CHECK_THAT(refusal("database = \"mysql://x\""), Catch::Contains("database"));
    CHECK_THAT(refusal("currency = \"ZZZ\""), Catch::Contains("currency"));
    CHECK_THAT(refusal("[cards]\nranges = [\"29\"]"), Catch::Contains("cards.ranges"));
    CHECK_THAT(refusal("[cards]\nranges = [\"29:14-13\"]"), Catch::Contains("cards.ranges"));
    CHECK_THAT(refusal("[cards]\ncountry_code = \"+91\""), Catch::Contains("cards.country_code"));
    CHECK_THAT(refusal("[sync]\nlisten = \"127.0.0.1:7443\""), Catch::Contains("sync.listen"));
    CHECK_THAT(refusal("[http]\nlisten = \"7080\""), Catch::Contains("http.listen"));
    CHECK_THAT(refusal("[http]\nlisten = \"127.0.0.1:70800\""), Catch::Contains("http.listen"));
    CHECK_THAT(refusal("[sync]\naccess = \"any\""), Catch::Contains("access"));
    CHECK_THAT(refusal("[backup]\nkeep = 0"), Catch::Contains("keep"));
    CHECK_THAT(refusal("durability = \"most\""), Catch::Contains("durability"));
    CHECK_THAT(refusal("colour = \"green\""), Catch::Contains("colour"));
}

TEST_CASE("the operator's token is made once, for the owner's eyes only") {
    const mudi::test::TempDir folder;
    const auto path = folder.path() / "admin.token";
    const auto token = operator_token(path);
    REQUIRE(token);
    CHECK(token->size() == 64);
    CHECK(*operator_token(path) == *token);
    struct stat found {};
    REQUIRE(::stat(path.c_str(), &found) == 0);
    CHECK((found.st_mode & 0777U) == 0600);
    CHECK(*operator_token(folder.path() / "other") != *token);

    std::ofstream(path) << "short\n";
    CHECK(operator_token(path).error().name == "token.too_short");
}

TEST_CASE("a data folder has one server at a time") {
    const mudi::test::TempDir folder;
    {
        const auto first = FolderLock::take(folder.path());
        REQUIRE(first);
        const auto second = FolderLock::take(folder.path());
        REQUIRE_FALSE(second);
        CHECK(second.error().name == "data_dir.in_use");
    }
    CHECK(FolderLock::take(folder.path()));
}
