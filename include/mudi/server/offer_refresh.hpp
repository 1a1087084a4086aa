#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/hash.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/crm/offers.hpp>
#include <mudi/server/feed.hpp>
#include <mudi/server/rights.hpp>

namespace mudi::server {

struct RefreshReport {
    std::size_t profiles{};    ///< looked at
    std::size_t rows{};        ///< feed rows written
    std::size_t offers_made{}; ///< offers that were not out before
    bool more{false};          ///< others are dirty
    std::vector<FeedMoved> moved;
};

/// Chooses the offers of dirty profiles, sets points aside for those who cannot ask, and brings the slices
/// into the buckets of the stores that know them. Run after Apply, and after imports of customers. The
/// writer's connection and thread.
class OfferRefresh {
public:
    OfferRefresh(db::Connection& writer, const Key256& identifier_key, crm::OfferPolicy policy,
                 PointsPolicy points = {});
    OfferRefresh(const OfferRefresh&) = delete;
    OfferRefresh& operator=(const OfferRefresh&) = delete;
    ~OfferRefresh();

    /// The dirty profiles that wait longest, in one transaction. An error changes nothing: call again later.
    Result<RefreshReport> refresh_some(std::size_t profiles_max, Time now);
    static constexpr std::size_t chunk = 200;

    /// Offers without a purchase: profiles whose usual item has become overdue or whose offer has run out
    /// become dirty, at most `profiles_max`. Cheap: call every minute. Gives how many.
    Result<std::size_t> nightly_due(Time now, std::size_t profiles_max);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace mudi::server
