#include <mudi/server/feed.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include <mudi/base/db/bulk.hpp>
#include <mudi/base/db/statement.hpp>
#include <mudi/base/mutant.hpp>
#include <mudi/server/counters.hpp>
#include <mudi/server/publish.hpp>

namespace mudi::server {

namespace {

using db::Columns;
using db::Params;
using sync::FeedKind;

constexpr const char* settings_key = "settings";

std::uint32_t number(FeedKind kind) { return static_cast<std::uint32_t>(kind); }

/// What a row says, the same in every bucket.
struct Content {
    Content(FeedKind of_kind, std::string of_key, std::string_view text)
        : kind(number(of_kind)), key(std::move(of_key)), body{std::string(text)},
          part(sync::part_of(kind, key)),
          digest(static_cast<std::int64_t>(sync::row_digest(kind, key, text))) {}

    std::uint32_t kind;
    std::string key;
    Bytes body;
    std::uint32_t part;
    std::int64_t digest;
};

} // namespace

struct FeedWriter::Impl {
    explicit Impl(db::Connection& writer)
        : counters(writer), all_buckets(writer, "SELECT store, newest FROM bucket ORDER BY store"),
          one_bucket(writer, "SELECT newest FROM bucket WHERE store = :store"),
          make_bucket(writer, "INSERT INTO bucket (store, newest) VALUES (:store, 0)"),
          save_bucket(writer, "UPDATE bucket SET newest = :newest WHERE store = :store"),
          rows_of(writer, "SELECT store, deleted, body, applied FROM feed WHERE kind = :kind AND key = :key "
                          "ORDER BY store"),
          settings(writer, "SELECT value FROM meta WHERE name = 'settings'"),
          save_settings(writer, "INSERT INTO meta (name, value) VALUES ('settings', :value) "
                                "ON CONFLICT (name) DO UPDATE SET value = excluded.value"),
          settings_of(writer, "SELECT deleted, body FROM feed WHERE kind = 3 AND key = 'settings' "
                              "AND store = :store"),
          lead_of(writer, "SELECT e.till, COALESCE(t.lead_url, '') FROM enrolled_till e "
                          "LEFT JOIN till t ON t.till = e.till "
                          "WHERE e.store = :store AND e.lead = 1 AND e.revoked_ms = 0"),
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
          newest_mark(writer, "SELECT COALESCE(MAX(at_ms), 0) FROM feed_mark WHERE at_ms <= :now"),
          make_mark(writer, "INSERT INTO feed_mark (at_ms, version) VALUES (:now, :version) "
                            "ON CONFLICT (at_ms) DO NOTHING"),
          mark_before(writer, "SELECT at_ms, version FROM feed_mark WHERE at_ms <= :limit "
                              "ORDER BY at_ms DESC LIMIT 1"),
          drop_marks(writer, "DELETE FROM feed_mark WHERE at_ms < :at"),
          tombstones(writer, "SELECT kind, key, store, version FROM feed WHERE deleted = 1 "
                             "AND version <= :version ORDER BY version LIMIT :limit"),
          drop_row(writer, "DELETE FROM feed WHERE kind = :kind AND key = :key AND store = :store"),
          save_horizon(writer, "UPDATE bucket SET horizon = :version WHERE store = :store "
                               "AND horizon < :version"),
          write(writer, "feed", "kind, key, store, version, deleted, body, part, digest, applied",
                "ON CONFLICT (kind, key, store) DO UPDATE SET version = excluded.version, deleted = "
                "excluded.deleted, body = excluded.body, part = excluded.part, digest = excluded.digest, "
                "applied = excluded.applied") {}

    struct Row {
        bool deleted{};
        std::string body;
        std::int64_t applied{};
    };

    Status load();
    Result<std::map<StoreId, Row>> current(FeedKind kind, const std::string& key);
    Status put(const Content& content, const StoreId& store, std::int64_t applied, bool is_new);
    Status put_settings(const crm::StoreSettings& settings, const StoreId& store);
    Status bury(const Content& content, const StoreId& store);
    Status write_row(const Content& content, const StoreId& store, bool deleted, std::int64_t applied);
    Status mark_version(Time now);

