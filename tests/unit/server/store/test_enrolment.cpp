#include "unit/server/support/shop.hpp"

#include <mudi/server/enrolment.hpp>

using namespace mudi;
using namespace mudi::test;
using server::Enrolment;

namespace {

constexpr std::chrono::minutes minute{1};

server::CodeFacts code(const std::string& word) {
    server::CodeFacts facts{hash128("id" + word), {}};
    facts.key.data.fill(static_cast<unsigned char>(word.size()));
    return facts;
}

server::MadeCertificate certificate(const std::string& key, Time until = noon + day * 90) {
    return {key, "ab" + key, until};
}

/// Stands for a signature check: the text signed with a key is both together.
bool signed_by(std::string_view key, std::string_view text, std::string_view signature) {
    return signature == std::string(key) + "/" + std::string(text);
}

sync::TillHello hello(std::int64_t till, const std::string& store = "S1", const std::string& at = "W1") {
    TillLife life{TillId{till}, store};
    auto said = life.hello();
    said.workstation = WorkstationId{at};
    return said;
}

std::string checked(Enrolment& enrolment, const sync::TillHello& said, const std::string& key) {
    const auto done = enrolment.check(said, sync::Credentials{"nonce", key + "/nonce"}, signed_by);
    return done ? "ok" : done.error().name;
}

server::NewTill at(const std::string& store, const std::string& workstation) {
    return {StoreId{store}, WorkstationId{workstation}, std::nullopt, false};
}

} // namespace

TEST_CASE("tills are numbered past all that were ever there, and a place has one") {
    Shop shop{each_engine()};
    Enrolment enrolment{*shop.writer};
    CHECK(must(enrolment.add_till(at("S1", "W1"), noon)).till.value == 1);
    shop.till(7); // came without enrolment
    CHECK(must(enrolment.add_till(at("S1", "W2"), noon)).till.value == 8);
    auto given = at("S2", "W1");
    given.till = TillId{3};
    CHECK(must(enrolment.add_till(given, noon)).till.value == 3);
    given.workstation.value = "W9";
    CHECK(enrolment.add_till(given, noon).error().name == "till.exists");
    given.till = TillId{0};
    CHECK(enrolment.add_till(given, noon).error().name == "till.number");
    CHECK(enrolment.add_till(at("S1", "W1"), noon).error().name == "till.exists");
    CHECK(enrolment.add_till(at("", "W1"), noon).error().name == "till.store");
    CHECK(enrolment.add_till(at("S1", std::string(33, 'w')), noon).error().name == "till.workstation");
    must(enrolment.revoke(TillId{1}, noon));
    CHECK(must(enrolment.add_till(at("S1", "W1"), noon)).till.value == 9);
    const auto tills = must(enrolment.tills());
    REQUIRE(tills.size() == 4);
    CHECK(tills[0].revoked == noon);
    CHECK(tills[1].store.value == "S2");
    CHECK_FALSE(tills[1].enrolled.has_value());
    CHECK(tills[3].workstation.value == "W1");
    CHECK(enrolment.till(TillId{2}).error().name == "till.unknown");
}

TEST_CASE("a store has one lead, the one that was named last") {
    Shop shop{each_engine()};
    Enrolment enrolment{*shop.writer};
    CHECK_FALSE(must(enrolment.lead_of(StoreId{"S1"})).has_value());
    auto first = at("S1", "W1");
    first.lead = true;
    auto second = at("S1", "W2");
    second.lead = true;
    must(enrolment.add_till(first, noon));
    CHECK(must(enrolment.lead_of(StoreId{"S1"})) == TillId{1});
    must(enrolment.add_till(second, noon));
    CHECK(must(enrolment.lead_of(StoreId{"S1"})) == TillId{2});
    CHECK_FALSE(must(enrolment.till(TillId{1})).lead);
    CHECK_FALSE(must(enrolment.lead_of(StoreId{"S2"})).has_value());
    must(enrolment.revoke(TillId{2}, noon));
    CHECK_FALSE(must(enrolment.lead_of(StoreId{"S1"})).has_value());
}

