#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <mudi/base/result.hpp>
#include <mudi/sync/event.hpp>
#include <mudi/sync/server_sync.hpp>

#include "dictionary.hpp"

/// Frames of the conversation: version byte, type byte, number of the dictionary, protobuf, 4 bytes of check
/// over all before.
namespace mudi::sync {

inline constexpr char wire_version = 1;
/// What one frame may unpack to, whatever its sender says.
inline constexpr std::size_t unpacked_bytes_max = 4 * 1024 * 1024;

struct HelloAnswer {
    std::uint64_t generation{};
    HighWater mark;
    Time wall;
    std::uint32_t schema{};
    std::uint32_t events_max{};
    std::uint32_t bytes_max{};
    std::uint64_t dictionary{}; ///< fingerprint of the newest learned one; 0: none yet

    friend bool operator==(const HelloAnswer&, const HelloAnswer&) = default;
};

struct PushAnswer {
    std::uint64_t generation{};
    HighWater mark;
    Duration not_before{}; ///< credit: the next push should not come sooner

    friend bool operator==(const PushAnswer&, const PushAnswer&) = default;
};

struct Pull {
    TillId till;
    StoreId store;
    FeedCursor cursor;
    Duration wait{};
    std::uint32_t bytes_max{};
    std::uint64_t dictionary{}; ///< the one the till holds

    friend bool operator==(const Pull&, const Pull&) = default;
};

struct PullAnswer {
    FeedCursor cursor;
    bool replace{false};
    bool complete{false};
    std::vector<FeedRow> rows;
    std::uint8_t learned_number{};
    std::string learned; ///< bytes of the server's dictionary; empty: no news

    friend bool operator==(const PullAnswer&, const PullAnswer&) = default;
};

struct Refusal {
    std::string name;
    std::string text;
    Duration retry_after{}; ///< 0: the other side decides

    friend bool operator==(const Refusal&, const Refusal&) = default;
};

/// What a push packs of its events.
std::string pack_content(std::span<const Event> events);

std::string encode(const TillHello& hello);
/// `dictionary`: the learned one, when the server can unpack it; else null.
std::string encode(const PushedBatch& batch, const Dictionary* dictionary);
std::string encode(const Pull& pull);
std::string encode(const HelloAnswer& answer);
std::string encode(const PushAnswer& answer);
std::string encode(const PullAnswer& answer);
std::string encode(const Refusal& refusal);

struct RequestLimits {
    std::size_t events_max{500};
    std::size_t unpacked_max{2 * 1024 * 1024};
};

/// wire.version (unavailable), wire.dictionary (unavailable: the sender may fall back to the built-in one),
/// wire.corrupt (corrupt), wire.too_large (invalid).
using RequestFrame = std::variant<TillHello, PushedBatch, Pull>;
Result<RequestFrame> decode_request(std::string_view frame, const RequestLimits& limits,
                                    std::span<const Dictionary> learned);
using AnswerFrame = std::variant<HelloAnswer, PushAnswer, PullAnswer, Refusal>;
Result<AnswerFrame> decode_answer(std::string_view frame);

} // namespace mudi::sync