    Counters counters;
    db::Query<Columns<StoreId, std::int64_t>, Params<>> all_buckets;
    db::Query<Columns<std::int64_t>, Params<StoreId>> one_bucket;
    db::Command<StoreId> make_bucket;
    db::Command<std::int64_t, StoreId> save_bucket;
    db::Query<Columns<StoreId, bool, Bytes, std::int64_t>, Params<std::uint32_t, std::string>> rows_of;
    db::Query<Columns<Bytes>, Params<>> settings;
    db::Command<Bytes> save_settings;
    db::Query<Columns<bool, Bytes>, Params<StoreId>> settings_of;
    db::Query<Columns<TillId, std::string>, Params<StoreId>> lead_of;
    db::Query<Columns<std::string, Bytes>, Params<>> products;
    db::Query<Columns<Bytes>, Params<std::string>> product;
    db::Command<std::string, std::string, std::string, Bytes> save_product;
    db::Command<> wake_profiles;
    db::Query<Columns<Time>, Params<Time>> newest_mark;
    db::Command<Time, std::int64_t> make_mark;
    db::Query<Columns<Time, std::int64_t>, Params<Time>> mark_before;
    db::Command<Time> drop_marks;
    db::Query<Columns<std::uint32_t, std::string, StoreId, std::int64_t>, Params<std::int64_t, std::size_t>>
        tombstones;
    db::Command<std::uint32_t, std::string, StoreId> drop_row;
    db::Command<std::int64_t, StoreId> save_horizon;
    db::Bulk<std::uint32_t, std::string, StoreId, std::int64_t, bool, Bytes, std::uint32_t, std::int64_t,
             std::int64_t>
        write;

    /// Bucket -> newest version, loaded anew in every transaction: other writers of the same connection
    /// exist.
    std::map<StoreId, std::int64_t> newest;
    std::set<StoreId> moved;
    std::int64_t version{};    ///< given out last, over all buckets
    std::int64_t remembered{}; ///< the same, of mutant version_reused: dies with the process
    bool loaded{false};
    /// Keys with rows that PostgreSQL has only gathered.
    std::set<std::pair<std::uint32_t, std::string>> gathered;
};

Status FeedWriter::Impl::load() {
    if (loaded) return {};
    newest.clear();
    MUDI_CHECK(all_buckets.each(
        [&](StoreId store, std::int64_t of_bucket) { newest.emplace(std::move(store), of_bucket); }));
    MUDI_TRY(version, counters.get(counter::feed_version));
    if (mutant::planted(mutant::Bug::version_reused)) version = std::max(version, remembered);
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
        [&](StoreId store, bool deleted, Bytes body, std::int64_t applied) {
            rows.emplace(std::move(store), Row{deleted, std::move(body.data), applied});
        },
        number(kind), key));
    return rows;
}

Status FeedWriter::Impl::write_row(const Content& content, const StoreId& store, bool deleted,
                                   std::int64_t applied) {
    const auto bucket = newest.find(store);
    if (bucket == newest.end())
        return fail(Code::corrupt, "db.corrupt", "a row of the feed lies in no bucket");
    bucket->second = ++version;
    moved.insert(store);
    gathered.insert({content.kind, content.key});
    return write.add(content.kind, content.key, store, version, deleted, deleted ? Bytes{} : content.body,
                     content.part, deleted ? 0 : content.digest, applied);
}

Status FeedWriter::Impl::put(const Content& content, const StoreId& store, std::int64_t applied,
                             bool is_new) {
    if (is_new) counters.add(counter::feed_rows, 1);
    return write_row(content, store, false, applied);
}

Status FeedWriter::Impl::bury(const Content& content, const StoreId& store) {
    return write_row(content, store, true, 0);
}

FeedWriter::FeedWriter(db::Connection& writer) : impl_(std::make_unique<Impl>(writer)) {}
FeedWriter::~FeedWriter() = default;

/// One store's own, when they are not what its bucket has.
Status FeedWriter::Impl::put_settings(const crm::StoreSettings& all, const StoreId& store) {
    crm::StoreSettings own = all;
    own.lead = {};
    MUDI_TRY(const auto lead, lead_of.first(store));
    if (lead) std::tie(own.lead.till, own.lead.url) = *lead;
    const Content content{FeedKind::settings, settings_key, sync::encode(own)};
    MUDI_CHECK(write.flush()); // PostgreSQL only gathers
    MUDI_TRY(const auto before, settings_of.first(store));
    if (before && !std::get<0>(*before) && std::get<1>(*before) == content.body) return {};
    MUDI_CHECK(load());
    return put(content, store, 0, !before);
}

