#include "golden/samples.hpp"

#include <algorithm>
#include <tuple>

#include <mudi/base/random.hpp>

#include "golden/sample_values.hpp"
#include "unit/sync/grocery.hpp"

namespace mudi::golden {
namespace {

template <class T>
sync::FeedRow row(std::int64_t version, sync::FeedKind kind, std::string key, const T& value) {
    sync::FeedRow row;
    row.version = version;
    row.kind = static_cast<std::uint32_t>(kind);
    row.key = std::move(key);
    row.body = sync::encode(value);
    row.applied = version * 1'000;
    return row;
}

sync::FeedRow tombstone(std::int64_t version, std::string key) {
    sync::FeedRow row;
    row.version = version;
    row.kind = static_cast<std::uint32_t>(sync::FeedKind::profile);
    row.key = std::move(key);
    row.deleted = true;
    return row;
}

sync::TillHello hello() {
    sync::TillHello hello;
    hello.till = TillId{1};
    hello.incarnation = Incarnation{0x8000'0000'0000'0001};
    return hello;
}

sync::TillHello full_hello() {
    sync::TillHello hello;
    hello.till = TillId{4711};
    hello.store = StoreId{"কলকাতা-১"};
    hello.workstation = WorkstationId{"W3"};
    hello.incarnation = Incarnation{0x0123'4567'89ab'cdef};
    hello.last = EventSeq{42'000};
    hello.wall = morning;
    hello.schema = 1;
    hello.acked = EventSeq{41'000};
    hello.ack_generation = 0xfeed'beef;
    hello.cursor = {0xfeed'beef, 80};
    hello.version = "0.1.0";
    hello.certificate_request = "-----BEGIN CERTIFICATE REQUEST-----\nmade up\n";
    hello.holder = RightsHolder{0xabcd'ef01'2345'6789};
    hello.machine = hash128("machine");
    hello.lead_url = "tls+tcp://192.0.2.7:7444";
    return hello;
}

sync::PushedBatch batch(std::vector<sync::Event> events) {
    sync::PushedBatch out;
    out.till = TillId{4711};
    out.incarnation = Incarnation{0x0123'4567'89ab'cdef};
    out.chain_before = hash128("before");
    out.events = std::move(events);
    return out;
}

std::vector<sync::Event> groceries(std::uint64_t seed, int count) {
    test::Grocery shop{seed};
    std::vector<sync::Event> events;
    for (int i = 0; i < count; ++i) events.push_back(shop.sale(1 + i % 12));
    return events;
}

sync::Event event(std::int64_t seq, const Sample& sample) {
    sync::Event event;
    event.seq = EventSeq{seq};
    event.id = EventId{*bits128_from_hex(sample.words.at("id").get<std::string>())};
    event.hlc = (to_ms(morning) << 16) + seq;
    event.kind = sample.words.at("kind").get<std::uint32_t>();
    event.schema = sample.words.at("schema").get<std::uint32_t>();
    event.body = sample.bytes;
    return event;
}

/// Every kind, and two of another release.
std::vector<sync::Event> every_event() {
    std::vector<sync::Event> events;
    for (const Sample& sample : event_samples())
        events.push_back(event(100 + static_cast<std::int64_t>(events.size()), sample));
    sync::Event strange = events.front();
    strange.seq.value = events.back().seq.value + 1;
    strange.id = EventId{{99, 99}};
    strange.kind = 99;
    strange.body = "of a kind that is not known";
    events.push_back(strange);
    strange.seq.value += 1;
    strange.id = EventId{{99, 100}};
    strange.kind = 1;
    strange.schema = 7;
    events.push_back(strange);
    return events;
}

template <class Frame>
Sample frame_sample(std::string name, std::string bytes, Frame value) {
    return {std::move(name), std::move(bytes), describe(value)};
}

Sample push_sample(std::string name, std::vector<sync::Event> events,
                   const sync::Dictionary* dictionary = nullptr) {
    sync::PushedBatch value = batch(std::move(events));
    std::string bytes = encode(value, dictionary);
    return frame_sample(std::move(name), std::move(bytes), sync::RequestFrame{std::move(value)});
}

Sample hello_sample(std::string name, const sync::TillHello& value, std::string signature = {}) {
    sync::HelloFrame frame;
    frame.hello = value;
    frame.takes_challenge = true;
    frame.fields = sync::hello_fields(value);
    frame.signature = signature;
    std::string bytes = sync::hello_frame(frame.fields, signature);
    return frame_sample(std::move(name), std::move(bytes), sync::RequestFrame{std::move(frame)});
}

template <class Value>
Sample request_sample(std::string name, Value value) {
    std::string bytes = encode(value);
    return frame_sample(std::move(name), std::move(bytes), sync::RequestFrame{std::move(value)});
}

template <class Value>
Sample answer_sample(std::string name, Value value) {
    std::string bytes = encode(value);
    return frame_sample(std::move(name), std::move(bytes), sync::AnswerFrame{std::move(value)});
}

std::vector<sync::FeedRow> some_rows() {
    return {row(3, sync::FeedKind::settings, "settings", full_settings()),
            row(4, sync::FeedKind::profile, "17", full_profile()), tombstone(5, "18"),
            row(9, sync::FeedKind::product, "8902", product("8902", "মুসুর ডাল", "ডাল ও কলাই")),
            row(11, sync::FeedKind::profile, "1", minimal_profile())};
}

std::vector<sync::FeedRow> many_rows() {
    std::vector<sync::FeedRow> rows;
    SeededRandom random{20261121};
    for (std::int64_t version = 1; version <= 80; ++version) {
        crm::ProfileSlice slice = full_profile();
        slice.id = ProfileId{version};
        slice.identifiers.push_back(IdentifierHash{random.bits128()});
        rows.push_back(row(version, sync::FeedKind::profile, std::to_string(version), slice));
    }
    return rows;
}

/// As a part holds them: in the order of kind and key, and without tombstones.
std::vector<sync::FeedRow> part_rows() {
    std::vector<sync::FeedRow> rows = some_rows();
    std::erase_if(rows, [](const sync::FeedRow& row) { return row.deleted; });
    std::sort(rows.begin(), rows.end(), [](const sync::FeedRow& a, const sync::FeedRow& b) {
        return std::tie(a.kind, a.key) < std::tie(b.kind, b.key);
    });
    return rows;
}

std::vector<Sample> pull_answers() {
    sync::PullAnswer level;
    level.cursor = {7, 11};
    level.complete = true;
    sync::PullAnswer rows = level;
    rows.rows = some_rows();
    sync::PullAnswer first;
    first.cursor = {0xfeed'beef, 80};
    first.rows = many_rows();
    first.learned_number = 2;
    first.learned = learned_dictionary();
    sync::PullAnswer manifest;
    manifest.cursor = {7, 11};
    manifest.manifest.digests = {1, 0xffff'ffff'ffff'ffff, 0, 4};
    sync::PullAnswer part;
    part.cursor = {7, 0};
    part.parts = 1;
    part.rows = part_rows();
    part.part_digest = sync::digest_of(part.rows);
    return {answer_sample("pull_answer_level", level), answer_sample("pull_answer_rows", rows),
            answer_sample("pull_answer_many", first), answer_sample("pull_answer_manifest", manifest),
            answer_sample("pull_answer_part", part)};
}

} // namespace

std::string learned_dictionary() {
    sync::DictionaryLearner learner;
    const std::vector<sync::Event> seen = groceries(3, 800);
    std::string newest;
    for (std::size_t i = 0; i + 100 <= seen.size(); i += 100) {
        if (const auto learned = learner.observe(std::span{seen}.subspan(i, 100)); learned && newest.empty())
            newest = learned->bytes();
    }
    return newest;
}

std::vector<Sample> request_samples() {
    const auto learned = sync::Dictionary::make(2, learned_dictionary());
    sync::Pull first;
    first.till = TillId{1};
    sync::Pull later;
    later.till = TillId{4711};
    later.store = StoreId{"কলকাতা-১"};
    later.cursor = {0xfeed'beef, 80};
    later.wait = std::chrono::seconds{25};
    later.bytes_max = 512 * 1024;
    later.dictionary = learned->fingerprint();
    sync::Pull part = later;
    part.ask = sync::PullAsk::part;
    part.parts = 64;
    part.part = 63;
    return {
        hello_sample("hello_minimal", hello()),
        hello_sample("hello_full", full_hello()),
        hello_sample("hello_signed", full_hello(), "a signature"),
        push_sample("push_lone", groceries(1, 1)),
        push_sample("push_some", groceries(2, 5)),
        push_sample("push_learned", groceries(3, 3), &*learned),
        push_sample("push_backlog", groceries(4, 120)),
        push_sample("push_every_kind", every_event()),
        request_sample("pull_first", first),
        request_sample("pull_later", later),
        request_sample("pull_part", part),
        request_sample("reserve", sync::Reserve{TillId{4711}, HoldId{{7, 9}}, ProfileId{17}, Points{40}})};
}

std::vector<Sample> answer_samples() {
    sync::HelloAnswer stranger;
    stranger.generation = 7;
    stranger.schema = 1;
    sync::HelloAnswer known = stranger;
    known.generation = 0xfedc'ba98'7654'3210;
    known.mark = {EventSeq{41'998}, hash128("mark")};
    known.wall = morning;
    known.events_max = 500;
    known.bytes_max = 2 * 1024 * 1024;
    known.dictionary = 0x0123'4567'89ab'cdef;
    known.safe = EventSeq{40'000};
    known.arrival = 9'000'000;
    known.certificate = "-----BEGIN CERTIFICATE-----\nmade up\n";
    sync::PushAnswer stored;
    stored.generation = 7;
    stored.mark = {EventSeq{1}, hash128("one")};
    sync::PushAnswer later = stored;
    later.mark.seq = EventSeq{42'000};
    later.not_before = Duration{1'500};
    later.safe = EventSeq{40'000};
    later.arrival = 9'000'000;
    std::vector<Sample> out{
        answer_sample("hello_answer_stranger", stranger), answer_sample("hello_answer_known", known),
        answer_sample("push_answer_first", stored), answer_sample("push_answer_credit", later)};
    for (Sample& sample : pull_answers()) out.push_back(std::move(sample));
    out.push_back(answer_sample("challenge", sync::Challenge{hash128("nonce")}));
    out.push_back(
        answer_sample("reserve_answer_granted",
                      sync::ReserveAnswer{true, RightsHolder{0xabcd'ef01'2345'6789}, Points{}, Duration{}}));
    out.push_back(answer_sample("reserve_answer_later",
                                sync::ReserveAnswer{false, RightsHolder{}, Points{12}, Duration{30'000}}));
    out.push_back(answer_sample("refusal_unknown", sync::Refusal{"till.unknown", "", Duration{}}));
    out.push_back(answer_sample("refusal_busy",
                                sync::Refusal{"db.busy", "the server is busy: come again", Duration{2'000}}));
    return out;
}

} // namespace mudi::golden
