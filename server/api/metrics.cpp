#include "json.hpp"

#include <string>

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
    std::string take() { return std::move(out_); }

private:
    void add(std::string_view name, std::int64_t value, std::string_view help, std::string_view type) {
        add(name, std::to_string(value), help, type);
    }
    void add(std::string_view name, const std::string& value, std::string_view help, std::string_view type) {
        const auto full = "mudi_server_" + std::string(name);
        out_ +=
            "# HELP " + full + " " + std::string(help) + "\n# TYPE " + full + " " + std::string(type) + "\n";
        out_ += full + " " + value + "\n";
    }

    std::string out_;
};

} // namespace

std::string to_metrics(const StatusCounts& counts, const Live& live) {
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
    return page.take();
}

} // namespace mudi::server
