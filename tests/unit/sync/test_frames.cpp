#include <catch2/catch.hpp>

#include <zstd.h>

#include <mudi/base/hash.hpp>

#include "sync/protocol/envelope.hpp"
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
    TillHello hello;
    hello.till.value = 3;
    hello.store.value = "kol-1";
    hello.workstation.value = "T1";
    hello.incarnation.value = ~std::uint64_t{0};
    hello.last.value = 1234;
    hello.wall = time_from_ms(1234567890123);
    hello.schema = 1;
    hello.acked.value = 1200;
    hello.ack_generation = ~std::uint64_t{1};
    hello.cursor = {77, 88};
    hello.version = "0.2.0";
    hello.certificate_request = std::string(4000, 'r');
    hello.holder.value = 5;
    hello.machine = hash128("machine");
    hello.lead_url = "http://10.0.0.1:8077";
    const auto back = as<HelloFrame>(decode_request(encode(hello), {}, {}));
    CHECK(back.hello.till == hello.till);
    CHECK(back.hello.store == hello.store);
    CHECK(back.hello.workstation == hello.workstation);
    CHECK(back.hello.incarnation == hello.incarnation);
    CHECK(back.hello.last == hello.last);
    CHECK(back.hello.wall == hello.wall);
    CHECK(back.hello.acked == hello.acked);
    CHECK(back.hello.ack_generation == hello.ack_generation);
    CHECK(back.hello.cursor == hello.cursor);
    CHECK(back.hello.version == hello.version);
    CHECK(back.hello.certificate_request == hello.certificate_request);
    CHECK(back.hello.holder == hello.holder);
    CHECK(back.hello.machine == hello.machine);
    CHECK(back.hello.lead_url == hello.lead_url);
    CHECK(back.takes_challenge);
    CHECK(back.signature.empty());
    Pull pull;
    pull.till.value = 3;
    pull.store.value = "মুদি";
    pull.cursor = {~std::uint64_t{0}, 99};
    pull.wait = Duration{25'000};
    pull.bytes_max = 1000;
    pull.dictionary = 5;
    CHECK(as<Pull>(decode_request(encode(pull), {}, {})) == pull);
    pull.ask = PullAsk::part;
    pull.parts = 512;
    pull.part = 511;
    CHECK(as<Pull>(decode_request(encode(pull), {}, {})) == pull);
    const Reserve reserve{TillId{3}, HoldId{hash128("hold")}, ProfileId{INT64_MAX}, Points{points_max}};
    CHECK(as<Reserve>(decode_request(encode(reserve), {}, {})) == reserve);
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
    HelloAnswer hello;
    hello.generation = 1;
    hello.mark = {EventSeq{4}, hash128("4")};
    hello.wall = time_from_ms(5);
    hello.schema = 1;
    hello.events_max = 500;
    hello.bytes_max = 1000;
    hello.dictionary = ~std::uint64_t{0};
    hello.safe.value = 3;
    hello.arrival = INT64_MAX - 1;
    hello.certificate = "certificate";
    CHECK(as<HelloAnswer>(decode_answer(encode(hello))) == hello);
    const PushAnswer pushed{2, {EventSeq{9}, hash128("9")}, Duration{1500}, EventSeq{8}, 77};
    CHECK(as<PushAnswer>(decode_answer(encode(pushed))) == pushed);
    CHECK(as<Challenge>(decode_answer(encode(Challenge{hash128("n")}))) == Challenge{hash128("n")});
    PullAnswer pulled;
    pulled.cursor = {3, 41};
    pulled.replace = true;
    pulled.complete = true;
    CHECK(as<PullAnswer>(decode_answer(encode(pulled))) == pulled);
    pulled.rows = {{1, 1, "17", false, "body", 12},
                   {40, 2, "key", true, "", 0},
                   {41, 9, "", false, std::string(100'000, 'x'), INT64_MAX - 1}};
    pulled.learned_number = 4;
    pulled.learned = std::string(30'000, 'd');
    CHECK(as<PullAnswer>(decode_answer(encode(pulled))) == pulled);
    PullAnswer part;
    part.cursor = {3, 0};
    part.parts = 64;
    part.part = 63;
    part.part_digest = ~std::uint64_t{0};
    part.rows = {{40, 1, "a", false, "x", 5}, {7, 1, "b", false, "y", 0}};
    CHECK(as<PullAnswer>(decode_answer(encode(part))) == part);
    PullAnswer compare;
    compare.cursor = {3, 4};
    for (std::uint64_t i = 0; i < parts_max; ++i) compare.manifest.digests.push_back(~i);
    CHECK(as<PullAnswer>(decode_answer(encode(compare))) == compare);
    const ReserveAnswer reserved{true, RightsHolder{~std::uint64_t{0}}, Points{7}, Duration{900}};
    CHECK(as<ReserveAnswer>(decode_answer(encode(reserved))) == reserved);
    const Refusal refusal{"till.unknown", "who?", Duration{5}};
    CHECK(as<Refusal>(decode_answer(encode(refusal))) == refusal);
}

TEST_CASE("rows that were packed before are what the next till gets, and other rows are not taken for them") {
    PullAnswer answer;
    answer.cursor = {7, 9};
    answer.rows = {{9, 1, "rice", false, "a kilo", 0}};
    PullAnswer other = answer;
    other.rows.front().body = "a pound";
    PackedRows before;
    for (const PullAnswer& one : {answer, other, answer, answer})
        CHECK(as<PullAnswer>(decode_answer(encode(one, &before))) == one);
    other.complete = !answer.complete; // stands beside the rows
    other.rows = answer.rows;
    CHECK(as<PullAnswer>(decode_answer(encode(other, &before))) == other);
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

namespace {

/// A protobuf field as it is written: its number, and its content of so many bytes.
std::string field(int number, const std::string& content) {
    std::string out{static_cast<char>(number << 3 | 2)};
    for (std::size_t size = content.size();; size >>= 7) {
        out += static_cast<char>((size & 0x7f) | (size > 0x7f ? 0x80 : 0));
        if (size <= 0x7f) break;
    }
    return out + content;
}

std::string hex_frame(FrameType type, std::string_view hex) {
    return frame_of(type, std::string_view(*from_hex(hex)));
}

} // namespace

TEST_CASE("what is signed are the bytes of the hello as they came, a newer till's included", "[sync]") {
    TillHello hello;
    hello.till.value = 3;
    const std::string newer = hello_fields(hello) + std::string("\xfa\x7f\x03new", 6); // field 2047
    const auto back = as<HelloFrame>(decode_request(hello_frame(newer, "signature"), {}, {}));
    CHECK(back.fields == newer);
    CHECK(back.signature == "signature");
    CHECK(back.hello.till == TillId{3});
    // Something behind the signature would be taken without being signed.
    const std::string signed_early = hello_fields(hello) + std::string("\x92\x01\x01s", 4) + "\x08\x04";
    CHECK(decode_request(frame_of(FrameType::hello, std::string_view(signed_early)), {}, {}).error().name ==
          "wire.corrupt");
    CHECK(signed_text(hash128("a"), "x") != signed_text(hash128("b"), "x"));
}

TEST_CASE("hellos and answers have bounds on everything that is text", "[sync]") {
    TillHello hello;
    hello.till.value = 3;
    const auto refused = [](const TillHello& each) {
        const auto result = decode_request(encode(each), {}, {});
        return !result && result.error().name == "wire.corrupt";
    };
    TillHello large = hello;
    large.certificate_request.assign(certificate_request_bytes_max + 1, 'x');
    CHECK(refused(large));
    large = hello;
    large.version.assign(200, 'x');
    CHECK(refused(large));
    large = hello;
    large.lead_url.assign(2000, 'x');
    CHECK(refused(large));
    CHECK_FALSE(
        decode_request(hello_frame(hello_fields(hello), std::string(signature_bytes_max + 1, 's')), {}, {}));
    HelloAnswer answer;
    answer.certificate.assign(certificate_bytes_max + 1, 'x');
    CHECK_FALSE(decode_answer(encode(answer)));
    CHECK_FALSE(decode_request(std::string(frame_bytes_max + 1, '\1'), {}, {}));
}

TEST_CASE("frames that 0.1.0 wrote are understood", "[sync]") {
    const auto hello = as<HelloFrame>(decode_request(
        hex_frame(FrameType::hello, "08031201411a0154210900000000000000280530cb89ec8ff7233801"), {}, {}));
    CHECK(hello.hello.till == TillId{3});
    CHECK(hello.hello.incarnation == Incarnation{9});
    CHECK(hello.hello.last == EventSeq{5});
    CHECK(hello.hello.wall == time_from_ms(1234567890123));
    CHECK_FALSE(hello.takes_challenge);
    const auto pull = as<Pull>(decode_request(
        hex_frame(FrameType::pull, "0803120141194d00000000000000200a28a09c0130a08d06390500000000000000"), {},
        {}));
    CHECK(pull.cursor == FeedCursor{77, 10});
    CHECK(pull.ask == PullAsk::changes_or_all);
    const auto answered = as<HelloAnswer>(decode_answer(
        hex_frame(FrameType::hello_answer,
                  "09010000000000000010041a10303132333435363738396162636465662005280130f40338e807")));
    CHECK(answered.mark.seq == EventSeq{4});
    CHECK(answered.safe == EventSeq{0});
    CHECK(answered.arrival == 0);
    const auto pushed = as<PushAnswer>(decode_answer(
        hex_frame(FrameType::push_answer, "09010000000000000010041a10303132333435363738396162636465662007")));
    CHECK(pushed.mark.seq == EventSeq{4});
    CHECK(pushed.not_before == Duration{7});
    CHECK(pushed.safe == EventSeq{0});
}

TEST_CASE("0.1.0 understands the frames that are written for it", "[sync]") {
    // The fields it knows, as it wrote them itself, come first and unchanged.
    PushAnswer pushed;
    pushed.generation = 1;
    pushed.mark = {EventSeq{4}, *bits128_from_bytes("0123456789abcdef")};
    pushed.not_before = Duration{7};
    CHECK(encode(pushed) == hex_frame(FrameType::push_answer,
                                      "09010000000000000010041a10303132333435363738396162636465662007"));
}

TEST_CASE("divisions and parts that cannot be are refused", "[sync]") {
    Pull pull;
    pull.till.value = 1;
    pull.ask = PullAsk::part;
    const auto refused = [&](std::uint32_t parts, std::uint32_t part) {
        pull.parts = parts;
        pull.part = part;
        PullAnswer answer;
        answer.parts = parts;
        answer.part = part;
        return !decode_request(encode(pull), {}, {}) && (parts == 0 || !decode_answer(encode(answer)));
    };
    CHECK(refused(0, 0));
    CHECK(refused(3, 0));
    CHECK(refused(8, 8));
    CHECK(refused(2048, 0));
    CHECK(refused(0x80000000u, 1));
    CHECK_FALSE(refused(1024, 1023));
    const std::string odd = field(8, std::string(24, 'd')); // three digests
    CHECK(decode_answer(frame_of(FrameType::pull_answer, std::string_view(odd))).error().name ==
          "wire.corrupt");
}

TEST_CASE("a question between two tills travels without a core", "[sync]") {
    const Reserve reserve{TillId{3}, HoldId{hash128("hold")}, ProfileId{4}, Points{50}};
    CHECK(decode_question(encode_question(reserve)) == reserve);
    const ReserveAnswer answer{false, RightsHolder{2}, Points{30}, Duration{400}};
    CHECK(decode_reserve_answer(encode_answer(answer)) == answer);
    const auto refused =
        decode_reserve_answer(encode_answer(fail(Code::not_found, "profile.unknown", "not here")));
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == Error{Code::denied, "profile.unknown", "not here"});
    CHECK_FALSE(decode_question(encode_answer(answer)));
    CHECK_FALSE(decode_reserve_answer(encode_question(reserve)));
    const auto question_refused = [](Reserve each) { return !decode_question(encode_question(each)); };
    Reserve wrong = reserve;
    wrong.points.value = 0;
    CHECK(question_refused(wrong));
    wrong = reserve;
    wrong.profile.value = 0;
    CHECK(question_refused(wrong));
    wrong = reserve;
    wrong.till.value = 0;
    CHECK(question_refused(wrong));
    // Points that were overdrawn are told as none.
    CHECK(decode_reserve_answer(encode_answer(ReserveAnswer{false, {}, Points{-5}, {}}))->available ==
          Points{0});
}

TEST_CASE("the largest push that is allowed is within the counts", "[sync]") {
    test::Grocery shop(1);
    PushedBatch batch{TillId{1}, Incarnation{1}, {}, {}};
    for (int i = 0; i < 500; ++i) {
        batch.events.push_back(shop.sale(1));
        batch.events.back().seq.value = i + 1;
        batch.events.back().kind = 0xffff'ffff;
        batch.events.back().schema = 0xffff'ffff;
        batch.events.back().hlc = (i % 2 == 0 ? (INT64_MAX >> 16) << 16 : 0) | 0xffff;
    }
    const auto request = decode_request(encode(batch, nullptr), {}, {});
    REQUIRE(request);
    CHECK(std::get<PushedBatch>(*request).events == batch.events);
}
