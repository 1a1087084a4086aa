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
    source_record = 2, ///< a customer joined or was corrected at the till
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

/// A transaction's id is its event's id and not in the body. All its amounts are in its one currency
/// (crm::validate).
std::string encode(const crm::RetailTransaction& transaction);
std::string encode(const crm::SourceRecord& record);

/// event.corrupt (corrupt), event.unknown_kind, event.newer_schema (unavailable: park it, an upgrade may
/// understand it).
using EventBody = std::variant<crm::RetailTransaction, crm::SourceRecord>;
Result<EventBody> decode(const Event& event);

enum class FeedKind : std::uint32_t {
    profile = 1,  ///< key: profile id in decimal; body: ProfileSlice
    product = 2,  ///< key: item id; body: Product
    settings = 3, ///< key: "settings"; body: StoreSettings
};

/// Newest state of one thing in a store's bucket. `version` rises by commit order within the bucket.
struct FeedRow {
    std::int64_t version{};
    std::uint32_t kind{};
    std::string key;
    bool deleted{false}; ///< left the bucket: forget it (body is empty)
    std::string body;

    friend bool operator==(const FeedRow&, const FeedRow&) = default;
};

std::string encode(const crm::ProfileSlice& slice);
std::string encode(const crm::Product& product);
std::string encode(const crm::StoreSettings& settings);
/// feed.corrupt (corrupt).
Result<crm::ProfileSlice> decode_profile(std::string_view body);
Result<crm::Product> decode_product(std::string_view body);
Result<crm::StoreSettings> decode_settings(std::string_view body);

/// Where a till stands in its store's bucket.
struct FeedCursor {
    std::uint64_t generation{}; ///< 0: nothing yet
    std::int64_t version{};

    friend auto operator<=>(const FeedCursor&, const FeedCursor&) = default;
};

} // namespace mudi::sync
