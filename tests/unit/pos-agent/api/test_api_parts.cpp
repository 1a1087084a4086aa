#include <catch2/catch.hpp>

#include <mudi/base/file.hpp>

#include <pos-agent/api/fields.hpp>
#include <pos-agent/api/idempotency.hpp>
#include <pos-agent/api/language.hpp>
#include <pos-agent/api/pairing.hpp>
#include <support/temp_dir.hpp>

using namespace mudi;
using namespace mudi::till;
using nlohmann::json;

namespace {

MonoTime at(Duration since) { return MonoTime{since}; }

} // namespace

TEST_CASE("kept answers are bounded in number, bytes and age") {
    IdempotencyStore store;
    http::Request request;
    request.method = "POST";
    request.raw_path = "/v1/x";
    const Bits128 print = IdempotencyStore::fingerprint(request);
    for (std::size_t i = 0; i < IdempotencyStore::answers_max + 10; ++i)
        store.keep("k" + std::to_string(i), print, {}, at(Duration{1}));
    CHECK(store.size() == IdempotencyStore::answers_max);
    CHECK_FALSE(store.find("k0", print, at(Duration{2})).value());
    CHECK(store.find("k100", print, at(Duration{2})).value());
    store.keep("large", print, {200, "", std::string(IdempotencyStore::bytes_max, 'x'), {}}, at(Duration{3}));
    CHECK(store.size() == 0);
    store.keep("old", print, {}, at(Duration{4}));
    CHECK(store.find("old", print, at(Duration{4} + IdempotencyStore::life - Duration{1})).value());
    CHECK_FALSE(store.find("old", print, at(Duration{4} + IdempotencyStore::life)).value());
    CHECK(store.find("", print, at(Duration{5})).error().name == "idempotency.key");
}

TEST_CASE("an answer that says try again is not kept") {
    IdempotencyStore store;
    store.keep("k", {}, {503, "", "", {}}, at(Duration{1}));
    CHECK_FALSE(store.find("k", {}, at(Duration{2})).value());
}

TEST_CASE("a pairing code dies of age") {
    const test::TempDir folder;
    SeededRandom random(1);
    auto pairing = Pairing::open(folder.file("pairings"));
    REQUIRE(pairing);
    const std::string code = pairing->new_code(random, at(Duration{0}));
    CHECK(code.size() == 6);
    CHECK(pairing->redeem(code, random, at(Pairing::code_life)).error().name == "pair.no_code");
    const std::string fresh = pairing->new_code(random, at(Duration{0}));
    const auto token = pairing->redeem(fresh, random, at(Pairing::code_life - Duration{1}));
    REQUIRE(token);
    CHECK(pairing->known(*token));
    CHECK_FALSE(pairing->known("x"));
    CHECK((std::filesystem::status(folder.file("pairings")).permissions() & std::filesystem::perms::all) ==
          (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

TEST_CASE("a damaged pairing file is refused") {
    const test::TempDir folder;
    REQUIRE(write_file(folder.file("pairings"), "nonsense\n", 0600));
    CHECK(Pairing::open(folder.file("pairings")).error().name == "pairing.corrupt");
}

TEST_CASE("the reader's language is the best of ours they accept") {
    CHECK(reader_language("", "hi") == "hi");
    CHECK(reader_language("fr, de", "en") == "en");
    CHECK(reader_language("mr-IN", "en") == "mr");
    CHECK(reader_language("en;q=0.5, BN;q=0.9, hi;q=0.85", "en") == "bn");
    CHECK(reader_language("bn;q=0, en;q=0.001", "hi") == "en");
    CHECK(reader_language(",,;q=,", "hi") == "hi");
}

TEST_CASE("a document reader names the first fault and its place") {
    const json document =
        json::parse(R"({"a":1.5,"b":"x","list":[{"n":1},{"n":"2"}],"day":"2026-11-31","none":null})");
    Fields fields(document, "");
    CHECK(fields.integer("missing", 0, 9, 7) == 7);
    CHECK_FALSE(fields.has("none"));
    fields.array("list", 5, [&](const json& each, const std::string& place) {
        Fields inner(each, place);
        inner.integer("n", 0, 9);
        if (auto outcome = inner.outcome(); !outcome) fields.fault(outcome.error());
    });
    fields.integer("a", 0, 9);
    REQUIRE_FALSE(fields.outcome());
    CHECK(fields.outcome().error().name == "json.type");
    CHECK_THAT(fields.outcome().error().what, Catch::StartsWith("list[1].n "));

    Fields day(document, "top");
    day.day("day");
    CHECK(day.outcome().error().name == "json.day");
    CHECK_THAT(day.outcome().error().what, Catch::StartsWith("top.day "));
}
