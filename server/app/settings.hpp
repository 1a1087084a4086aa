#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <mudi/base/config.hpp>
#include <mudi/base/db/connection.hpp>
#include <mudi/base/log.hpp>
#include <mudi/base/result.hpp>
#include <mudi/crm/customer.hpp>
#include <mudi/crm/identifier.hpp>
#include <mudi/crm/offers.hpp>
#include <mudi/server/rights.hpp>
#include <mudi/sync/server_sync.hpp>

#include "certificates.hpp"

namespace mudi::server {

/// server.toml. Amounts are minor units of `currency`, rates basis points.
struct Settings {
    std::string data_dir{"/var/lib/mudi-server"};
    std::string database;
    std::string durability{"full"};
    std::string log_level{"info"};
    std::string currency{"INR"};
    std::string country_code{"91"};
    std::vector<std::string> card_ranges;
    std::vector<std::string> stores;

    std::string sync_listen{"tls+tcp://127.0.0.1:7443"};
    std::vector<std::string> sync_names{"localhost", "127.0.0.1"};
    std::string sync_access{"enrolled"};

    std::int32_t backup_every_hours{24};
    std::string backup_folder;
    std::int32_t backup_keep{7};

    std::string http_listen{"127.0.0.1:7080"};
    std::vector<std::string> http_hosts;
    std::vector<std::string> http_origins;

    std::int64_t per_point{10'000};
    std::int64_t point_value{25};
    std::int64_t redeem_min{20};
    std::int64_t redeem_offline_max{200};

    std::string points_offline{"escrow"};
    std::int64_t points_store_max{200};
    std::int64_t points_till_max{0};

    std::int32_t usual_percent{1000};
    std::int32_t category_percent{500};
    std::int64_t welcome_amount{5'000};
    std::int64_t welcome_basket_min{50'000};
    std::int64_t discount_max{10'000};
    std::int32_t valid_days{7};
    std::int32_t offers_max{3};

    void visit(config::Visitor& v);

private:
    void visit_rules(config::Visitor& v);
};

/// Settings whose texts have been read and checked against each other.
struct Plan {
    std::filesystem::path data_dir; ///< absolute
    db::Options database;
    log::Level log_level{log::Level::info};
    Currency currency{inr};
    crm::IdentifierRules identifiers; ///< without the member code key, which is drawn at first start
    crm::LoyaltyRules loyalty;
    PointsPolicy points;
    crm::OfferPolicy offers;
    std::vector<StoreId> stores; ///< empty: any store
    std::string sync_listen;
    std::vector<std::string> sync_names;
    sync::Access access{sync::Access::enrolled};
    /// From now; the till renews when a third of it is left.
    std::chrono::seconds certificate_life{till_certificate_life};
    /// How often the server looks whether its own certificate has to be made anew.
    std::chrono::seconds certificate_look_every{60};
    std::chrono::hours backup_every{24}; ///< 0: only when asked
    std::filesystem::path backup_folder; ///< absolute
    std::size_t backup_keep{7};          ///< of those made by itself
    std::string http_address;
    std::uint16_t http_port{};
    std::vector<std::string> http_hosts;
    std::vector<std::string> http_origins;
};

/// How a till reaches the server that listens at `listening`: by the address itself, or, where that stands
/// for every address of the machine, by the first of `names`; and the name it then expects in the
/// certificate.
struct Reach {
    std::string url;
    std::string name;
};
Reach reach_of(const std::string& listening, const std::vector<std::string>& names);

/// config.value (invalid) names the key.
Result<Plan> plan_from(const Settings& settings);

} // namespace mudi::server
