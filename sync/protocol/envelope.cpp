#include "envelope.hpp"

#include <mudi/base/hash.hpp>

namespace mudi::sync {
namespace {

constexpr std::size_t head_bytes = 3;
constexpr std::size_t check_bytes = 4;

/// TCP and TLS guard the line; this guards everything before and behind it, frames cut short, and against
/// unpacking with another dictionary than the sender's.
std::string check_of(std::string_view data, const Dictionary* dictionary) {
    const Bits128 fingerprint{0, dictionary == nullptr ? 0 : dictionary->fingerprint()};
    return to_bytes(chain_next(fingerprint, data)).data.substr(0, check_bytes);
}

Result<const Dictionary*> dictionary_for(std::uint8_t number, std::span<const Dictionary> learned) {
    if (number == 0) return static_cast<const Dictionary*>(nullptr);
    if (number == built_in_number) return &built_in();
    for (const Dictionary& dictionary : learned) {
        if (dictionary.number() == number) return &dictionary;
    }
    return fail(Code::unavailable, "wire.dictionary", "packed with a dictionary that is not known here");
}

} // namespace

std::string frame_of(FrameType type, std::string_view message, const Dictionary* dictionary) {
    const std::uint8_t number = dictionary == nullptr ? 0 : dictionary->number();
    std::string frame;
    frame.reserve(head_bytes + message.size() + check_bytes);
    frame += wire_version;
    frame += static_cast<char>(type);
    frame += static_cast<char>(number);
    frame += message;
    return frame += check_of(frame, dictionary);
}

Result<Payload> payload_of(std::string_view frame, std::span<const Dictionary> learned) {
    if (frame.empty()) return wire_corrupt("an empty frame");
    if (frame.size() > frame_bytes_max) return wire_too_large("a frame");
    if (frame[0] != wire_version)
        return fail(Code::unavailable, "wire.version", "another version of the protocol");
    if (frame.size() < head_bytes + check_bytes) return wire_corrupt("a frame cut short");
    const std::string_view checked = frame.substr(0, frame.size() - check_bytes);
    MUDI_TRY(const Dictionary* dictionary, dictionary_for(static_cast<std::uint8_t>(frame[2]), learned));
    if (frame.substr(checked.size()) != check_of(checked, dictionary)) {
        if (dictionary == nullptr || dictionary->number() == built_in_number)
            return wire_corrupt("the check does not fit the frame");
        return fail(Code::unavailable, "wire.dictionary",
                    "damaged, or packed with another dictionary of this number");
    }
    return Payload{static_cast<FrameType>(frame[1]), checked.substr(head_bytes), dictionary};
}

} // namespace mudi::sync
