#pragma once

#include <span>
#include <string_view>

#include <nlohmann/json.hpp>

#include <mudi/crm/customer.hpp>
#include <mudi/server/customers.hpp>
#include <mudi/server/purchases.hpp>
#include <mudi/server/quarantine.hpp>
#include <mudi/server/status.hpp>
#include <mudi/sync/event.hpp>

#include <mudi/server/api.hpp>

/// Values of the stores as the documents of docs/server-api.md.
namespace mudi::server {

/// `language` is that of offer titles and reasons; empty: the customer's own.
nlohmann::json to_json(const ProfileView& profile, std::string_view language);
nlohmann::json to_json(const PurchaseRow& row);
nlohmann::json to_json(const PurchaseSummary& summary);
nlohmann::json to_json(const QuarantinedEvent& event);
nlohmann::json to_json(const StatusCounts& counts, const ApiOptions& options, const Live& live);
nlohmann::json to_json(const TillRow& till, const Live& live, Time now);
/// The body of an event, as far as it can be read.
nlohmann::json to_json(const sync::EventBody& body);

/// Prometheus text format 0.0.4.
std::string to_metrics(const StatusCounts& counts, const Live& live);

} // namespace mudi::server
