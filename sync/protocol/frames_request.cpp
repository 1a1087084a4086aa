#include <mudi.pb.h>

#include "frames_push.hpp"

namespace mudi::sync {
namespace {

/// Field 18 of Hello as it stands behind the others.
std::string signature_field(std::string_view signature) {
    wire::Hello only;
    only.set_signature(std::string(signature));
    return only.SerializeAsString();
}

void read_where_it_stands(const wire::Hello& in, TillHello& hello, Checker& check) {
    hello.last.value = check.range(in.last(), 0, INT64_MAX - 1, "last");
    hello.acked.value = check.range(in.acked(), 0, INT64_MAX - 1, "acked");
    hello.ack_generation = in.ack_generation();
    hello.cursor = {in.cursor_generation(), check.range(in.cursor_version(), 0, INT64_MAX - 1, "cursor")};
    hello.wall = check.time(in.wall(), "wall");
}

Result<HelloFrame> read_hello(const Payload& payload) {
    wire::Hello in;
    MUDI_CHECK(parse(in, payload.message, "a hello"));
    Checker check;
    HelloFrame frame;
    TillHello& hello = frame.hello;
    hello.till.value = check.range(in.till(), 1, INT64_MAX, "till");
    hello.store.value = check.text(in.store(), word_bytes_max, "store");
    hello.workstation.value = check.text(in.workstation(), word_bytes_max, "workstation");
    hello.incarnation.value = in.incarnation();
    hello.schema = in.schema();
    read_where_it_stands(in, hello, check);
    hello.version = check.text(in.version(), word_bytes_max, "version");
    hello.certificate_request =
        check.text(in.certificate_request(), certificate_request_bytes_max, "certificate_request");
    hello.holder.value = in.holder();
    if (!in.machine().empty()) hello.machine = check.bits(in.machine(), "machine");
    hello.lead_url = check.text(in.lead_url(), long_text_bytes_max, "lead_url");
    // What a newer till says beyond that is not said.
    if (in.on_hold() <= static_cast<std::uint32_t>(OnHold::nothing))
        hello.on_hold = static_cast<OnHold>(in.on_hold());
    frame.takes_challenge = in.takes_challenge();
    frame.signature = in.signature();
    check.require(frame.signature.size() <= signature_bytes_max, "signature");
    std::string_view fields = payload.message;
    if (!frame.signature.empty()) {
        // What is signed are the bytes as they came: a newer till writes fields that we would not write
        // again.
        const std::string last = signature_field(frame.signature);
        check.require(fields.ends_with(last), "signature");
        if (check.fault() == nullptr) fields.remove_suffix(last.size());
    }
    frame.fields = fields;
    return checked(std::move(frame), check);
}

Result<Pull> read_pull(const Payload& payload) {
    wire::Pull in;
    MUDI_CHECK(parse(in, payload.message, "a pull"));
    Checker check;
    Pull pull;
    pull.till.value = check.range(in.till(), 1, INT64_MAX, "till");
    pull.store.value = check.text(in.store(), word_bytes_max, "store");
    pull.cursor = {in.generation(), check.range(in.version(), 0, INT64_MAX - 1, "version")};
    pull.wait = milliseconds(in.wait_ms(), check, "wait");
    pull.bytes_max = in.bytes_max();
    pull.dictionary = in.dictionary();
    pull.ask = check.enumeration(in.ask(), 0, PullAsk::changes_or_all, PullAsk::part, "ask");
    if (pull.ask == PullAsk::part) {
        check.require(are_parts(in.parts()) && in.part() < in.parts(), "part");
        pull.parts = in.parts();
        pull.part = in.part();
    }
    return checked(std::move(pull), check);
}

Result<Reserve> read_reserve(const Payload& payload) {
    wire::Reserve in;
    MUDI_CHECK(parse(in, payload.message, "a question for points"));
    Checker check;
    Reserve reserve;
    reserve.till.value = check.range(in.till(), 1, INT64_MAX, "till");
    reserve.hold = HoldId{check.bits(in.hold(), "hold")};
    reserve.profile.value = check.range(in.profile(), 1, INT64_MAX, "profile");
    reserve.points.value = check.range(in.points(), 1, points_max, "points");
    return checked(reserve, check);
}

} // namespace

std::string hello_fields(const TillHello& hello) {
    wire::Hello out;
    out.set_till(hello.till.value);
    out.set_store(hello.store.value);
    out.set_workstation(hello.workstation.value);
    out.set_incarnation(hello.incarnation.value);
    out.set_last(hello.last.value);
    out.set_wall(to_ms(hello.wall));
    out.set_schema(hello.schema);
    out.set_acked(hello.acked.value);
    out.set_ack_generation(hello.ack_generation);
    out.set_cursor_generation(hello.cursor.generation);
    out.set_cursor_version(hello.cursor.version);
    out.set_version(hello.version);
    out.set_certificate_request(hello.certificate_request);
    out.set_holder(hello.holder.value);
    if (!hello.machine.is_zero()) out.set_machine(to_bytes(hello.machine).data);
    out.set_lead_url(hello.lead_url);
    out.set_takes_challenge(true);
    out.set_on_hold(static_cast<std::uint32_t>(hello.on_hold));
    return out.SerializeAsString();
}

std::string hello_frame(std::string_view fields, std::string_view signature) {
    if (signature.empty()) return frame_of(FrameType::hello, fields);
    return frame_of(FrameType::hello, std::string_view(std::string(fields) + signature_field(signature)));
}

std::string signed_text(Bits128 nonce, std::string_view fields) {
    constexpr std::string_view purpose{"mudi hello 1\0", 13};
    return std::string(purpose).append(to_bytes(nonce).data).append(fields);
}

std::string encode(const TillHello& hello) { return hello_frame(hello_fields(hello), {}); }

std::string encode(const Pull& pull) {
    wire::Pull out;
    out.set_till(pull.till.value);
    out.set_store(pull.store.value);
    out.set_generation(pull.cursor.generation);
    out.set_version(pull.cursor.version);
    out.set_wait_ms(clamp_ms(pull.wait));
    out.set_bytes_max(pull.bytes_max);
    out.set_dictionary(pull.dictionary);
    out.set_ask(static_cast<std::uint32_t>(pull.ask));
    out.set_parts(pull.parts);
    out.set_part(pull.part);
    return frame_of(FrameType::pull, out);
}

std::string encode(const Reserve& reserve) {
    wire::Reserve out;
    out.set_till(reserve.till.value);
    out.set_hold(to_bytes(reserve.hold.value).data);
    out.set_profile(reserve.profile.value);
    out.set_points(reserve.points.value);
    return frame_of(FrameType::reserve, out);
}

Looks looks_like(std::string_view frame) {
    if (frame.size() < 2 || frame[0] != wire_version) return Looks::nothing;
    switch (static_cast<FrameType>(frame[1])) {
    case FrameType::hello: return Looks::hello;
    case FrameType::push: return Looks::push;
    case FrameType::pull:
    case FrameType::reserve: return Looks::other;
    default: return Looks::nothing;
    }
}

Result<RequestFrame> decode_request(std::string_view frame, const RequestLimits& limits,
                                    std::span<const Dictionary> learned) {
    MUDI_TRY(const Payload payload, payload_of(frame, learned));
    switch (payload.type) {
    case FrameType::hello: {
        MUDI_TRY(HelloFrame hello, read_hello(payload));
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
    case FrameType::reserve: {
        MUDI_TRY(const Reserve reserve, read_reserve(payload));
        return RequestFrame{reserve};
    }
    default: return wire_corrupt("no request");
    }
}

std::string encode_question(const Reserve& reserve) { return encode(reserve); }

Result<Reserve> decode_question(std::string_view frame) {
    MUDI_TRY(const Payload payload, payload_of(frame, {}));
    if (payload.type != FrameType::reserve) return wire_corrupt("no question for points");
    return read_reserve(payload);
}

} // namespace mudi::sync
