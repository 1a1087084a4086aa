#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/id.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/crm/customer.hpp>
#include <mudi/sync/event.hpp>
#include <mudi/sync/server_sync.hpp>

namespace mudi::server {

/// A bucket got new rows in the transaction that was just committed: wake its long polls.
struct FeedMoved {
    StoreId store;
    std::int64_t newest{};

    friend bool operator==(const FeedMoved&, const FeedMoved&) = default;
};

/// A bucket's digests, and the version that a till which has all of it stands at.
struct ManifestPage {
    sync::Manifest manifest;
    std::int64_t version{};
};

/// What the tills pull. Constructible on any connection.
class FeedReader {
public:
    explicit FeedReader(db::Connection& connection);
    FeedReader(const FeedReader&) = delete;
    FeedReader& operator=(const FeedReader&) = delete;
    ~FeedReader();

    /// Rows until `bytes_max` of keys and bodies is reached; at least one when there is any. Everything 0 and
    /// empty for a store without a bucket.
    Result<sync::server_in::FeedPage> read(const StoreId& store, std::int64_t after, std::size_t bytes_max);
    Result<std::int64_t> newest(const StoreId& store);

    /// Reads an index over the whole bucket unless nothing was written since it was asked last. In as many
    /// parts as keep one at part_bytes on the average.
    Result<ManifestPage> manifest(const StoreId& store);
    static constexpr std::int64_t part_bytes = 64 * 1024;
    /// Every row that lies in this part, in the order of kind and key, without tombstones. feed.part
    /// (invalid): no such division.
    Result<std::vector<sync::FeedRow>> part(const StoreId& store, std::uint32_t parts, std::uint32_t part);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// What a profile's slice has taken in.
struct SliceApplied {
    std::int64_t up_to{}; ///< arrival number: the slice contains every event up to it
    std::int64_t last{};  ///< arrival number of the profile's newest purchase
};

/// Writes the feed inside the caller's write transaction. Versions are counted over all buckets, one per row
/// written, and become visible with the commit: there is one writer, so commit order is version order. The
/// writer's thread only.
class FeedWriter {
public:
    explicit FeedWriter(db::Connection& writer);
    FeedWriter(const FeedWriter&) = delete;
    FeedWriter& operator=(const FeedWriter&) = delete;
    ~FeedWriter();

    /// A store has its first till: settings and products are copied into its bucket, the profiles it should
    /// know become dirty. False when it was open before.
    Result<bool> open_bucket(const StoreId& store);
    Result<std::vector<StoreId>> buckets();

    /// Settings for every bucket, now and later; each store's name its own lead till (Enrolment, and where
    /// that till's hello said that it listens), whatever they say of one. What is as before is not written.
    Status put_settings(const crm::StoreSettings& settings);
    /// The store's lead, or where it listens, may have changed.
    Status put_lead(const StoreId& store);
    /// The same for a product; true when it was new or changed. `product.item` (invalid) without an item id.
    Result<bool> put_product(const crm::Product& product);
    /// `stores` shall hold this slice, every other bucket shall not (tombstone). Rows that are right already
    /// are not touched, unless they do not say yet that they contain the profile's newest purchase (a till
    /// waits for that). Gives the number of rows written.
    Result<std::size_t> put_profile(ProfileId profile, std::string_view body, std::span<const StoreId> stores,
                                    SliceApplied applied = {});

    /// Tombstones older than `tombstone_age` go, at most `rows_max`; tills whose cursor lies before them
    /// compare their copy. Counts from the first call on: call at least once a day. Gives how many went.
    Result<std::size_t> forget_tombstones(Time now, std::size_t rows_max);
    static constexpr std::chrono::days tombstone_age{35};

    /// Last before the commit: writes what is gathered and the versions; gives the buckets that moved.
    Result<std::vector<FeedMoved>> finish();
    /// After a rollback: forget what was remembered of the database.
    void forget();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace mudi::server
