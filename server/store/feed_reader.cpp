#include <mudi/server/feed.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <tuple>

#include <mudi/base/db/statement.hpp>

namespace mudi::server {

namespace {

using db::Columns;
using db::Params;

constexpr std::size_t manifests_max = 256;
/// So many rows tell how large the others are: the order of the parts is no order of anything else.
constexpr std::int64_t sample_rows = 256;

struct Sums {
    std::array<std::uint64_t, sync::parts_max> digests{};
    std::int64_t rows{};
};

std::size_t parts_for(std::int64_t bytes) {
    const auto wanted = static_cast<std::uint64_t>(bytes / FeedReader::part_bytes + 1);
    return std::bit_ceil(std::min<std::uint64_t>(wanted, sync::parts_max));
}

sync::Manifest folded(const Sums& sums, std::size_t parts) {
    sync::Manifest manifest{std::vector<std::uint64_t>(parts, 0)};
    for (std::size_t fine = 0; fine < sums.digests.size(); ++fine)
        manifest.digests[fine * parts / sync::parts_max] += sums.digests[fine];
    return manifest;
}

} // namespace

struct FeedReader::Impl {
    explicit Impl(db::Connection& connection)
        : bucket(connection, "SELECT newest, horizon FROM bucket WHERE store = :store"),
          rows(connection, "SELECT version, kind, key, deleted, body, applied FROM feed "
                           "WHERE store = :store AND version > :after ORDER BY version LIMIT 5000"),
          digests(connection, "SELECT part, digest FROM feed WHERE store = :store AND deleted = 0"),
          sizes(connection, "SELECT CAST(length(key) + length(body) AS INTEGER) FROM feed "
                            "WHERE store = :store AND deleted = 0 ORDER BY part LIMIT " +
                                std::to_string(sample_rows)),
          part(connection, "SELECT version, kind, key, body, applied FROM feed WHERE store = :store "
                           "AND deleted = 0 AND part >= :first AND part < :end") {}

    Result<Sums> sums_of(const StoreId& store);
    Result<std::int64_t> row_bytes(const StoreId& store);

    db::Query<Columns<std::int64_t, std::int64_t>, Params<StoreId>> bucket;
    db::Query<Columns<std::int64_t, std::uint32_t, std::string, bool, Bytes, std::int64_t>,
              Params<StoreId, std::int64_t>>
        rows;
    db::Query<Columns<std::uint32_t, std::int64_t>, Params<StoreId>> digests;
    db::Query<Columns<std::int64_t>, Params<StoreId>> sizes;
    db::Query<Columns<std::int64_t, std::uint32_t, std::string, Bytes, std::int64_t>,
              Params<StoreId, std::uint32_t, std::uint32_t>>
        part;
    std::map<StoreId, ManifestPage> manifests;
};

FeedReader::FeedReader(db::Connection& connection) : impl_(std::make_unique<Impl>(connection)) {}
FeedReader::~FeedReader() = default;

Result<std::int64_t> FeedReader::newest(const StoreId& store) {
    MUDI_TRY(const auto row, impl_->bucket.first(store));
    return row ? std::get<0>(*row) : 0;
}

Result<sync::server_in::FeedPage> FeedReader::read(const StoreId& store, std::int64_t after,
                                                   std::size_t bytes_max) {
    sync::server_in::FeedPage page;
    std::size_t bytes = 0;
    MUDI_CHECK(impl_->rows.each(
        [&](std::int64_t version, std::uint32_t kind, std::string key, bool deleted, Bytes body,
            std::int64_t applied) {
            bytes += key.size() + body.data.size();
            if (!page.rows.empty() && bytes > bytes_max) return false;
            page.rows.push_back({version, kind, std::move(key), deleted, std::move(body.data), applied});
            return true;
        },
        store, after));
    // Read after the rows: a commit in between may only make `newest` newer, never older than what is handed
    // out, and a tombstone that went meanwhile is noticed.
    MUDI_TRY(const auto bucket, impl_->bucket.first(store));
    if (bucket) std::tie(page.newest, page.horizon) = *bucket;
    return page;
}

Result<Sums> FeedReader::Impl::sums_of(const StoreId& store) {
    Sums sums;
    MUDI_CHECK(digests.each(
        [&](std::uint32_t in, std::int64_t digest) {
            sums.digests[in % sync::parts_max] += static_cast<std::uint64_t>(digest);
            ++sums.rows;
        },
        store));
    return sums;
}

Result<std::int64_t> FeedReader::Impl::row_bytes(const StoreId& store) {
    std::int64_t bytes = 0;
    std::int64_t seen = 0;
    MUDI_CHECK(sizes.each(
        [&](std::int64_t size) {
            bytes += size;
            ++seen;
        },
        store));
    return seen == 0 ? 0 : bytes / seen;
}

Result<ManifestPage> FeedReader::manifest(const StoreId& store) {
    // Read before the rows: what changes in between comes again with the changes after it.
    MUDI_TRY(const std::int64_t version, newest(store));
    const auto kept = impl_->manifests.find(store);
    if (kept != impl_->manifests.end() && kept->second.version == version) return kept->second;
    MUDI_TRY(const Sums sums, impl_->sums_of(store));
    MUDI_TRY(const std::int64_t bytes, impl_->row_bytes(store));
    ManifestPage page{folded(sums, parts_for(bytes * sums.rows)), version};
    if (impl_->manifests.size() >= manifests_max) impl_->manifests.clear();
    impl_->manifests.insert_or_assign(store, page);
    return page;
}

Result<std::vector<sync::FeedRow>> FeedReader::part(const StoreId& store, std::uint32_t parts,
                                                    std::uint32_t part) {
    if (parts > sync::parts_max || !std::has_single_bit(parts) || part >= parts)
        return fail(Code::invalid, "feed.part", "a bucket is not divided like this");
    const std::uint32_t width = sync::parts_max / parts;
    std::vector<sync::FeedRow> rows;
    MUDI_CHECK(impl_->part.each(
        [&](std::int64_t version, std::uint32_t kind, std::string key, Bytes body, std::int64_t applied) {
            rows.push_back({version, kind, std::move(key), false, std::move(body.data), applied});
        },
        store, part * width, (part + 1) * width));
    // Not in SQL: PostgreSQL sorts text as the database's language does.
    std::sort(rows.begin(), rows.end(), [](const sync::FeedRow& a, const sync::FeedRow& b) {
        return std::tie(a.kind, a.key) < std::tie(b.kind, b.key);
    });
    return rows;
}

} // namespace mudi::server
