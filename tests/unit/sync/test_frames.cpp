#include <catch2/catch.hpp>

#include <zstd.h>

#include <mudi/base/hash.hpp>

#include "sync/protocol/frames.hpp"
#include "unit/sync/grocery.hpp"

using namespace mudi;
using namespace mudi::sync;

namespace {

PushedBatch batch_of(int events, std::uint64_t seed = 1) {
    test::Grocery shop(seed);
    PushedBatch batch{TillId{7}, Incarnation{0x0123456789abcdef}, hash128("before"), {}};
    for (int i = 0; i < events; ++i) {
        batch.events.push_back(shop.sale());
        batch.events.back().seq.value += 1'000;
    }
    return batch;
}

void require_same(const PushedBatch& a, const PushedBatch& b) {
    REQUIRE(a.till == b.till);
    REQUIRE(a.incarnation == b.incarnation);
    REQUIRE(a.chain_before == b.chain_before);
    REQUIRE(a.events == b.events);
}

template <class T, class Frame>
T as(const Result<Frame>& frame) {
    REQUIRE(frame);
    REQUIRE(std::holds_alternative<T>(*frame));
    return std::get<T>(*frame);
}

std::vector<Dictionary> learned_from(test::Grocery& shop) {
    std::vector<Dictionary> learned;
    DictionaryLearner learner;
    while (learned.empty()) {
        const Event event = shop.sale();
        if (auto dictionary = learner.observe({&event, 1})) learned.push_back(*std::move(dictionary));
    }
    return learned;
}

} // namespace

