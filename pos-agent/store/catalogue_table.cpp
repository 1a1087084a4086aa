#include "catalogue_table.hpp"

#include <mudi/sync/event.hpp>

namespace mudi::till {
namespace {

constexpr std::string_view settings_key = "settings";

} // namespace

CatalogueTable::CatalogueTable(db::Connection& connection, const Sealer& sealer)
    : sealer_(sealer), product_(connection, "SELECT body FROM product WHERE item_id = :item"),
      insert_product_(connection, "INSERT INTO product (item_id, part, digest, body) "
                                  "VALUES (:item, :part, :digest, :body) ON CONFLICT DO NOTHING"),
      update_product_(
          connection,
          "UPDATE product SET part = :part, digest = :digest, body = :body WHERE item_id = :item"),
      erase_product_(connection, "DELETE FROM product WHERE item_id = :item"),
      drop_products_(connection,
                     "DELETE FROM product WHERE item_id IN (SELECT item_id FROM product LIMIT :count_max)"),
      outdate_product_(connection, "UPDATE product SET digest = 0 WHERE item_id = :item"),
      products_in_(connection, "SELECT item_id FROM product WHERE part BETWEEN :first AND :last"),
      product_digests_(connection, "SELECT part, digest FROM product"),
      unplaced_(connection, "SELECT item_id, body FROM product WHERE part < 0 LIMIT :count_max"),
      place_product_(connection, "UPDATE product SET part = :part, digest = :digest WHERE item_id = :item"),
      settings_(connection, "SELECT body, part, digest FROM settings"),
      put_settings_(connection,
                    "INSERT INTO settings (only, body, part, digest) VALUES (1, :body, :part, :digest) "
                    "ON CONFLICT (only) DO UPDATE SET body = excluded.body, part = excluded.part, digest = "
                    "excluded.digest"),
      place_settings_(connection, "UPDATE settings SET part = :part, digest = :digest") {}

Result<std::optional<crm::Product>> CatalogueTable::product(std::string_view item_id) {
    MUDI_TRY(const auto found, product_.first(std::string(item_id)));
    if (!found) return std::optional<crm::Product>{};
    MUDI_TRY(auto product, sync::decode_product(std::get<0>(*found).data));
    return std::optional{std::move(product)};
}

Result<std::int64_t> CatalogueTable::put_product(const std::string& item_id, std::string_view body,
                                                 FeedPlace place) {
    const Bytes bytes{std::string(body)};
    MUDI_TRY(const auto added, insert_product_(item_id, place.part, place.digest, bytes));
    if (added == 0) MUDI_CHECK(update_product_(place.part, place.digest, bytes, item_id));
    return added;
}

Result<std::int64_t> CatalogueTable::erase_product(const std::string& item_id) {
    MUDI_TRY(const auto gone, erase_product_(item_id));
    return -gone;
}

Result<std::int64_t> CatalogueTable::drop_products(std::int64_t count_max) {
    return drop_products_(count_max);
}

Result<std::optional<crm::StoreSettings>> CatalogueTable::settings() {
    MUDI_TRY(const auto found, settings_.first());
    if (!found) return std::optional<crm::StoreSettings>{};
    MUDI_TRY(const auto body, sealer_.open(std::get<0>(*found)));
    MUDI_TRY(auto settings, sync::decode_settings(body));
    return std::optional{std::move(settings)};
}

Status CatalogueTable::put_settings(std::string_view body, FeedPlace place) {
    MUDI_CHECK(put_settings_(sealer_.seal(body), place.part, place.digest));
    return {};
}

Status CatalogueTable::outdate_product(const std::string& item_id) {
    MUDI_CHECK(outdate_product_(item_id));
    return {};
}

Status CatalogueTable::outdate_settings() {
    MUDI_TRY(const auto part, settings_part());
    if (part) MUDI_CHECK(place_settings_(*part, 0));
    return {};
}

Result<std::vector<std::string>> CatalogueTable::products_in(PartRange range) {
    std::vector<std::string> items;
    MUDI_CHECK(products_in_.each([&](std::string item) { items.push_back(std::move(item)); }, range.first,
                                 range.last));
    return items;
}

Result<std::optional<std::int64_t>> CatalogueTable::settings_part() {
    MUDI_TRY(const auto found, settings_.first());
    if (!found) return std::optional<std::int64_t>{};
    return std::optional{std::get<1>(*found)};
}

Status CatalogueTable::sum(PartSums& sums) {
    MUDI_CHECK(
        product_digests_.each([&](std::int64_t part, std::uint64_t digest) { add(sums, part, digest); }));
    return settings_.each(
        [&](const Bytes&, std::int64_t part, std::uint64_t digest) { add(sums, part, digest); });
}

Result<std::int64_t> CatalogueTable::place_old(std::int64_t count_max) {
    MUDI_TRY(const auto rows, unplaced_.all(count_max));
    for (const auto& [item, body] : rows) {
        const FeedPlace place = place_of(sync::FeedKind::product, item, body.data);
        MUDI_CHECK(place_product_(place.part, place.digest, item));
    }
    MUDI_TRY(const auto found, settings_.first());
    if (found && std::get<1>(*found) < 0) {
        // Damaged ones count as another content: the server's take their place.
        const auto body = sealer_.open(std::get<0>(*found));
        FeedPlace place = place_of(sync::FeedKind::settings, settings_key, body ? *body : std::string{});
        if (!body) place.digest = 0;
        MUDI_CHECK(place_settings_(place.part, place.digest));
    }
    return static_cast<std::int64_t>(rows.size());
}

} // namespace mudi::till
