#include "side_table.hpp"

#include <variant>

#include <mudi/sync/event.hpp>

namespace mudi::till {

OpenTable::OpenTable(db::Connection& connection, const Sealer& sealer)
    : sealer_(sealer),
      put_hold_(connection,
                "INSERT INTO hold (id, business_day, number, profile, points, amount, currency, expires_ms) "
                "VALUES (:id, :day, :number, :profile, :points, :amount, :currency, :expires)"),
      erase_hold_(connection, "DELETE FROM hold WHERE id = :id"),
      holds_(connection,
             "SELECT id, business_day, number, profile, points, amount, currency, expires_ms FROM hold"),
      suspend_(connection, "INSERT INTO suspended (business_day, number, body) VALUES (:day, :number, :body) "
                           "ON CONFLICT (business_day, number) DO UPDATE SET body = excluded.body"),
      erase_suspended_(connection, "DELETE FROM suspended WHERE business_day = :day AND number = :number"),
      suspended_(connection, "SELECT body FROM suspended ORDER BY business_day, number") {}

Status OpenTable::put(const Hold& hold) {
    MUDI_CHECK(put_hold_(hold.id, hold.transaction.day, hold.transaction.number, hold.profile, hold.points,
                         hold.amount.minor, hold.amount.currency.number, hold.expires));
    return {};
}

Status OpenTable::erase(HoldId hold) {
    MUDI_CHECK(erase_hold_(hold));
    return {};
}

Result<std::vector<Hold>> OpenTable::holds() {
    std::vector<Hold> holds;
    MUDI_CHECK(holds_.each([&](HoldId id, BusinessDay day, std::string number, ProfileId profile,
                               Points points, std::int64_t amount, std::uint16_t currency, Time expires) {
        holds.push_back(
            {id, {day, std::move(number)}, profile, points, Money{amount, Currency{currency}}, expires});
    }));
    return holds;
}

Status OpenTable::suspend(const crm::RetailTransaction& transaction) {
    MUDI_CHECK(
        suspend_(transaction.key.day, transaction.key.number, sealer_.seal(sync::encode(transaction))));
    return {};
}

Status OpenTable::erase_suspended(const TransactionKey& key) {
    MUDI_CHECK(erase_suspended_(key.day, key.number));
    return {};
}

Result<std::vector<crm::RetailTransaction>> OpenTable::suspended() {
    std::vector<crm::RetailTransaction> transactions;
    MUDI_CHECK(suspended_.each([&](const Bytes& sealed) {
        auto body = sealer_.open(sealed);
        if (!body) return;
        sync::Event event;
        event.kind = static_cast<std::uint32_t>(sync::EventKind::retail_transaction);
        event.body = *std::move(body);
        auto decoded = sync::decode(event);
        if (decoded) transactions.push_back(std::get<crm::RetailTransaction>(*std::move(decoded)));
    }));
    return transactions;
}

CatalogueTable::CatalogueTable(db::Connection& connection, const Sealer& sealer)
    : sealer_(sealer), product_(connection, "SELECT body FROM product WHERE item_id = :item"),
      insert_product_(
          connection,
          "INSERT INTO product (item_id, epoch, body) VALUES (:item, :epoch, :body) ON CONFLICT DO NOTHING"),
      update_product_(connection, "UPDATE product SET epoch = :epoch, body = :body WHERE item_id = :item"),
      erase_product_(connection, "DELETE FROM product WHERE item_id = :item"),
      sweep_(connection, "DELETE FROM product WHERE epoch < :epoch"),
      settings_(connection, "SELECT body FROM settings"),
      put_settings_(connection, "INSERT INTO settings (only, body) VALUES (1, :body) ON CONFLICT (only) DO "
                                "UPDATE SET body = excluded.body") {}

Result<std::optional<crm::Product>> CatalogueTable::product(std::string_view item_id) {
    MUDI_TRY(const auto found, product_.first(std::string(item_id)));
    if (!found) return std::optional<crm::Product>{};
    MUDI_TRY(auto product, sync::decode_product(std::get<0>(*found).data));
    return std::optional{std::move(product)};
}

Result<std::int64_t> CatalogueTable::put_product(const std::string& item_id, std::string_view body,
                                                 std::int64_t epoch) {
    const Bytes bytes{std::string(body)};
    MUDI_TRY(const auto added, insert_product_(item_id, epoch, bytes));
    if (added == 0) MUDI_CHECK(update_product_(epoch, bytes, item_id));
    return added;
}

Result<std::int64_t> CatalogueTable::erase_product(const std::string& item_id) {
    MUDI_TRY(const auto gone, erase_product_(item_id));
    return -gone;
}

Result<std::int64_t> CatalogueTable::sweep(std::int64_t epoch) {
    MUDI_TRY(const auto gone, sweep_(epoch));
    return -gone;
}

Result<std::optional<crm::StoreSettings>> CatalogueTable::settings() {
    MUDI_TRY(const auto found, settings_.first());
    if (!found) return std::optional<crm::StoreSettings>{};
    MUDI_TRY(const auto body, sealer_.open(std::get<0>(*found)));
    MUDI_TRY(auto settings, sync::decode_settings(body));
    return std::optional{std::move(settings)};
}

Status CatalogueTable::put_settings(std::string_view body) {
    MUDI_CHECK(put_settings_(sealer_.seal(body)));
    return {};
}

} // namespace mudi::till