TEST_CASE("requests come back as they were sent", "[sync]") {
    const TillHello hello{TillId{3},
                          StoreId{"kol-1"},
                          WorkstationId{"T1"},
                          Incarnation{~std::uint64_t{0}},
                          EventSeq{1234},
                          time_from_ms(1234567890123),
                          1};
    const auto hello_back = as<TillHello>(decode_request(encode(hello), {}, {}));
    CHECK(hello_back.till == hello.till);
    CHECK(hello_back.store == hello.store);
    CHECK(hello_back.workstation == hello.workstation);
    CHECK(hello_back.incarnation == hello.incarnation);
    CHECK(hello_back.last == hello.last);
    CHECK(hello_back.wall == hello.wall);
    const Pull pull{TillId{3}, StoreId{"মুদি"}, {~std::uint64_t{0}, 99}, Duration{25'000}, 1000, 5};
    CHECK(as<Pull>(decode_request(encode(pull), {}, {})) == pull);
    for (const int events : {1, 2, 50, 500}) {
        const PushedBatch batch = batch_of(events);
        require_same(as<PushedBatch>(decode_request(encode(batch, nullptr), {}, {})), batch);
    }
}

TEST_CASE("events of unknown kinds, of newer schemas and with counters in their clocks travel unharmed",
          "[sync]") {
    PushedBatch batch = batch_of(3);
    batch.events[1].kind = 4'000'000'000;
    batch.events[2].schema = 9;
    batch.events[2].hlc = batch.events[1].hlc + 3;
    batch.events[0].body = std::string("\0\xff no protobuf at all", 22);
    require_same(as<PushedBatch>(decode_request(encode(batch, nullptr), {}, {})), batch);
}

TEST_CASE("answers come back as they were sent", "[sync]") {
    HelloAnswer hello{
        .generation = 1, .mark = {EventSeq{4}, hash128("4")}, .wall = time_from_ms(5), .schema = 1};
    hello.events_max = 500;
    hello.bytes_max = 1000;
    hello.dictionary = ~std::uint64_t{0};
    CHECK(as<HelloAnswer>(decode_answer(encode(hello))) == hello);
    const PushAnswer pushed{2, {EventSeq{9}, hash128("9")}, Duration{1500}};
    CHECK(as<PushAnswer>(decode_answer(encode(pushed))) == pushed);
    PullAnswer pulled{
        .cursor = {3, 41}, .replace = true, .complete = true, .rows = {}, .learned_number = 0, .learned = {}};
    CHECK(as<PullAnswer>(decode_answer(encode(pulled))) == pulled);
    pulled.rows = {
        {1, 1, "17", false, "body"}, {40, 2, "key", true, ""}, {41, 9, "", false, std::string(100'000, 'x')}};
    pulled.learned_number = 4;
    pulled.learned = std::string(30'000, 'd');
    CHECK(as<PullAnswer>(decode_answer(encode(pulled))) == pulled);
    const Refusal refusal{"till.unknown", "who?", Duration{5}};
    CHECK(as<Refusal>(decode_answer(encode(refusal))) == refusal);
}

TEST_CASE("a frame cut anywhere or with any bit flipped is refused", "[sync]") {
    const std::string frame = encode(batch_of(1), nullptr);
    for (std::size_t cut = 0; cut < frame.size(); ++cut)
        REQUIRE_FALSE(decode_request(frame.substr(0, cut), {}, {}));
    for (std::size_t bit = 0; bit < frame.size() * 8; ++bit) {
        std::string flipped = frame;
        flipped[bit / 8] ^= static_cast<char>(1 << bit % 8);
        CAPTURE(bit);
        REQUIRE_FALSE(decode_request(flipped, {}, {}));
    }
    CHECK(decode_request("", {}, {}).error().name == "wire.corrupt");
    CHECK(decode_request(std::string("\x02\x01\x00....", 7), {}, {}).error().name == "wire.version");
    CHECK(decode_answer(frame).error().name == "wire.corrupt"); // a request is no answer
}

TEST_CASE("a push beyond the limits is refused before it is taken apart", "[sync]") {
    const std::string frame = encode(batch_of(11), nullptr);
    CHECK(decode_request(frame, {.events_max = 11}, {}));
    CHECK(decode_request(frame, {.events_max = 10}, {}).error().name == "wire.too_large");
    CHECK(decode_request(frame, {.events_max = 11, .unpacked_max = 2000}, {}).error().name ==
          "wire.too_large");
    PushedBatch large = batch_of(1);
    large.events[0].body.assign(event_body_bytes_max + 1, 'x');
    CHECK(decode_request(encode(large, nullptr), {}, {}).error().name == "wire.too_large");
}

TEST_CASE("a packed part that declares too much, or nothing, is refused without being unpacked", "[sync]") {
    const std::string bomb = pack(std::string(64 * 1024 * 1024, '\0'), nullptr);
    CHECK(bomb.size() < 10'000);
    CHECK(unpack(bomb, nullptr, 1024 * 1024).error().name == "wire.too_large");

    std::string silent(1000, '\0'); // a frame that does not say how large it will be
    ZSTD_CCtx* context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
    const std::string plain(5000, 'x');
    silent.resize(ZSTD_compress2(context, silent.data(), silent.size(), plain.data(), plain.size()));
    ZSTD_freeCCtx(context);
    CHECK(unpack(std::string_view(silent).substr(4), nullptr, 1024 * 1024).error().name == "wire.corrupt");

    const std::string packed = pack(plain, nullptr);
    CHECK(unpack(packed, nullptr, plain.size()) == plain);
    CHECK_FALSE(unpack(packed, nullptr, plain.size() - 1));
    CHECK(unpack(packed + "x", nullptr, 10'000).error().name == "wire.corrupt");
    CHECK(unpack(packed.substr(0, packed.size() - 1), nullptr, 10'000).error().name == "wire.corrupt");
    CHECK(unpack("", nullptr, 10'000).error().name == "wire.corrupt");
}

TEST_CASE("the built-in dictionary is the one that version 1 froze", "[sync]") {
    CHECK(built_in().number() == 1);
    CHECK(to_hex(hash128(built_in().bytes())) == "ac267f15cf909fadafab5cfe9d5aaf38");
}

TEST_CASE("a learned dictionary serves those who have it, and only them", "[sync]") {
    test::Grocery shop(2);
    const std::vector<Dictionary> learned = learned_from(shop);
    PushedBatch batch = batch_of(1);
    batch.events = {shop.sale()};
    batch.events[0].seq.value = 77;
    const std::string frame = encode(batch, &learned[0]);
    require_same(as<PushedBatch>(decode_request(frame, {}, learned)), batch);
    CHECK(decode_request(frame, {}, {}).error().name == "wire.dictionary");

    // Another life of a server has learned other goods under the same number.
    test::Grocery elsewhere(99);
    const std::vector<Dictionary> other = learned_from(elsewhere);
    REQUIRE(other[0].number() == learned[0].number());
    CHECK(decode_request(frame, {}, other).error().name == "wire.dictionary");
    CHECK_FALSE(Dictionary::make(3, std::string("\x37\xa4\x30\xec broken", 11)));
    CHECK_FALSE(Dictionary::make(0, "no number"));
}

TEST_CASE("nothing of a person gets into a learned dictionary", "[sync]") {
    test::Grocery shop(2);
    DictionaryLearner learner;
    std::optional<Dictionary> learned;
    while (!learned) {
        crm::RetailTransaction sale = shop.transaction();
        sale.member = crm::Member{{crm::IdentifierKind::phone, "+919830012345"}, ProfileId{5}};
        sale.operator_id = "cashier-rina";
        sale.tenders.front().reference = "upi-ref-4711";
        const Event event{EventSeq{1}, sale.id, 0, 1, 1, encode(sale)};
        learned = learner.observe({&event, 1});
    }
    for (const char* word : {"9830012345", "cashier-rina", "upi-ref-4711"}) {
        CAPTURE(word);
        CHECK(learned->bytes().find(word) == std::string::npos);
    }
    CHECK(learned->bytes().find("kol-03") != std::string::npos);
}
