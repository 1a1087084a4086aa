#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <mudi/base/bytes.hpp>
#include <mudi/base/id.hpp>
#include <mudi/base/result.hpp>
#include <mudi/crm/customer.hpp>
#include <mudi/crm/transaction.hpp>

/// Events go up (till -> server), feed rows come down. Bodies are protobuf (sync/protocol/mudi.proto); nobody
/// outside sync/protocol sees it.
namespace mudi::sync {

enum class EventKind : std::uint32_t {
    retail_transaction = 1,
    source_record = 2,  ///< a customer joined or was corrected at the till
    right_returned = 3, ///< points held or granted are not going to be spent
};
/// Version of the event bodies we write.
inline constexpr std::uint32_t event_schema = 1;
inline constexpr std::size_t event_body_bytes_max = 256 * 1024;
/// The largest frame either side sends or takes.
inline constexpr std::size_t frame_bytes_max = 2 * 1024 * 1024;

/// One event as it is stored and sent. `kind` and `schema` may be unknown to this program: such an event is
/// kept raw.
struct Event {
    EventSeq seq;
    EventId id;
    std::int64_t hlc{}; ///< hybrid logical clock, mudi/sync/hlc.hpp
    std::uint32_t kind{};
    std::uint32_t schema{event_schema};
    std::string body;

    friend bool operator==(const Event&, const Event&) = default;
};

/// Points of a profile that were held (`hold` set: the whole hold) or granted to `lender` (no hold: so many
/// of them) and are free again. lender 0: the server's own hold.
struct RightReturned {
    ProfileId profile;
    RightsHolder lender;
    std::optional<HoldId> hold;
    Points points; ///< > 0

    friend bool operator==(const RightReturned&, const RightReturned&) = default;
};

/// A transaction's id is its event's id and not in the body. All its amounts are in its one currency
/// (crm::validate).
std::string encode(const crm::RetailTransaction& transaction);
std::string encode(const crm::SourceRecord& record);
std::string encode(const RightReturned& returned);

/// event.corrupt (corrupt), event.unknown_kind, event.newer_schema (unavailable: park it, an upgrade may
/// understand it).
using EventBody = std::variant<crm::RetailTransaction, crm::SourceRecord, RightReturned>;
Result<EventBody> decode(const Event& event);

enum class FeedKind : std::uint32_t {
    profile = 1,  ///< key: profile id in decimal; body: ProfileSlice
    product = 2,  ///< key: item id; body: Product
    settings = 3, ///< key: "settings"; body: StoreSettings
};

/// Newest state of one thing in a store's bucket. `version` rises by commit order over all buckets of a
/// server.
struct FeedRow {
    std::int64_t version{};
    std::uint32_t kind{};
    std::string key;
    bool deleted{false}; ///< left the bucket: forget it (body is empty)
    std::string body;
    /// The body contains the effect of every event up to this arrival number (Standing::arrival); 0: not
    /// said. No part of the row's content.
    std::int64_t applied{};

    friend bool operator==(const FeedRow&, const FeedRow&) = default;
};

std::string encode(const crm::ProfileSlice& slice);
std::string encode(const crm::Product& product);
std::string encode(const crm::StoreSettings& settings);
/// feed.corrupt (corrupt).
Result<crm::ProfileSlice> decode_profile(std::string_view body);
Result<crm::Product> decode_product(std::string_view body);
Result<crm::StoreSettings> decode_settings(std::string_view body);

/// A bucket is divided by key into parts, so that two copies can be compared and mended part by part. The
/// coarser divisions of a bucket join neighbours of the finest.
inline constexpr std::uint32_t parts_max = 1024;
/// 0..parts_max-1.
std::uint32_t part_of(std::uint32_t kind, std::string_view key);
/// Of the content of one row (kind, key, body); what a part's digest sums up.
std::uint64_t row_digest(std::uint32_t kind, std::string_view key, std::string_view body);
/// Digest of each of `digests.size()` parts (a power of two, 1..parts_max) of a bucket: the sum, modulo 2^64,
/// of its rows' digests, tombstones left out. Finest part f lies in part f * digests.size() / parts_max.
struct Manifest {
    std::vector<std::uint64_t> digests;

    friend bool operator==(const Manifest&, const Manifest&) = default;
};

/// Where a till stands in its store's bucket.
struct FeedCursor {
    std::uint64_t generation{}; ///< 0: nothing yet
    std::int64_t version{};

    friend auto operator<=>(const FeedCursor&, const FeedCursor&) = default;
};

} // namespace mudi::sync
