#include "frames.hpp"

#include <algorithm>
#include <span>

#include <mudi.pb.h>

#include <mudi/base/assert.hpp>
#include <mudi/base/hash.hpp>

#include "codec.hpp"

namespace mudi::sync {
namespace {

enum class FrameType : unsigned char {
    hello = 1,
    push = 2,
    pull = 3,
    hello_answer = 65,
    push_answer = 66,
    pull_answer = 67,
    refusal = 127,
};

constexpr std::size_t head_bytes = 3;
constexpr std::size_t check_bytes = 4;
/// Where they stand in Push.random.
constexpr std::size_t event_ids_at = 24;
constexpr std::size_t feed_rows_max = 100'000;
/// A batch so large repeats enough within itself.
constexpr std::size_t dictionary_helps_bytes_max = 32 * 1024;

tl::unexpected<Error> corrupt(const char* what) { return fail(Code::corrupt, "wire.corrupt", what); }

/// TCP and TLS guard the line; this guards everything before and behind it, frames cut short, and against
/// unpacking with another dictionary than the sender's.
std::string check_of(std::string_view data, const Dictionary* dictionary) {
    const Bits128 fingerprint{0, dictionary == nullptr ? 0 : dictionary->fingerprint()};
    return to_bytes(chain_next(fingerprint, data)).data.substr(0, check_bytes);
}

template <class Message>
std::string frame_of(FrameType type, const Message& message, const Dictionary* dictionary = nullptr) {
    const std::uint8_t number = dictionary == nullptr ? 0 : dictionary->number();
    std::string frame{wire_version, static_cast<char>(type), static_cast<char>(number)};
    message.AppendToString(&frame);
    return frame += check_of(frame, dictionary);
}

struct Payload {
    FrameType type{};
    std::string_view message;
    const Dictionary* dictionary{};
};

Result<const Dictionary*> dictionary_for(std::uint8_t number, std::span<const Dictionary> learned) {
    if (number == 0) return static_cast<const Dictionary*>(nullptr);
    if (number == built_in_number) return &built_in();
    for (const Dictionary& dictionary : learned) {
        if (dictionary.number() == number) return &dictionary;
    }
    return fail(Code::unavailable, "wire.dictionary", "packed with a dictionary that is not known here");
}

/// The protobuf within, once version and check are right.
Result<Payload> payload_of(std::string_view frame, std::span<const Dictionary> learned) {
    if (frame.empty()) return corrupt("an empty frame");
    if (frame[0] != wire_version)
        return fail(Code::unavailable, "wire.version", "another version of the protocol");
    if (frame.size() < head_bytes + check_bytes) return corrupt("a frame cut short");
    const std::string_view checked = frame.substr(0, frame.size() - check_bytes);
    MUDI_TRY(const Dictionary* dictionary, dictionary_for(static_cast<std::uint8_t>(frame[2]), learned));
    if (frame.substr(checked.size()) != check_of(checked, dictionary)) {
        if (dictionary == nullptr || dictionary->number() == built_in_number)
            return corrupt("the check does not fit the frame");
        return fail(Code::unavailable, "wire.dictionary",
                    "damaged, or packed with another dictionary of this number");
    }
    return Payload{static_cast<FrameType>(frame[1]), checked.substr(head_bytes), dictionary};
}

template <class Message>
bool parse(Message& message, std::string_view bytes) {
    return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

template <class T>
Result<T> checked(T value, const Checker& check) {
    if (check.fault() != nullptr) return corrupt(check.fault());
    return value;
}

Duration milliseconds(std::uint32_t ms, Checker& check, const char* field) {
    constexpr std::uint32_t day_ms = 24 * 3600 * 1000;
    return Duration{check.range(ms, 0u, day_ms, field)};
}

HighWater mark_of(std::int64_t seq, const std::string& chain, Checker& check) {
    return {EventSeq{check.range(seq, 0, INT64_MAX - 1, "seq")}, check.bits(chain, "chain")};
}

std::uint32_t clamp_ms(Duration duration) {
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(duration.count(), 0, 24 * 3600 * 1000));
}

// ---- events ----

constexpr int hlc_counter_bits = 16;

template <class Values>
void drop_if_all_zero(Values& values) {
    if (std::all_of(values.begin(), values.end(), [](auto value) { return value == 0; })) values.Clear();
}

wire::Events events_of(std::span<const Event> events) {
    wire::Events out;
    std::int64_t before = 0;
    for (const Event& event : events) {
        const std::int64_t ms = event.hlc >> hlc_counter_bits;
        out.add_hlc_ms(ms - before);
        before = ms;
        out.add_hlc_counter(static_cast<std::uint32_t>(event.hlc & 0xffff));
        out.add_kind(event.kind - 1);
        out.add_schema(event.schema - 1);
        out.add_body(event.body);
    }
    drop_if_all_zero(*out.mutable_hlc_counter());
    drop_if_all_zero(*out.mutable_kind());
    drop_if_all_zero(*out.mutable_schema());
    return out;
}

bool fits(int size, int count) { return size == 0 || size == count; }

Result<std::vector<Event>> read_events(std::int64_t first, std::string_view ids, wire::Events& in,
                                       std::size_t events_max) {
    const int count = in.body_size();
    if (static_cast<std::size_t>(count) > events_max) {
        return fail(Code::invalid, "wire.too_large", "more events than a push may hold");
    }
    if (count == 0 || in.hlc_ms_size() != count || ids.size() != static_cast<std::size_t>(count) * 16 ||
        !fits(in.hlc_counter_size(), count) || !fits(in.kind_size(), count) ||
        !fits(in.schema_size(), count)) {
        return corrupt("the parts of a push do not fit each other");
    }
    if (first < 1 || first > INT64_MAX / 2) return corrupt("first");
    std::vector<Event> events(static_cast<std::size_t>(count));
    Checker check;
    std::int64_t ms = 0;
    for (int i = 0; i < count; ++i) {
        Event& event = events[static_cast<std::size_t>(i)];
        constexpr std::int64_t ms_max = INT64_MAX >> hlc_counter_bits;
        ms += check.range(in.hlc_ms(i), -ms, ms_max - ms, "hlc");
        const std::uint32_t counter =
            in.hlc_counter_size() == 0 ? 0 : check.range(in.hlc_counter(i), 0u, 0xffffu, "hlc");
        event.seq.value = first + i;
        event.id = EventId{*bits128_from_bytes(ids.substr(static_cast<std::size_t>(i) * 16, 16))};
        event.hlc = (ms << hlc_counter_bits) | counter;
        event.kind = (in.kind_size() == 0 ? 0 : in.kind(i)) + 1;
        event.schema = (in.schema_size() == 0 ? 0 : in.schema(i)) + 1;
        event.body = std::move(*in.mutable_body(i));
        if (event.body.size() > event_body_bytes_max)
            return fail(Code::invalid, "wire.too_large", "an event's body");
    }
    if (check.fault() != nullptr) return corrupt(check.fault());
    return events;
}

Result<PushedBatch> read_push(const Payload& payload, const RequestLimits& limits) {
    wire::Push in;
    if (!parse(in, payload.message)) return corrupt("no push");
    const std::string_view random = in.random();
    if (random.size() < event_ids_at) return corrupt("a push without its head");
    Checker check;
    PushedBatch batch;
    batch.till.value = check.range(in.till(), 1, INT64_MAX, "till");
    batch.incarnation.value = bits128_from_bytes(std::string(8, '\0').append(random.substr(0, 8)))->low;
    batch.chain_before = *bits128_from_bytes(random.substr(8, 16));
    if (check.fault() != nullptr) return corrupt(check.fault());
    MUDI_TRY(const std::string raw, unpack(in.events(), payload.dictionary, limits.unpacked_max));
    wire::Events events;
    if (!parse(events, raw)) return corrupt("no events");
    MUDI_TRY(batch.events, read_events(in.first(), random.substr(event_ids_at), events, limits.events_max));
    return batch;
}

Result<TillHello> read_hello(const Payload& payload) {
    wire::Hello in;
    if (!parse(in, payload.message)) return corrupt("no hello");
    Checker check;
    TillHello hello;
    hello.till.value = check.range(in.till(), 1, INT64_MAX, "till");
    hello.store.value = check.text(in.store(), word_bytes_max, "store");
    hello.workstation.value = check.text(in.workstation(), word_bytes_max, "workstation");
    hello.incarnation.value = in.incarnation();
    hello.last.value = check.range(in.last(), 0, INT64_MAX - 1, "last");
    hello.wall = check.time(in.wall(), "wall");
    hello.schema = in.schema();
    return checked(hello, check);
}

Result<Pull> read_pull(const Payload& payload) {
    wire::Pull in;
    if (!parse(in, payload.message)) return corrupt("no pull");
    Checker check;
    Pull pull;
    pull.till.value = check.range(in.till(), 1, INT64_MAX, "till");
    pull.store.value = check.text(in.store(), word_bytes_max, "store");
    pull.cursor = {in.generation(), check.range(in.version(), 0, INT64_MAX - 1, "version")};
    pull.wait = milliseconds(in.wait_ms(), check, "wait");
    pull.bytes_max = in.bytes_max();
    pull.dictionary = in.dictionary();
    return checked(pull, check);
}

Result<HelloAnswer> read_hello_answer(const Payload& payload) {
    wire::HelloAnswer in;
    if (!parse(in, payload.message)) return corrupt("no answer to a hello");
    Checker check;
    const HelloAnswer answer{in.generation(),
                             mark_of(in.seq(), in.chain(), check),
                             check.time(in.wall(), "wall"),
                             in.schema(),
                             in.events_max(),
                             in.bytes_max(),
                             in.dictionary()};
    return checked(answer, check);
}

Result<PushAnswer> read_push_answer(const Payload& payload) {
    wire::PushAnswer in;
    if (!parse(in, payload.message)) return corrupt("no answer to a push");
    Checker check;
    const PushAnswer answer{in.generation(), mark_of(in.seq(), in.chain(), check),
                            milliseconds(in.not_before_ms(), check, "not_before")};
    return checked(answer, check);
}

Status read_rows(const wire::PullAnswer& in, const Dictionary* dictionary, std::vector<FeedRow>& rows) {
    MUDI_TRY(const std::string raw, unpack(in.rows(), dictionary, unpacked_bytes_max));
    wire::FeedRows from;
    if (!parse(from, raw)) return corrupt("no rows");
    if (static_cast<std::size_t>(from.rows_size()) > feed_rows_max)
        return fail(Code::invalid, "wire.too_large", "rows");
    rows.reserve(static_cast<std::size_t>(from.rows_size()));
    Checker check;
    std::int64_t version = 0;
    for (wire::FeedRow& row : *from.mutable_rows()) {
        version += check.range(row.version(), 1, in.version() - version, "version");
        rows.push_back({version, row.kind(), check.text(row.key(), long_text_bytes_max, "key"), row.deleted(),
                        std::move(*row.mutable_body())});
        if (check.fault() != nullptr) return corrupt(check.fault());
    }
    return {};
}

Result<PullAnswer> read_pull_answer(const Payload& payload) {
    wire::PullAnswer in;
    if (!parse(in, payload.message)) return corrupt("no answer to a pull");
    Checker check;
    PullAnswer answer;
    answer.cursor = {in.generation(), check.range(in.version(), 0, INT64_MAX - 1, "version")};
    answer.replace = in.replace();
    answer.complete = in.complete();
    if (!in.rows().empty()) MUDI_CHECK(read_rows(in, payload.dictionary, answer.rows));
    if (!in.learned().empty()) {
        MUDI_TRY(answer.learned, unpack(in.learned(), payload.dictionary, dictionary_bytes_max));
        answer.learned_number = static_cast<std::uint8_t>(
            check.range(in.learned_number(), built_in_number + 1u, 255u, "learned"));
    }
    return checked(std::move(answer), check);
}

Result<Refusal> read_refusal(const Payload& payload) {
    wire::Refusal in;
    if (!parse(in, payload.message)) return corrupt("no refusal");
    Checker check;
    Refusal refusal{check.text(in.name(), word_bytes_max, "name"),
                    check.text(in.text(), long_text_bytes_max, "text"),
                    milliseconds(in.retry_after_ms(), check, "retry_after")};
    return checked(std::move(refusal), check);
}

} // namespace

std::string encode(const TillHello& hello) {
    wire::Hello out;
    out.set_till(hello.till.value);
    out.set_store(hello.store.value);
    out.set_workstation(hello.workstation.value);
    out.set_incarnation(hello.incarnation.value);
    out.set_last(hello.last.value);
    out.set_wall(to_ms(hello.wall));
    out.set_schema(hello.schema);
    return frame_of(FrameType::hello, out);
}

std::string pack_content(std::span<const Event> events) { return events_of(events).SerializeAsString(); }

std::string encode(const PushedBatch& batch, const Dictionary* dictionary) {
    MUDI_ASSERT(!batch.events.empty());
    const std::string raw = pack_content(batch.events);
    if (raw.size() > dictionary_helps_bytes_max) {
        dictionary = nullptr;
    } else if (dictionary == nullptr) {
        dictionary = &built_in();
    }
    wire::Push out;
    out.set_till(batch.till.value);
    out.set_first(batch.events.front().seq.value);
    std::string& random = *out.mutable_random();
    random.reserve(event_ids_at + batch.events.size() * 16);
    random += to_bytes(Bits128{batch.incarnation.value, 0}).data.substr(0, 8);
    append_bits(random, batch.chain_before);
    for (const Event& event : batch.events) append_bits(random, event.id.value);
    out.set_events(pack(raw, dictionary));
    return frame_of(FrameType::push, out, dictionary);
}

std::string encode(const Pull& pull) {
    wire::Pull out;
    out.set_till(pull.till.value);
    out.set_store(pull.store.value);
    out.set_generation(pull.cursor.generation);
    out.set_version(pull.cursor.version);
    out.set_wait_ms(clamp_ms(pull.wait));
    out.set_bytes_max(pull.bytes_max);
    out.set_dictionary(pull.dictionary);
    return frame_of(FrameType::pull, out);
}

std::string encode(const HelloAnswer& answer) {
    wire::HelloAnswer out;
    out.set_generation(answer.generation);
    out.set_seq(answer.mark.seq.value);
    out.set_chain(to_bytes(answer.mark.chain).data);
    out.set_wall(to_ms(answer.wall));
    out.set_schema(answer.schema);
    out.set_events_max(answer.events_max);
    out.set_bytes_max(answer.bytes_max);
    out.set_dictionary(answer.dictionary);
    return frame_of(FrameType::hello_answer, out);
}

std::string encode(const PushAnswer& answer) {
    wire::PushAnswer out;
    out.set_generation(answer.generation);
    out.set_seq(answer.mark.seq.value);
    out.set_chain(to_bytes(answer.mark.chain).data);
    out.set_not_before_ms(clamp_ms(answer.not_before));
    return frame_of(FrameType::push_answer, out);
}

std::string encode(const PullAnswer& answer) {
    wire::PullAnswer out;
    out.set_generation(answer.cursor.generation);
    out.set_version(answer.cursor.version);
    out.set_replace(answer.replace);
    out.set_complete(answer.complete);
    wire::FeedRows rows;
    std::int64_t before = 0;
    for (const FeedRow& row : answer.rows) {
        wire::FeedRow& to = *rows.add_rows();
        to.set_version(row.version - before);
        to.set_kind(row.kind);
        to.set_key(row.key);
        to.set_deleted(row.deleted);
        to.set_body(row.body);
        before = row.version;
    }
    const std::string raw = rows.SerializeAsString();
    const Dictionary* dictionary = raw.size() <= dictionary_helps_bytes_max ? &built_in() : nullptr;
    if (!raw.empty()) out.set_rows(pack(raw, dictionary));
    if (!answer.learned.empty()) {
        out.set_learned(pack(answer.learned, dictionary));
        out.set_learned_number(answer.learned_number);
    }
    return frame_of(FrameType::pull_answer, out, dictionary);
}

std::string encode(const Refusal& refusal) {
    wire::Refusal out;
    out.set_name(refusal.name);
    if (refusal.text.size() <= long_text_bytes_max && is_utf8(refusal.text)) out.set_text(refusal.text);
    out.set_retry_after_ms(clamp_ms(refusal.retry_after));
    return frame_of(FrameType::refusal, out);
}

Result<RequestFrame> decode_request(std::string_view frame, const RequestLimits& limits,
                                    std::span<const Dictionary> learned) {
    MUDI_TRY(const Payload payload, payload_of(frame, learned));
    switch (payload.type) {
    case FrameType::hello: {
        MUDI_TRY(TillHello hello, read_hello(payload));
        return RequestFrame{std::move(hello)};
    }
    case FrameType::push: {
        MUDI_TRY(PushedBatch batch, read_push(payload, limits));
        return RequestFrame{std::move(batch)};
    }
    case FrameType::pull: {
        MUDI_TRY(Pull pull, read_pull(payload));
        return RequestFrame{std::move(pull)};
    }
    default: return corrupt("no request");
    }
}

Result<AnswerFrame> decode_answer(std::string_view frame) {
    MUDI_TRY(const Payload payload, payload_of(frame, {}));
    switch (payload.type) {
    case FrameType::hello_answer: {
        MUDI_TRY(HelloAnswer answer, read_hello_answer(payload));
        return AnswerFrame{std::move(answer)};
    }
    case FrameType::push_answer: {
        MUDI_TRY(PushAnswer answer, read_push_answer(payload));
        return AnswerFrame{std::move(answer)};
    }
    case FrameType::pull_answer: {
        MUDI_TRY(PullAnswer answer, read_pull_answer(payload));
        return AnswerFrame{std::move(answer)};
    }
    case FrameType::refusal: {
        MUDI_TRY(Refusal refusal, read_refusal(payload));
        return AnswerFrame{std::move(refusal)};
    }
    default: return corrupt("no answer");
    }
}

} // namespace mudi::sync
