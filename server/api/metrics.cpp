#include "json.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace mudi::server {
namespace {

class Page {
public:
    void counter(std::string_view name, std::int64_t value, std::string_view help) {
        add(name, value, help, "counter");
    }
    void gauge(std::string_view name, std::int64_t value, std::string_view help) {
        add(name, value, help, "gauge");
    }
    /// Prometheus wants seconds; whole milliseconds go through without floating point.
    void gauge_ms(std::string_view name, std::int64_t ms, std::string_view help) {
        auto rest = std::to_string(ms % 1000);
        rest.insert(0, 3 - rest.size(), '0');
        add(name, std::to_string(ms / 1000) + "." + rest, help, "gauge");
    }
    /// One line of each till, under one head. `value` gives nothing where there is nothing to say.
    template <class Value>
    void each(std::string_view name, std::string_view help, const std::vector<TillRow>& tills, Value value) {
        const auto full = head(name, help, "gauge");
        for (const auto& till : tills) {
            const std::optional<std::int64_t> number = value(till);
            if (!number) continue;
            out_ +=
                full + "{till=\"" + std::to_string(till.till.value) + "\"} " + std::to_string(*number) + "\n";
        }
    }
    std::string take() { return std::move(out_); }

private:
    void add(std::string_view name, std::int64_t value, std::string_view help, std::string_view type) {
        add(name, std::to_string(value), help, type);
    }
    void add(std::string_view name, const std::string& value, std::string_view help, std::string_view type) {
        out_ += head(name, help, type) + " " + value + "\n";
    }
    std::string head(std::string_view name, std::string_view help, std::string_view type) {
        auto full = "mudi_server_" + std::string(name);
        out_ +=
            "# HELP " + full + " " + std::string(help) + "\n# TYPE " + full + " " + std::string(type) + "\n";
        return full;
    }

    std::string out_;
};

void add_tills(Page& page, const std::vector<TillRow>& tills, const Live& live, Time now) {
    std::vector<TillLook> figures;
    figures.reserve(tills.size());
    for (const auto& till : tills) figures.push_back(look_at(till, live, now));
    const auto of = [&](const TillRow& till) -> const TillLook& {
        return figures[static_cast<std::size_t>(&till - tills.data())];
    };
    using Number = std::optional<std::int64_t>;
    // Stores and workstations are the operator's own words: only the number goes out without a token.
    page.each("till_connected", "Heard within 35 s.", tills,
              [&](const TillRow& till) -> Number { return of(till).connected ? 1 : 0; });
    page.each("till_contact_age_seconds", "Since it was last heard.", tills,
              [&](const TillRow& till) -> Number {
                  return std::chrono::duration_cast<std::chrono::seconds>(now - of(till).contact).count();
              });
    page.each("till_unsent", "Captured, not yet here, as far as is known.", tills,
              [&](const TillRow& till) -> Number { return of(till).unsent; });
    page.each("till_unsafe", "Here, but in no verified backup.", tills,
              [&](const TillRow& till) -> Number { return till.unsafe; });
    page.each("till_lives", "Lives it has had: new disks, restores, forks.", tills,
              [&](const TillRow& till) -> Number { return till.lives; });
    page.each("till_forked_timestamp_seconds", "When its history last forked.", tills,
              [&](const TillRow& till) -> Number {
                  if (!till.forked) return std::nullopt;
                  return to_ms(*till.forked) / 1000;
              });
    page.each("till_clone", "1: two machines speak for it.", tills,
              [&](const TillRow& till) -> Number { return of(till).clone ? 1 : 0; });
    page.each("till_clock_ahead_milliseconds", "How far its clock stands ahead.", tills,
              [&](const TillRow& till) -> Number { return till.clock_ahead.count(); });
    page.each("till_quarantined", "Its events that could not be applied.", tills,
              [&](const TillRow& till) -> Number { return till.quarantined; });
    page.each("till_certificate_days", "Days until its certificate ends.", tills,
              [&](const TillRow& till) -> Number { return of(till).certificate_days; });
    page.each("till_stalled", "1: connected, with events to send, and none came for 60 s.", tills,
              [&](const TillRow& till) -> Number { return of(till).stalled ? 1 : 0; });
    page.each("till_revoked", "1: cut off by the operator.", tills,
              [&](const TillRow& till) -> Number { return till.revoked ? 1 : 0; });
}

} // namespace

std::string to_metrics(const StatusCounts& counts, const PointsSetAside& points,
                       const std::vector<TillRow>& tills, const Live& live, Time now) {
    Page page;
    page.counter("events_received_total", counts.received, "Events durable in the inbox.");
    page.counter("events_applied_total", counts.applied, "Events applied, duplicates included.");
    page.gauge("events_waiting", counts.waiting, "Received, not yet applied.");
    page.gauge("events_quarantined", counts.quarantined, "Could not be applied.");
    page.gauge_ms("lag_seconds", counts.lag.count(), "Age of the oldest event not yet applied.");
    page.counter("purchases_total", counts.purchases, "Purchases applied.");
    page.counter("purchase_lines_total", counts.lines, "Lines of those.");
    page.gauge("profiles", counts.profiles, "Customer profiles.");
    page.gauge("source_records", counts.source_records, "Records they are made of.");
    page.counter("merges_total", counts.merges, "Times two profiles turned out to be one.");
    page.gauge("offers_out", counts.offers_out, "Offers held by customers now.");
    page.counter("offers_pushed_total", counts.offers_pushed, "Offers made, ever.");
    page.gauge("profiles_dirty", counts.dirty_profiles, "Profiles whose offers are to be chosen again.");
    page.gauge("feed_rows", counts.feed_rows, "Rows the tills can pull.");
    page.gauge("tills", counts.tills, "Tills known.");
    page.gauge("tills_connected", static_cast<std::int64_t>(live.connected), "Tills connected now.");
    page.gauge("database_bytes", counts.database_bytes, "Size of the database.");
    page.gauge("resident_memory_bytes", live.rss_kib * 1024, "Resident memory.");
    page.gauge("uptime_seconds", live.uptime_s, "Since start.");
    const auto alarms = alarms_of(live);
    const bool apply_stalled = std::any_of(alarms.begin(), alarms.end(),
                                           [](const Alarm& alarm) { return alarm.name == "apply.stalled"; });
    page.gauge("apply_stalled", apply_stalled ? 1 : 0, "1: events wait and none was applied for 60 s.");
    page.gauge("alarms", static_cast<std::int64_t>(alarms.size()), "Alarms of lack of progress.");
    page.gauge("events_unsafe", counts.unsafe, "Received, but in no verified backup.");
    page.counter("backups_total", counts.backups, "Verified backups, ever.");
    if (counts.backup_verified) {
        page.gauge("backup_age_seconds",
                   std::chrono::duration_cast<std::chrono::seconds>(now - *counts.backup_verified).count(),
                   "Since the last verified backup.");
    }
    page.gauge("backup_failed", live.backup_failed.empty() ? 0 : 1, "1: the last attempt did not succeed.");
    page.counter("points_breached_total", counts.points_breached.value,
                 "Points spent that nobody had set aside: should be 0 for ever.");
    page.gauge("points_settling", counts.points_settling ? 1 : 0,
               "1: after a restore, no points are given out until the tills have told all.");
    page.gauge("points_outstanding", points.outstanding.value, "Points set aside under tills' rights.");
    page.gauge("points_held", points.held.value, "Points held by the server for tills that asked.");
    add_tills(page, tills, live, now);
    return page.take();
}

} // namespace mudi::server
