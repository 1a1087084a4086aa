#include "unit/server/support/shop.hpp"

using namespace mudi;
using namespace mudi::test;

TEST_CASE("the server's keys are made once and stay") {
    Shop shop{each_engine()};
    SeededRandom other{99};
    const auto again = must(server::load_or_make_keys(*shop.writer, other));
    CHECK(again.identifier_key == shop.keys.identifier_key);
    CHECK(again.member_code_secret == shop.keys.member_code_secret);
    CHECK(again.member_code_key == shop.keys.member_code_key);
}

TEST_CASE("every start begins a generation at the version that was given out last") {
    Shop shop{each_engine()};
    REQUIRE(shop.lineage.size() == 1);
    CHECK(shop.lineage[0].first_version == 0);
    CHECK(shop.lineage[0].generation != 0);
    CHECK(shop.status().generation == shop.lineage[0].generation);
    const auto first = shop.lineage;
    must(shop.import->products(std::vector{crm::Product{"tea", "Tea", "", "EA", Money{1, inr}, {}}}, noon));
    shop.till(1, "A");
    shop.till(2, "B");
    shop.start(3);
    REQUIRE(shop.lineage.size() == 2);
    CHECK(shop.lineage[0] == first[0]);
    CHECK(shop.lineage[1].first_version == 2);
    CHECK(shop.lineage[1].generation != first[0].generation);
    CHECK(shop.status().generation == shop.lineage[1].generation);
    CHECK(shop.status().starts == 2);
}

TEST_CASE("a thousand generations are remembered, the oldest go") {
    Shop shop{db::Engine::sqlite};
    std::vector<std::uint64_t> drawn{shop.lineage.back().generation};
    for (std::uint64_t seed = 10; seed < 1015; ++seed) {
        SeededRandom random{seed};
        shop.lineage = must(server::begin_generation(*shop.writer, random, noon));
        drawn.push_back(shop.lineage.back().generation);
    }
    REQUIRE(shop.lineage.size() == server::generations_max);
    CHECK(count(*shop.writer, "generation") == static_cast<std::int64_t>(server::generations_max));
    for (std::size_t i = 0; i < shop.lineage.size(); ++i)
        REQUIRE(shop.lineage[i].generation == drawn[drawn.size() - shop.lineage.size() + i]);
}

TEST_CASE("a database without keys begins no generation") {
    Database database{each_engine()};
    const auto writer = database.open();
    must(server::migrate(*writer));
    SeededRandom random{1};
    CHECK(server::begin_generation(*writer, random, noon).error().name == "keys.missing");
}

TEST_CASE("a member code signed with the secret half is accepted with the public half") {
    Shop shop{each_engine()};
    crm::IdentifierRules rules = shop.rules.identifiers;
    rules.member_code_key = shop.keys.member_code_key;
    const crm::Identifier id{crm::IdentifierKind::card, "C0001"};
    const std::string code = crm::make_member_code(id, std::nullopt, server::secret_view(shop.keys));
    CHECK(must(crm::parse_qr(code, rules, noon)) == id);
}
