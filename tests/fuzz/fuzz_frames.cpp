#include <variant>

#include <mudi/base/hash.hpp>
#include <mudi/sync/enrolment.hpp>
#include <mudi/sync/reserve.hpp>

#include "sync/protocol/frames.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace mudi;
using namespace mudi::sync;
using mudi::fuzz::require;

namespace {

const Dictionary& learned() {
    static const auto dictionary = Dictionary::make(2, built_in().bytes().substr(0, 4096));
    return *dictionary;
}

void again(const HelloFrame& frame) {
    // What is signed are the fields as they were written: packing them again must not be needed to check a
    // signature.
    const auto same = decode_request(hello_frame(frame.fields, frame.signature), {}, {});
    require(same.has_value());
    const auto* hello = std::get_if<HelloFrame>(&*same);
    require(hello != nullptr && hello->fields == frame.fields && hello->signature == frame.signature);
    require(hello->hello.till == frame.hello.till && hello->hello.last == frame.hello.last);
}

void again(const PushedBatch& batch) {
    require(!batch.events.empty() && batch.events.size() <= RequestLimits{}.events_max);
    for (const Event& event : batch.events) static_cast<void>(decode(event));
    static_cast<void>(plan_append(HighWater{}, batch, std::nullopt));
    const auto same = decode_request(encode(batch, nullptr), {}, {});
    require(same && std::get<PushedBatch>(*same).events == batch.events);
}

void again(const Pull& pull) {
    require(pull.ask != PullAsk::part || (are_parts(pull.parts) && pull.part < pull.parts));
    const auto same = decode_request(encode(pull), {}, {});
    require(same && std::get<Pull>(*same) == pull);
}

void again(const Reserve& reserve) {
    const auto same = decode_request(encode(reserve), {}, {});
    require(same && std::get<Reserve>(*same) == reserve);
}

template <class Answer>
void again_answer(const Answer& answer) {
    const std::string frame = encode(answer);
    if (frame.size() > frame_bytes_max) return;
    const auto same = decode_answer(frame);
    require(same && std::get<Answer>(*same) == answer);
}

void again(const PullAnswer& answer) {
    require(answer.manifest.digests.empty() || are_parts(answer.manifest.digests.size()));
    for (const FeedRow& row : answer.rows) static_cast<void>(part_of(row.kind, row.key));
    static_cast<void>(Dictionary::make(answer.learned_number, answer.learned));
    static_cast<void>(digest_of(answer.rows));
    if (fits_a_frame(answer)) again_answer(answer);
}

void frames(std::string_view frame) {
    const std::span<const Dictionary> dictionaries{&learned(), 1};
    if (const auto request = decode_request(frame, {}, dictionaries))
        std::visit([](const auto& value) { again(value); }, *request);
    if (const auto answer = decode_answer(frame)) {
        std::visit(
            [](const auto& value) {
                if constexpr (std::is_same_v<std::decay_t<decltype(value)>, PullAnswer>) {
                    again(value);
                } else {
                    again_answer(value);
                }
            },
            *answer);
    }
    // Between two tills, where whoever is in the shop's network may knock.
    if (const auto question = decode_question(frame))
        fuzz::require_same(decode_question(encode_question(*question)), *question);
    if (const auto answer = decode_reserve_answer(frame))
        fuzz::require_same(decode_reserve_answer(encode_answer(*answer)), *answer);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes{reinterpret_cast<const char*>(data), size};
    frames(bytes);
    // The check would keep nearly every mutation from the code behind it: make it right, as a malicious peer
    // would.
    if (size < 3) return 0;
    std::string frame(bytes);
    frame[2] = static_cast<char>(frame[2] % 3);
    std::uint64_t fingerprint = 0;
    if (frame[2] == 1) fingerprint = built_in().fingerprint();
    if (frame[2] == 2) fingerprint = learned().fingerprint();
    frame += to_bytes(chain_next(Bits128{0, fingerprint}, frame)).data.substr(0, 4);
    frames(frame);
    return 0;
}
