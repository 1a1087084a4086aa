#include <mudi.pb.h>

#include "frames_feed.hpp"

namespace mudi::sync {
namespace {

HighWater mark_of(std::int64_t seq, const std::string& chain, Checker& check) {
    return {EventSeq{check.range(seq, 0, INT64_MAX - 1, "seq")}, check.bits(chain, "chain")};
}

/// Nothing beyond the mark can be in a backup.
EventSeq safe_of(std::int64_t safe, const HighWater& mark, Checker& check) {
    return EventSeq{check.range(safe, 0, mark.seq.value, "safe")};
}

Result<HelloAnswer> read_hello_answer(const Payload& payload) {
    wire::HelloAnswer in;
    MUDI_CHECK(parse(in, payload.message, "an answer to a hello"));
    Checker check;
    HelloAnswer answer;
    answer.generation = in.generation();
    answer.mark = mark_of(in.seq(), in.chain(), check);
    answer.wall = check.time(in.wall(), "wall");
    answer.schema = in.schema();
    answer.events_max = in.events_max();
    answer.bytes_max = in.bytes_max();
    answer.dictionary = in.dictionary();
    answer.safe = safe_of(in.safe(), answer.mark, check);
    answer.arrival = check.range(in.arrival(), 0, INT64_MAX - 1, "arrival");
    answer.certificate = check.text(in.certificate(), certificate_bytes_max, "certificate");
    return checked(std::move(answer), check);
}

Result<PushAnswer> read_push_answer(const Payload& payload) {
    wire::PushAnswer in;
    MUDI_CHECK(parse(in, payload.message, "an answer to a push"));
    Checker check;
    PushAnswer answer;
    answer.generation = in.generation();
    answer.mark = mark_of(in.seq(), in.chain(), check);
    answer.not_before = milliseconds(in.not_before_ms(), check, "not_before");
    answer.safe = safe_of(in.safe(), answer.mark, check);
    answer.arrival = check.range(in.arrival(), 0, INT64_MAX - 1, "arrival");
    return checked(answer, check);
}

Result<Challenge> read_challenge(const Payload& payload) {
    wire::Challenge in;
    MUDI_CHECK(parse(in, payload.message, "a challenge"));
    Checker check;
    return checked(Challenge{check.bits(in.nonce(), "nonce")}, check);
}

Result<ReserveAnswer> read_reserve_answer(const Payload& payload) {
    wire::ReserveAnswer in;
    MUDI_CHECK(parse(in, payload.message, "an answer about points"));
    Checker check;
    return checked(ReserveAnswer{in.granted(), RightsHolder{in.lender()},
                                 Points{check.range(in.available(), 0, points_max, "available")},
                                 milliseconds(in.again_after_ms(), check, "again_after")},
                   check);
}

Result<Refusal> read_refusal(const Payload& payload) {
    wire::Refusal in;
    MUDI_CHECK(parse(in, payload.message, "a refusal"));
    Checker check;
    Refusal refusal{check.text(in.name(), word_bytes_max, "name"),
                    check.text(in.text(), long_text_bytes_max, "text"),
                    milliseconds(in.retry_after_ms(), check, "retry_after")};
    return checked(std::move(refusal), check);
}

template <class Answer>
Result<AnswerFrame> any(Result<Answer> answer) {
    if (!answer) return tl::make_unexpected(std::move(answer).error());
    return AnswerFrame{*std::move(answer)};
}

} // namespace

std::string encode(const Challenge& challenge) {
    wire::Challenge out;
    out.set_nonce(to_bytes(challenge.nonce).data);
    return frame_of(FrameType::challenge, out);
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
    out.set_safe(std::min(answer.safe, answer.mark.seq).value);
    out.set_arrival(answer.arrival);
    out.set_certificate(answer.certificate);
    return frame_of(FrameType::hello_answer, out);
}

std::string encode(const PushAnswer& answer) {
    wire::PushAnswer out;
    out.set_generation(answer.generation);
    out.set_seq(answer.mark.seq.value);
    out.set_chain(to_bytes(answer.mark.chain).data);
    out.set_not_before_ms(clamp_ms(answer.not_before));
    out.set_safe(std::min(answer.safe, answer.mark.seq).value);
    out.set_arrival(answer.arrival);
    return frame_of(FrameType::push_answer, out);
}

std::string encode(const ReserveAnswer& answer) {
    wire::ReserveAnswer out;
    out.set_granted(answer.granted);
    out.set_lender(answer.lender.value);
    out.set_available(std::clamp<std::int64_t>(answer.available.value, 0, points_max));
    out.set_again_after_ms(clamp_ms(answer.again_after));
    return frame_of(FrameType::reserve_answer, out);
}

std::string encode(const Refusal& refusal) {
    wire::Refusal out;
    out.set_name(refusal.name);
    if (refusal.text.size() <= long_text_bytes_max && is_utf8(refusal.text)) out.set_text(refusal.text);
    out.set_retry_after_ms(clamp_ms(refusal.retry_after));
    return frame_of(FrameType::refusal, out);
}

Result<AnswerFrame> decode_answer(std::string_view frame) {
    MUDI_TRY(const Payload payload, payload_of(frame, {}));
    switch (payload.type) {
    case FrameType::hello_answer: return any(read_hello_answer(payload));
    case FrameType::push_answer: return any(read_push_answer(payload));
    case FrameType::pull_answer: return any(read_pull_answer(payload));
    case FrameType::challenge: return any(read_challenge(payload));
    case FrameType::reserve_answer: return any(read_reserve_answer(payload));
    case FrameType::refusal: return any(read_refusal(payload));
    default: return wire_corrupt("no answer");
    }
}

std::string encode_answer(const Result<ReserveAnswer>& answer) {
    return answer ? encode(*answer) : encode(Refusal{answer.error().name, answer.error().what, {}});
}

Result<ReserveAnswer> decode_reserve_answer(std::string_view frame) {
    MUDI_TRY(const Payload payload, payload_of(frame, {}));
    if (payload.type == FrameType::reserve_answer) return read_reserve_answer(payload);
    if (payload.type != FrameType::refusal) return wire_corrupt("no answer about points");
    MUDI_TRY(Refusal refusal, read_refusal(payload));
    return fail(Code::denied, std::move(refusal.name), std::move(refusal.text));
}

} // namespace mudi::sync
