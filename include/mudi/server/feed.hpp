#pragma once

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
#include <mudi/crm/customer.hpp>
#include <mudi/sync/event.hpp>

namespace mudi::server {

/// A bucket got new rows in the transaction that was just committed: wake its long polls.
struct FeedMoved {
    StoreId store;
    std::int64_t newest{};

    friend bool operator==(const FeedMoved&, const FeedMoved&) = default;
};

/// What the tills pull. Constructible on any connection.
class FeedReader {
public:
    struct Page {
        std::vector<sync::FeedRow> rows; ///< version order, all > after
        std::int64_t newest{};           ///< newest version of the bucket; 0 when there is none
    };

    explicit FeedReader(db::Connection& connection);
    FeedReader(const FeedReader&) = delete;
    FeedReader& operator=(const FeedReader&) = delete;
    ~FeedReader();

    /// Rows until `bytes_max` of keys and bodies is reached; at least one when there is any.
    Result<Page> read(const StoreId& store, std::int64_t after, std::size_t bytes_max);
    Result<std::int64_t> newest(const StoreId& store);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// Writes the feed inside the caller's write transaction. Versions are counted per bucket, one per row
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

    /// Settings for every bucket, now and later. Nothing is written when they are as before.
    Status put_settings(const crm::StoreSettings& settings);
    /// The same for a product; true when it was new or changed. `product.item` (invalid) without an item id.
    Result<bool> put_product(const crm::Product& product);
    /// `stores` shall hold this slice, every other bucket shall not (tombstone). Rows that are right already
    /// are not touched. Gives the number of rows written.
    Result<std::size_t> put_profile(ProfileId profile, std::string_view body,
                                    std::span<const StoreId> stores);

    /// Last before the commit: writes what is gathered and the versions; gives the buckets that moved.
    Result<std::vector<FeedMoved>> finish();
    /// After a rollback: forget what was remembered of the database.
    void forget();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace mudi::server
