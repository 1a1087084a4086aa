#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <mudi/base/result.hpp>
#include <mudi/sync/event.hpp>
#include <mudi/sync/reserve.hpp>
#include <mudi/sync/server_sync.hpp>

#include "dictionary.hpp"

/// Frames of the conversation: version byte, type byte, number of the dictionary, protobuf, 4 bytes of check
/// over all before.
namespace mudi::sync {

inline constexpr char wire_version = 1;
/// What one frame may unpack to, whatever its sender says.
inline constexpr std::size_t unpacked_bytes_max = 4 * 1024 * 1024;
inline constexpr std::size_t certificate_bytes_max = 16 * 1024;
inline constexpr std::size_t certificate_request_bytes_max = 8 * 1024;
inline constexpr std::size_t signature_bytes_max = 1024;

struct HelloFrame {
    TillHello hello;
    bool takes_challenge{false}; ///< not of a 0.1.0 till
    std::string fields;          ///< as it was written, without the signature
    std::string signature;       ///< empty: unsigned
};

struct Challenge {
    Bits128 nonce;

    friend bool operator==(const Challenge&, const Challenge&) = default;
};

struct HelloAnswer {
    std::uint64_t generation{};
    HighWater mark;
    Time wall;
    std::uint32_t schema{};
    std::uint32_t events_max{};
    std::uint32_t bytes_max{};
    std::uint64_t dictionary{}; ///< fingerprint of the newest learned one; 0: none yet
    EventSeq safe;
    std::int64_t arrival{};  ///< of the event at `mark`; 0: not said
    std::string certificate; ///< PEM; empty: no news

    friend bool operator==(const HelloAnswer&, const HelloAnswer&) = default;
};

struct PushAnswer {
    std::uint64_t generation{};
    HighWater mark;
    Duration not_before{}; ///< credit: the next push should not come sooner
    EventSeq safe;
    std::int64_t arrival{};

    friend bool operator==(const PushAnswer&, const PushAnswer&) = default;
};

enum class PullAsk : std::uint8_t {
    changes_or_all = 0, ///< of a 0.1.0 till: cannot compare, begins anew where the others would
    changes = 1,
    part = 2,
};

struct Pull {
    TillId till;
    StoreId store;
    FeedCursor cursor;
    Duration wait{};
    std::uint32_t bytes_max{};
    std::uint64_t dictionary{}; ///< the one the till holds
    PullAsk ask{PullAsk::changes};
    std::uint32_t parts{}; ///< of PullAsk::part: a power of two, 1..parts_max
    std::uint32_t part{};  ///< < parts

    friend bool operator==(const Pull&, const Pull&) = default;
};

/// Changes, or a manifest (`manifest` not empty), or a part (`parts` > 0).
struct PullAnswer {
    FeedCursor cursor;   ///< where the till stands with it; of a part: the generation counts
    bool replace{false}; ///< to a 0.1.0 till only
    bool complete{false};
    std::vector<FeedRow> rows;
    std::uint8_t learned_number{};
    std::string learned; ///< bytes of the server's dictionary; empty: no news
    Manifest manifest;
    std::uint32_t parts{};
    std::uint32_t part{};
    std::uint64_t part_digest{}; ///< what the rows of the part sum up to

    friend bool operator==(const PullAnswer&, const PullAnswer&) = default;
};

struct Refusal {
    std::string name;
    std::string text;
    Duration retry_after{}; ///< 0: the other side decides

    friend bool operator==(const Refusal&, const Refusal&) = default;
};

/// A power of two, 1..parts_max.
bool are_parts(std::size_t parts);
/// The part in a division into `parts` that a row lies in.
std::uint32_t part_among(std::uint32_t parts, std::uint32_t kind, std::string_view key);
/// What a part's or a whole copy's rows sum up to.
std::uint64_t digest_of(std::span<const FeedRow> rows);

/// What a push packs of its events.
std::string pack_content(std::span<const Event> events);

/// The hello as it is signed and sent, and the frame it travels in.
std::string hello_fields(const TillHello& hello);
std::string hello_frame(std::string_view fields, std::string_view signature);
/// What a till signs to prove that it is there, now, on this connection.
std::string signed_text(Bits128 nonce, std::string_view fields);

/// The tills of a store ask for the same rows one after the other: they are packed once. At most 64 KiB.
struct PackedRows {
    std::string raw;
    std::string packed;
};

std::string encode(const TillHello& hello); ///< unsigned
/// `dictionary`: the learned one, when the server can unpack it; else null.
std::string encode(const PushedBatch& batch, const Dictionary* dictionary);
std::string encode(const Pull& pull);
std::string encode(const Reserve& reserve);
std::string encode(const Challenge& challenge);
std::string encode(const HelloAnswer& answer);
std::string encode(const PushAnswer& answer);
/// May come out larger than a frame is allowed to be: see fits_a_frame.
/// `before`, when given, holds the rows that were packed last and is brought up to date.
std::string encode(const PullAnswer& answer, PackedRows* before = nullptr);
std::string encode(const ReserveAnswer& answer);
std::string encode(const Refusal& refusal);

/// Whether the other side would take this answer, as far as its rows decide that before they are packed.
bool fits_a_frame(const PullAnswer& answer);

/// What a request says it is; nothing else of it was looked at. `nothing`: of another version, or no request.
enum class Looks : std::uint8_t { nothing, hello, push, other };
Looks looks_like(std::string_view frame);

struct RequestLimits {
    std::size_t events_max{500};
    std::size_t unpacked_max{2 * 1024 * 1024};
};

/// wire.version (unavailable), wire.dictionary (unavailable: the sender may fall back to the built-in one),
/// wire.corrupt (corrupt), wire.too_large (invalid).
using RequestFrame = std::variant<HelloFrame, PushedBatch, Pull, Reserve>;
Result<RequestFrame> decode_request(std::string_view frame, const RequestLimits& limits,
                                    std::span<const Dictionary> learned);
using AnswerFrame = std::variant<HelloAnswer, PushAnswer, PullAnswer, Refusal, Challenge, ReserveAnswer>;
Result<AnswerFrame> decode_answer(std::string_view frame);

} // namespace mudi::sync
