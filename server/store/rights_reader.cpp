#include <mudi/server/rights.hpp>

#include <tuple>

#include <mudi/base/db/statement.hpp>
#include <mudi/server/counters.hpp>

namespace mudi::server {

namespace {
using db::Columns;
using db::Params;
} // namespace

struct RightsReader::Impl {
    explicit Impl(db::Connection& connection)
        : outstanding(
              connection,
              "SELECT CAST(COALESCE(SUM(a.granted - a.closed), 0) AS INTEGER), COUNT(DISTINCT a.holder) "
              "FROM right_account a JOIN rights_holder h ON h.holder = a.holder "
              "WHERE h.freed = 0 AND a.granted > a.closed"),
          held(connection, "SELECT CAST(COALESCE(SUM(points), 0) AS INTEGER) FROM points_hold "
                           "WHERE state <> 1 AND state = 0"),
          counters(connection, "SELECT name, value FROM counter WHERE name LIKE 'points.%'"),
          overdrawn(connection,
                    "SELECT CAST(COALESCE(SUM(-balance), 0) AS INTEGER) FROM (SELECT SUM(e.points) AS "
                    "balance FROM ledger_entry e JOIN profile_member m ON m.record = e.account "
                    "GROUP BY m.profile) AS sums WHERE balance < 0"),
          // Every till of a member's stores but one can spend the same points once more.
          floor_worst(
              connection,
              "SELECT CAST(COALESCE(SUM((v.tills - 1) * CASE WHEN b.balance < :limit THEN b.balance ELSE "
              ":limit END), 0) AS INTEGER) FROM (SELECT m.profile, SUM(e.points) AS balance FROM "
              "ledger_entry e JOIN profile_member m ON m.record = e.account GROUP BY m.profile) AS b "
              "JOIN (SELECT s.profile, COUNT(*) AS tills FROM (SELECT DISTINCT m.profile, r.store FROM "
              "record_visit r JOIN profile_member m ON m.record = r.record) AS s JOIN till t ON t.store = "
              "s.store LEFT JOIN enrolled_till e ON e.till = t.till "
              "WHERE COALESCE(e.revoked_ms, 0) = 0 GROUP BY s.profile) AS v ON v.profile = b.profile "
              "WHERE b.balance > 0 AND v.tills > 1") {}

    db::Query<Columns<Points, std::int64_t>, Params<>> outstanding;
    db::Query<Columns<Points>, Params<>> held;
    db::Query<Columns<std::string, std::int64_t>, Params<>> counters;
    db::Query<Columns<Points>, Params<>> overdrawn;
    db::Query<Columns<Points>, Params<Points>> floor_worst;
};

RightsReader::RightsReader(db::Connection& connection) : impl_(std::make_unique<Impl>(connection)) {}
RightsReader::~RightsReader() = default;

Result<PointsSetAside> RightsReader::set_aside() {
    PointsSetAside aside;
    MUDI_TRY(const auto outstanding, impl_->outstanding.first());
    if (outstanding) std::tie(aside.outstanding, aside.holders) = *outstanding;
    MUDI_TRY(const auto held, impl_->held.first());
    if (held) aside.held = std::get<0>(*held);
    return aside;
}

Status RightsReader::refresh(PointsExposure& exposure) {
    MUDI_TRY(exposure.aside, set_aside());
    exposure.settling = false;
    return impl_->counters.each([&](const std::string& name, std::int64_t value) {
        if (name == counter::points_breached) exposure.breached = {value};
        if (name == counter::points_confirmed) exposure.confirmed = {value};
        if (name == counter::points_settling) exposure.settling = value != 0;
    });
}

Result<PointsExposure> RightsReader::exposure(Points floor_limit) {
    PointsExposure exposure;
    MUDI_CHECK(refresh(exposure));
    MUDI_TRY(const auto overdrawn, impl_->overdrawn.first());
    if (overdrawn) exposure.overdrawn = std::get<0>(*overdrawn);
    MUDI_TRY(const auto worst, impl_->floor_worst.first(floor_limit));
    if (worst) exposure.floor_worst = std::get<0>(*worst);
    return exposure;
}

} // namespace mudi::server
