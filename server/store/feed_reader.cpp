#include <mudi/server/feed.hpp>

#include <mudi/base/db/statement.hpp>

namespace mudi::server {

struct FeedReader::Impl {
    explicit Impl(db::Connection& connection)
        : newest(connection, "SELECT newest FROM bucket WHERE store = :store"),
          rows(connection,
               "SELECT version, kind, key, deleted, body FROM feed WHERE store = :store AND version > :after "
               "ORDER BY version LIMIT 5000") {}

    db::Query<db::Columns<std::int64_t>, db::Params<StoreId>> newest;
    db::Query<db::Columns<std::int64_t, std::uint32_t, std::string, bool, Bytes>,
              db::Params<StoreId, std::int64_t>>
        rows;
};

FeedReader::FeedReader(db::Connection& connection) : impl_(std::make_unique<Impl>(connection)) {}
FeedReader::~FeedReader() = default;

Result<std::int64_t> FeedReader::newest(const StoreId& store) {
    MUDI_TRY(const auto row, impl_->newest.first(store));
    return row ? std::get<0>(*row) : 0;
}

Result<FeedReader::Page> FeedReader::read(const StoreId& store, std::int64_t after, std::size_t bytes_max) {
    Page page;
    std::size_t bytes = 0;
    MUDI_CHECK(impl_->rows.each(
        [&](std::int64_t version, std::uint32_t kind, std::string key, bool deleted, Bytes body) {
            bytes += key.size() + body.data.size();
            if (!page.rows.empty() && bytes > bytes_max) return false;
            page.rows.push_back({version, kind, std::move(key), deleted, std::move(body.data)});
            return true;
        },
        store, after));
    // Read after the rows: a commit in between may only make `newest` newer, never older than what is handed
    // out.
    MUDI_TRY(page.newest, newest(store));
    return page;
}

} // namespace mudi::server
