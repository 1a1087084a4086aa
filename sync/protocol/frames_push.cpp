#include <algorithm>

#include <mudi.pb.h>

#include <mudi/base/assert.hpp>

#include "frames_push.hpp"

namespace mudi::sync {
namespace {

/// Where they stand in Push.random.
constexpr std::size_t event_ids_at = 24;
constexpr std::size_t varint_bytes_max = 10;
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
        return wire_too_large("more events than a push may hold");
    }
    if (count == 0 || in.hlc_ms_size() != count || ids.size() != static_cast<std::size_t>(count) * 16 ||
        !fits(in.hlc_counter_size(), count) || !fits(in.kind_size(), count) ||
        !fits(in.schema_size(), count)) {
        return wire_corrupt("the parts of a push do not fit each other");
    }
    if (first < 1 || first > INT64_MAX / 2) return wire_corrupt("first");
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
        if (event.body.size() > event_body_bytes_max) return wire_too_large("an event's body");
    }
    if (check.fault() != nullptr) return wire_corrupt(check.fault());
    return events;
}

} // namespace

Result<PushedBatch> read_push(const Payload& payload, const RequestLimits& limits) {
    wire::Push in;
    MUDI_CHECK(parse(in, payload.message, "a push", {{3, 1, event_ids_at + limits.events_max * 16}}));
    const std::string_view random = in.random();
    if (random.size() < event_ids_at) return wire_corrupt("a push without its head");
    Checker check;
    PushedBatch batch;
    batch.till.value = check.range(in.till(), 1, INT64_MAX, "till");
    batch.incarnation.value = bits128_from_bytes(std::string(8, '\0').append(random.substr(0, 8)))->low;
    batch.chain_before = *bits128_from_bytes(random.substr(8, 16));
    if (check.fault() != nullptr) return wire_corrupt(check.fault());
    MUDI_TRY(const std::string raw, unpack(in.events(), payload.dictionary, limits.unpacked_max));
    wire::Events events;
    const std::size_t most = limits.events_max;
    const std::size_t numbers = most * varint_bytes_max;
    MUDI_CHECK(parse(events, raw, "events of a push",
                     {{1, most, numbers},
                      {2, most, numbers},
                      {3, most, numbers},
                      {4, most, numbers},
                      {5, most, event_body_bytes_max}}));
    MUDI_TRY(batch.events, read_events(in.first(), random.substr(event_ids_at), events, most));
    return batch;
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

} // namespace mudi::sync