Result<bool> FeedWriter::open_bucket(const StoreId& store) {
    if (!impl_->loaded) {
        MUDI_TRY(const auto there, impl_->one_bucket.first(store));
        if (there) return false;
    }
    MUDI_CHECK(impl_->load());
    if (impl_->newest.contains(store)) return false;
    MUDI_CHECK(impl_->make_bucket(store));
    impl_->newest.emplace(store, 0);
    MUDI_CHECK(put_lead(store));
    MUDI_TRY(const auto products, impl_->products.all());
    for (const auto& [item, body] : products) {
        MUDI_CHECK(impl_->put(Content{FeedKind::product, item, body.data}, store, 0, true));
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
    if (!before || std::get<0>(*before) != body) MUDI_CHECK(impl_->save_settings(body));
    MUDI_TRY(const auto stores, buckets());
    for (const StoreId& store : stores) MUDI_CHECK(impl_->put_settings(settings, store));
    return {};
}

Status FeedWriter::put_lead(const StoreId& store) {
    MUDI_TRY(const auto body, impl_->settings.first());
    if (!body) return {};
    MUDI_TRY(const auto settings, sync::decode_settings(std::get<0>(*body).data));
    return impl_->put_settings(settings, store);
}

Result<bool> FeedWriter::put_product(const crm::Product& product) {
    if (product.item_id.empty()) return fail(Code::invalid, "product.item", "a product needs an item id");
    MUDI_CHECK(impl_->load());
    const Bytes body{sync::encode(product)};
    MUDI_TRY(const auto before, impl_->product.first(product.item_id));
    if (before && std::get<0>(*before) == body) return false;
    MUDI_CHECK(impl_->save_product(product.item_id, product.name, product.category, body));
    const Content content{FeedKind::product, product.item_id, body.data};
    for (const auto& [store, version] : impl_->newest) MUDI_CHECK(impl_->put(content, store, 0, !before));
    return true;
}

Result<std::size_t> FeedWriter::put_profile(ProfileId profile, std::string_view body,
                                            std::span<const StoreId> stores, SliceApplied applied) {
    MUDI_CHECK(impl_->load());
    const Content content{FeedKind::profile, std::to_string(profile.value), body};
    MUDI_TRY(const auto rows, impl_->current(FeedKind::profile, content.key));
    std::size_t written = 0;
    for (const StoreId& store : stores) {
        if (!impl_->newest.contains(store)) continue;
        const auto row = rows.find(store);
        const bool known = row != rows.end();
        const bool right = known && !row->second.deleted && row->second.body == body;
        // The same content says more when it has taken in a purchase that some till still counts on top.
        if (right && applied.last <= row->second.applied) continue;
        MUDI_CHECK(impl_->put(content, store, applied.up_to, !known));
        ++written;
    }
    for (const auto& [store, row] : rows) {
        if (row.deleted || std::find(stores.begin(), stores.end(), store) != stores.end()) continue;
        MUDI_CHECK(impl_->bury(content, store));
        ++written;
    }
    return written;
}

/// Once a day is often enough.
Status FeedWriter::Impl::mark_version(Time now) {
    MUDI_TRY(const auto mark, newest_mark.first(now));
    if (mark && now - std::get<0>(*mark) < std::chrono::days{1}) return {};
    MUDI_CHECK(make_mark(now, version));
    return {};
}

Result<std::size_t> FeedWriter::forget_tombstones(Time now, std::size_t rows_max) {
    MUDI_CHECK(impl_->load());
    MUDI_CHECK(impl_->write.flush());
    MUDI_CHECK(impl_->mark_version(now));
    MUDI_TRY(const auto mark, impl_->mark_before.first(now - tombstone_age));
    if (!mark) return 0;
    const auto& [at, version] = *mark;
    MUDI_CHECK(impl_->drop_marks(at));
    MUDI_TRY(const auto rows, impl_->tombstones.all(version, rows_max));
    std::map<StoreId, std::int64_t> horizons;
    for (const auto& [kind, key, store, buried] : rows) {
        MUDI_CHECK(impl_->drop_row(kind, key, store));
        horizons[store] = buried; // in the order of versions
    }
    for (const auto& [store, horizon] : horizons) MUDI_CHECK(impl_->save_horizon(horizon, store));
    impl_->counters.add(counter::feed_rows, -static_cast<std::int64_t>(rows.size()));
    return rows.size();
}

Result<std::vector<FeedMoved>> FeedWriter::finish() {
    MUDI_CHECK(impl_->write.flush());
    std::vector<FeedMoved> moved;
    for (const StoreId& store : impl_->moved) {
        const std::int64_t newest = impl_->newest.at(store);
        MUDI_CHECK(impl_->save_bucket(newest, store));
        moved.push_back({store, newest});
    }
    if (mutant::planted(mutant::Bug::version_reused)) {
        impl_->remembered = impl_->version;
    } else if (!moved.empty()) {
        MUDI_CHECK(impl_->counters.set(counter::feed_version, impl_->version));
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

Result<std::vector<FeedMoved>> publish_leads(db::Connection& writer) {
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(writer));
    FeedWriter feed{writer};
    MUDI_TRY(const auto stores, feed.buckets());
    for (const StoreId& store : stores) MUDI_CHECK(feed.put_lead(store));
    MUDI_TRY(auto moved, feed.finish());
    MUDI_CHECK(transaction.commit());
    return moved;
}

} // namespace mudi::server
