#include <mudi/server/feed.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <mudi/base/db/bulk.hpp>
#include <mudi/base/db/statement.hpp>
#include <mudi/server/counters.hpp>
#include <mudi/server/publish.hpp>

namespace mudi::server {

namespace {

using db::Columns;
using db::Params;
using sync::FeedKind;

constexpr const char* settings_key = "settings";

std::uint32_t number(FeedKind kind) { return static_cast<std::uint32_t>(kind); }

} // namespace

struct FeedWriter::Impl {
    explicit Impl(db::Connection& writer)
        : counters(writer), all_buckets(writer, "SELECT store, newest FROM bucket ORDER BY store"),
          make_bucket(writer, "INSERT INTO bucket (store, newest) VALUES (:store, 0)"),
          save_bucket(writer, "UPDATE bucket SET newest = :newest WHERE store = :store"),
          rows_of(writer,
                  "SELECT store, deleted, body FROM feed WHERE kind = :kind AND key = :key ORDER BY store"),
          settings(writer, "SELECT value FROM meta WHERE name = 'settings'"),
          save_settings(writer, "INSERT INTO meta (name, value) VALUES ('settings', :value) "
                                "ON CONFLICT (name) DO UPDATE SET value = excluded.value"),
          products(writer, "SELECT item, body FROM product ORDER BY item"),
          product(writer, "SELECT body FROM product WHERE item = :item"),
          save_product(
              writer,
              "INSERT INTO product (item, name, category, body) VALUES (:item, :name, :category, :body) "
              "ON CONFLICT (item) DO UPDATE SET name = excluded.name, category = excluded.category, "
              "body = excluded.body"),
          // Everybody may be of interest to the new store: who is not, is found out when the slice is made.
          wake_profiles(
              writer,
              "INSERT INTO dirty_record (record, since_ms) SELECT DISTINCT profile, 0 FROM profile_member "
              "WHERE true ON CONFLICT (record) DO NOTHING"),
          write(writer, "feed", "kind, key, store, version, deleted, body",
                "ON CONFLICT (kind, key, store) DO UPDATE SET version = excluded.version, deleted = "
                "excluded.deleted, "
                "body = excluded.body") {}

    struct Row {
        bool deleted{};
        std::string body;
    };

    Status load();
    Result<std::map<StoreId, Row>> current(FeedKind kind, const std::string& key);
    Status put(FeedKind kind, const std::string& key, const StoreId& store, bool deleted,
               std::string_view body, bool is_new);

    Counters counters;
    db::Query<Columns<StoreId, std::int64_t>, Params<>> all_buckets;
    db::Command<StoreId> make_bucket;
    db::Command<std::int64_t, StoreId> save_bucket;
    db::Query<Columns<StoreId, bool, Bytes>, Params<std::uint32_t, std::string>> rows_of;
    db::Query<Columns<Bytes>, Params<>> settings;
    db::Command<Bytes> save_settings;
    db::Query<Columns<std::string, Bytes>, Params<>> products;
    db::Query<Columns<Bytes>, Params<std::string>> product;
    db::Command<std::string, std::string, std::string, Bytes> save_product;
    db::Command<> wake_profiles;
    db::Bulk<std::uint32_t, std::string, StoreId, std::int64_t, bool, Bytes> write;

