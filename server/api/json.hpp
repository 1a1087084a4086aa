#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

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
/// What the operator's list of tills adds to a row's document.
void add_enrolment(nlohmann::json& row, const EnrolledTill& till);
nlohmann::json to_json(const BackupRow& row);
nlohmann::json to_json(const PointsExposure& exposure, Time at, const ApiOptions& options);

/// What the database and the process together know of a till.
struct TillLook {
    EventSeq captured;
    std::int64_t unsent{};
    Time contact{};
    bool connected{false};
    bool stalled{false};
    bool clone{false};
    std::optional<std::int64_t> certificate_days; ///< whole days left, < 0: it has ended
};
TillLook look_at(const TillRow& till, const Live& live, Time now);

/// The body of an event, as far as it can be read.
nlohmann::json to_json(const sync::EventBody& body);

/// Prometheus text format 0.0.4.
std::string to_metrics(const StatusCounts& counts, const PointsSetAside& points,
                       const std::vector<TillRow>& tills, const Live& live, Time now);

} // namespace mudi::server
