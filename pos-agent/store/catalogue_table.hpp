#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mudi/base/db/statement.hpp>
#include <mudi/crm/customer.hpp>

#include "feed_place.hpp"
#include "sealer.hpp"

namespace mudi::till {

/// What the feed brings besides profiles: products and the store's settings.
class CatalogueTable {
public:
    CatalogueTable(db::Connection& connection, const Sealer& sealer);

    Result<std::optional<crm::Product>> product(std::string_view item_id);
    /// Both give how the number of products changed.
    Result<std::int64_t> put_product(const std::string& item_id, std::string_view body, FeedPlace place);
    Result<std::int64_t> erase_product(const std::string& item_id);
    /// At most `count_max` of any; gives how many went.
    Result<std::int64_t> drop_products(std::int64_t count_max);

    Result<std::optional<crm::StoreSettings>> settings();
    Status put_settings(std::string_view body, FeedPlace place);

    /// The row goes on serving, but the server has another one.
    Status outdate_product(const std::string& item_id);
    Status outdate_settings();

    Result<std::vector<std::string>> products_in(PartRange range);
    /// Part of the settings; empty without any.
    Result<std::optional<std::int64_t>> settings_part();
    Status sum(PartSums& sums);
    /// Computes what is missing since the last program, for at most `count_max` rows; gives for how many.
    Result<std::int64_t> place_old(std::int64_t count_max);

private:
    const Sealer& sealer_;
    db::Query<db::Columns<Bytes>, db::Params<std::string>> product_;
    db::Command<std::string, std::int64_t, std::uint64_t, Bytes> insert_product_;
    db::Command<std::int64_t, std::uint64_t, Bytes, std::string> update_product_;
    db::Command<std::string> erase_product_;
    db::Command<std::int64_t> drop_products_;
    db::Command<std::string> outdate_product_;
    db::Query<db::Columns<std::string>, db::Params<std::int64_t, std::int64_t>> products_in_;
    db::Query<db::Columns<std::int64_t, std::uint64_t>, db::Params<>> product_digests_;
    db::Query<db::Columns<std::string, Bytes>, db::Params<std::int64_t>> unplaced_;
    db::Command<std::int64_t, std::uint64_t, std::string> place_product_;

    db::Query<db::Columns<Bytes, std::int64_t, std::uint64_t>, db::Params<>> settings_;
    db::Command<Bytes, std::int64_t, std::uint64_t> put_settings_;
    db::Command<std::int64_t, std::uint64_t> place_settings_;
};

} // namespace mudi::till