    /// Bucket -> newest version, loaded anew in every transaction: other writers of the same connection
    /// exist.
    std::map<StoreId, std::int64_t> newest;
    std::set<StoreId> moved;
    bool loaded{false};
    /// Keys with rows that PostgreSQL has only gathered.
    std::set<std::pair<std::uint32_t, std::string>> gathered;
};

Status FeedWriter::Impl::load() {
    if (loaded) return {};
    newest.clear();
    MUDI_CHECK(all_buckets.each(
        [&](StoreId store, std::int64_t version) { newest.emplace(std::move(store), version); }));
    loaded = true;
    return {};
}

Result<std::map<StoreId, FeedWriter::Impl::Row>> FeedWriter::Impl::current(FeedKind kind,
                                                                           const std::string& key) {
    if (gathered.contains({number(kind), key})) {
        MUDI_CHECK(write.flush());
        gathered.clear();
    }
    std::map<StoreId, Row> rows;
    MUDI_CHECK(rows_of.each(
        [&](StoreId store, bool deleted, Bytes body) {
            rows.emplace(std::move(store), Row{deleted, std::move(body.data)});
        },
        number(kind), key));
    return rows;
}

Status FeedWriter::Impl::put(FeedKind kind, const std::string& key, const StoreId& store, bool deleted,
                             std::string_view body, bool is_new) {
    const std::int64_t version = ++newest.at(store);
    moved.insert(store);
    if (is_new) counters.add(counter::feed_rows, 1);
    gathered.insert({number(kind), key});
    return write.add(number(kind), key, store, version, deleted, Bytes{std::string(body)});
}

FeedWriter::FeedWriter(db::Connection& writer) : impl_(std::make_unique<Impl>(writer)) {}
FeedWriter::~FeedWriter() = default;

Result<bool> FeedWriter::open_bucket(const StoreId& store) {
    MUDI_CHECK(impl_->load());
    if (impl_->newest.contains(store)) return false;
    MUDI_CHECK(impl_->make_bucket(store));
    impl_->newest.emplace(store, 0);
    MUDI_TRY(const auto settings, impl_->settings.first());
    if (settings) {
        MUDI_CHECK(
            impl_->put(FeedKind::settings, settings_key, store, false, std::get<0>(*settings).data, true));
    }
    MUDI_TRY(const auto products, impl_->products.all());
    for (const auto& [item, body] : products) {
        MUDI_CHECK(impl_->put(FeedKind::product, item, store, false, body.data, true));
    }
    MUDI_CHECK(impl_->wake_profiles());
    return true;
}

Result<std::vector<StoreId>> FeedWriter::buckets() {
    MUDI_CHECK(impl_->load());
    std::vector<StoreId> stores;
    for (const auto& [store, version] : impl_->newest) stores.push_back(store);
    return stores;
}

Status FeedWriter::put_settings(const crm::StoreSettings& settings) {
    MUDI_CHECK(impl_->load());
    const Bytes body{sync::encode(settings)};
    MUDI_TRY(const auto before, impl_->settings.first());
    if (before && std::get<0>(*before) == body) return {};
    MUDI_CHECK(impl_->save_settings(body));
    for (const auto& [store, version] : impl_->newest) {
        MUDI_CHECK(impl_->put(FeedKind::settings, settings_key, store, false, body.data, !before));
    }
    return {};
}

Result<bool> FeedWriter::put_product(const crm::Product& product) {
    if (product.item_id.empty()) return fail(Code::invalid, "product.item", "a product needs an item id");
    MUDI_CHECK(impl_->load());
    const Bytes body{sync::encode(product)};
    MUDI_TRY(const auto before, impl_->product.first(product.item_id));
    if (before && std::get<0>(*before) == body) return false;
    MUDI_CHECK(impl_->save_product(product.item_id, product.name, product.category, body));
    for (const auto& [store, version] : impl_->newest) {
        MUDI_CHECK(impl_->put(FeedKind::product, product.item_id, store, false, body.data, !before));
    }
    return true;
}

Result<std::size_t> FeedWriter::put_profile(ProfileId profile, std::string_view body,
                                            std::span<const StoreId> stores) {
    MUDI_CHECK(impl_->load());
    const std::string key = std::to_string(profile.value);
    MUDI_TRY(const auto rows, impl_->current(FeedKind::profile, key));
    std::size_t written = 0;
    for (const StoreId& store : stores) {
        if (!impl_->newest.contains(store)) continue;
        const auto row = rows.find(store);
        if (row != rows.end() && !row->second.deleted && row->second.body == body) continue;
        MUDI_CHECK(impl_->put(FeedKind::profile, key, store, false, body, row == rows.end()));
        ++written;
    }
    for (const auto& [store, row] : rows) {
        if (row.deleted || std::find(stores.begin(), stores.end(), store) != stores.end()) continue;
        MUDI_CHECK(impl_->put(FeedKind::profile, key, store, true, {}, false));
        ++written;
    }
    return written;
}

Result<std::vector<FeedMoved>> FeedWriter::finish() {
    MUDI_CHECK(impl_->write.flush());
    std::vector<FeedMoved> moved;
    for (const StoreId& store : impl_->moved) {
        const std::int64_t version = impl_->newest.at(store);
        MUDI_CHECK(impl_->save_bucket(version, store));
        moved.push_back({store, version});
    }
    MUDI_CHECK(impl_->counters.flush());
    forget();
    return moved;
}

void FeedWriter::forget() {
    impl_->loaded = false;
    impl_->newest.clear();
    impl_->moved.clear();
    impl_->gathered.clear();
    impl_->counters.forget();
}

Result<std::vector<FeedMoved>> publish_settings(db::Connection& writer, const crm::StoreSettings& settings) {
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(writer));
    FeedWriter feed{writer};
    MUDI_CHECK(feed.put_settings(settings));
    MUDI_TRY(auto moved, feed.finish());
    MUDI_CHECK(transaction.commit());
    return moved;
}

} // namespace mudi::server