TEST_CASE("a code enrols its till for one key, within the hour") {
    Shop shop{each_engine()};
    Enrolment enrolment{*shop.writer};
    must(enrolment.add_till(at("S1", "W1"), noon));
    CHECK(must(enrolment.make_code(TillId{1}, code("one"), noon)) == noon + Enrolment::code_life);
    CHECK(must(enrolment.till(TillId{1})).code_until == noon + Enrolment::code_life);
    const auto last = noon + 60 * minute - Duration{1};
    const auto open = must(enrolment.code(code("one").id, last));
    CHECK_FALSE(open.used);
    CHECK(open.till.value == 1);
    CHECK(open.store.value == "S1");
    CHECK(open.workstation.value == "W1");
    CHECK(open.key == code("one").key);
    CHECK(enrolment.code(code("other").id, noon).error().name == "code.unknown");
    CHECK(enrolment.code(code("one").id, noon + 60 * minute).error().name == "code.expired");
    CHECK(enrolment.enrol(code("one").id, certificate("k"), noon + 60 * minute).error().name ==
          "code.expired");
    CHECK(must(enrolment.till(TillId{1})).public_key.empty());
    const auto till = must(enrolment.enrol(code("one").id, certificate("k"), noon + minute));
    CHECK(till.public_key == "k");
    CHECK(till.certificate_serial == "abk");
    CHECK(till.certificate_until == noon + day * 90);
    CHECK(till.enrolled == noon + minute);
    CHECK(enrolment.enrol(code("one").id, certificate("thief"), noon + minute).error().name == "code.used");
    CHECK(must(enrolment.code(code("one").id, noon + minute)).used);
    CHECK(must(enrolment.till(TillId{1})).public_key == "k");
    CHECK_FALSE(must(enrolment.till(TillId{1})).code_until.has_value());
    CHECK(enrolment.make_code(TillId{2}, code("two"), noon).error().name == "till.unknown");
}

TEST_CASE("a till whose answer was lost enrols again with the same code and key, while the code lives") {
    Shop shop{each_engine()};
    Enrolment enrolment{*shop.writer};
    must(enrolment.add_till(at("S1", "W1"), noon));
    must(enrolment.make_code(TillId{1}, code("one"), noon));
    must(enrolment.enrol(code("one").id, certificate("k"), noon + minute));
    const auto last = noon + 60 * minute - Duration{1};
    const auto till = must(enrolment.enrol(code("one").id, {"k", "second", noon + day * 91}, last));
    CHECK(till.public_key == "k");
    CHECK(till.certificate_serial == "second");
    CHECK(enrolment.enrol(code("one").id, certificate("thief"), last).error().name == "code.used");
    CHECK(enrolment.enrol(code("one").id, certificate("k"), last + Duration{1}).error().name ==
          "code.expired");
    // Not past a revocation, nor past the code that came after.
    must(enrolment.revoke(TillId{1}, noon + minute));
    CHECK(enrolment.enrol(code("one").id, certificate("k"), noon + minute).error().name == "code.unknown");
    must(enrolment.make_code(TillId{1}, code("two"), noon + minute));
    CHECK(enrolment.enrol(code("one").id, certificate("k"), noon + minute).error().name == "code.unknown");
    CHECK(checked(enrolment, hello(1), "k") == "till.revoked");
}

TEST_CASE("a new code ends the one before, a new enrolment the key before") {
    Shop shop{each_engine()};
    Enrolment enrolment{*shop.writer};
    must(enrolment.add_till(at("S1", "W1"), noon));
    must(enrolment.add_till(at("S1", "W2"), noon));
    must(enrolment.make_code(TillId{1}, code("a"), noon));
    must(enrolment.make_code(TillId{2}, code("bb"), noon));
    must(enrolment.make_code(TillId{1}, code("ccc"), noon));
    CHECK(enrolment.enrol(code("a").id, certificate("k"), noon).error().name == "code.unknown");
    must(enrolment.enrol(code("bb").id, certificate("other"), noon));
    must(enrolment.enrol(code("ccc").id, certificate("old disk"), noon));
    CHECK(checked(enrolment, hello(1), "old disk") == "ok");
    must(enrolment.make_code(TillId{1}, code("dddd"), noon));
    CHECK(checked(enrolment, hello(1), "old disk") == "ok"); // it sells until the new one is there
    must(enrolment.enrol(code("dddd").id, certificate("new disk"), noon));
    CHECK(checked(enrolment, hello(1), "old disk") == "till.signature");
    CHECK(checked(enrolment, hello(1), "new disk") == "ok");
    CHECK(checked(enrolment, hello(2, "S1", "W2"), "other") == "ok");
}

