#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mudi/base/db/statement.hpp>
#include <mudi/crm/customer.hpp>
#include <mudi/till/storage.hpp>

#include "sealer.hpp"

namespace mudi::till {

/// Holds on points and suspended transactions: what is under way.
class OpenTable {
public:
    OpenTable(db::Connection& connection, const Sealer& sealer);

    Status put(const Hold& hold);
    Status erase(HoldId hold);
    Result<std::vector<Hold>> holds();

    Status suspend(const crm::RetailTransaction& transaction);
    Status erase_suspended(const TransactionKey& key);
    /// One that cannot be read is left out: it must not keep the till from starting.
    Result<std::vector<crm::RetailTransaction>> suspended();

private:
    const Sealer& sealer_;
    db::Command<HoldId, BusinessDay, std::string, ProfileId, Points, std::int64_t, std::uint16_t, Time>
        put_hold_;
    db::Command<HoldId> erase_hold_;
    db::Query<
        db::Columns<HoldId, BusinessDay, std::string, ProfileId, Points, std::int64_t, std::uint16_t, Time>,
        db::Params<>>
        holds_;
    db::Command<BusinessDay, std::string, Bytes> suspend_;
    db::Command<BusinessDay, std::string> erase_suspended_;
    db::Query<db::Columns<Bytes>, db::Params<>> suspended_;
};

/// What the feed brings besides profiles: products and the store's settings.
class CatalogueTable {
public:
    CatalogueTable(db::Connection& connection, const Sealer& sealer);

    Result<std::optional<crm::Product>> product(std::string_view item_id);
    /// All three give how the number of products changed.
    Result<std::int64_t> put_product(const std::string& item_id, std::string_view body, std::int64_t epoch);
    Result<std::int64_t> erase_product(const std::string& item_id);
    Result<std::int64_t> sweep(std::int64_t epoch);

    Result<std::optional<crm::StoreSettings>> settings();
    Status put_settings(std::string_view body);

private:
    const Sealer& sealer_;
    db::Query<db::Columns<Bytes>, db::Params<std::string>> product_;
    db::Command<std::string, std::int64_t, Bytes> insert_product_;
    db::Command<std::int64_t, Bytes, std::string> update_product_;
    db::Command<std::string> erase_product_;
    db::Command<std::int64_t> sweep_;
    db::Query<db::Columns<Bytes>, db::Params<>> settings_;
    db::Command<Bytes> put_settings_;
};

} // namespace mudi::till
