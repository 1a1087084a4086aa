#include "unit/server/support/shop.hpp"

using namespace mudi;
using namespace mudi::test;

TEST_CASE("the server's keys are made once and stay") {
    Shop shop{each_engine()};
    SeededRandom other{99};
    const auto again = must(server::load_or_make_keys(*shop.writer, other));
    CHECK(again.generation == shop.keys.generation);
    CHECK(again.identifier_key == shop.keys.identifier_key);
    CHECK(again.member_code_secret == shop.keys.member_code_secret);
    CHECK(shop.status().generation == shop.keys.generation);
    const auto generation = must(server::begin_generation(*shop.writer, other));
    CHECK(generation != shop.keys.generation);
    const auto later = must(server::load_or_make_keys(*shop.writer, other));
    CHECK(later.generation == generation);
    CHECK(later.identifier_key == shop.keys.identifier_key);
}

TEST_CASE("a member code signed with the secret half is accepted with the public half") {
    Shop shop{each_engine()};
    crm::IdentifierRules rules = shop.rules.identifiers;
    rules.member_code_key = shop.keys.member_code_key;
    const crm::Identifier id{crm::IdentifierKind::card, "C0001"};
    const std::string code = crm::make_member_code(id, std::nullopt, server::secret_view(shop.keys));
    CHECK(must(crm::parse_qr(code, rules, noon)) == id);
}