TEST_CASE("a hello is believed from the till, with its key, at its place") {
    Shop shop{each_engine()};
    Enrolment enrolment{*shop.writer};
    must(enrolment.add_till(at("S1", "W1"), noon));
    CHECK(checked(enrolment, hello(2), "k") == "till.unknown");
    CHECK(checked(enrolment, hello(1), "") == "till.not_enrolled");
    must(enrolment.make_code(TillId{1}, code("a"), noon));
    must(enrolment.enrol(code("a").id, certificate("k"), noon));
    CHECK(checked(enrolment, hello(1), "k") == "ok");
    CHECK(checked(enrolment, hello(1), "q") == "till.signature");
    CHECK(enrolment.check(hello(1), std::nullopt, signed_by).error().name == "till.signature");
    CHECK(checked(enrolment, hello(1, "S2"), "k") == "till.store");
    CHECK(checked(enrolment, hello(1, "S1", "W2"), "k") == "till.store");
}

TEST_CASE("a revoked till is refused until a new code enrols it") {
    Shop shop{each_engine()};
    Enrolment enrolment{*shop.writer};
    must(enrolment.add_till(at("S1", "W1"), noon));
    must(enrolment.make_code(TillId{1}, code("a"), noon));
    must(enrolment.enrol(code("a").id, certificate("k"), noon));
    must(enrolment.make_code(TillId{1}, code("bb"), noon));
    must(enrolment.revoke(TillId{1}, noon + minute));
    must(enrolment.revoke(TillId{1}, noon + 2 * minute));
    CHECK(must(enrolment.till(TillId{1})).revoked == noon + minute);
    CHECK(checked(enrolment, hello(1), "k") == "till.revoked");
    CHECK(enrolment.enrol(code("bb").id, certificate("k"), noon + minute).error().name == "code.unknown");
    CHECK(enrolment.renewed(TillId{1}, certificate("k")).error().name == "till.revoked");
    CHECK(shop.status().tills_revoked == 1);
    CHECK(shop.status().tills_enrolled == 0);
    must(enrolment.make_code(TillId{1}, code("ccc"), noon + 3 * minute));
    CHECK(checked(enrolment, hello(1), "k") == "till.revoked");
    must(enrolment.enrol(code("ccc").id, certificate("new"), noon + 4 * minute));
    CHECK(checked(enrolment, hello(1), "new") == "ok");
    CHECK(checked(enrolment, hello(1), "k") == "till.signature");
    CHECK(shop.status().tills_enrolled == 1);
    CHECK(enrolment.revoke(TillId{9}, noon).error().name == "till.unknown");
}

TEST_CASE("a certificate is renewed for the same key only") {
    Shop shop{each_engine()};
    Enrolment enrolment{*shop.writer};
    must(enrolment.add_till(at("S1", "W1"), noon));
    must(enrolment.make_code(TillId{1}, code("a"), noon));
    must(enrolment.enrol(code("a").id, certificate("k"), noon));
    must(enrolment.renewed(TillId{1}, {"k", "cd", noon + day * 180}));
    const auto till = must(enrolment.till(TillId{1}));
    CHECK(till.certificate_serial == "cd");
    CHECK(till.certificate_until == noon + day * 180);
    CHECK(till.enrolled == noon);
    CHECK(enrolment.renewed(TillId{1}, certificate("other")).error().name == "till.key");
    CHECK(enrolment.renewed(TillId{2}, certificate("k")).error().name == "till.unknown");
}

TEST_CASE("a till of the time before enrolment is taken over by a code, where it stands") {
    Shop shop{each_engine()};
    shop.till(4, "PUN01");
    Enrolment enrolment{*shop.writer};
    CHECK(must(enrolment.tills()).empty());
    must(enrolment.make_code(TillId{4}, code("a"), noon));
    const auto till = must(enrolment.enrol(code("a").id, certificate("k"), noon));
    CHECK(till.store.value == "PUN01");
    CHECK(till.workstation.value == "1");
    CHECK(checked(enrolment, hello(4, "PUN01", "1"), "k") == "ok");
}
