#include <functional>

#include "bench/anchor_tls.hpp"
#include "bench/storm_tills.hpp"
#include "bench/wire_shop.hpp"

namespace mudi::bench {
namespace {

constexpr std::int64_t tills_in_step = 5'000;
constexpr double back_seconds_max = 180;
constexpr double connection_kib_max = 45;
constexpr std::chrono::seconds patience{600};
constexpr double ticks_per_second = 100;
constexpr std::size_t bare_handshakes = 200;

struct Back {
    double seconds{};
    double handshake_ms{}; ///< of the server's processor time, hello and first pull included
    double connection_kib{};
    double rss_mib{};
};

Status wait_until(StormTills& all, const std::function<bool()>& done) {
    const Watch watch;
    while (!done()) {
        if (watch.seconds() > static_cast<double>(patience.count()))
            return fail(Code::unavailable, "bench.patience",
                        std::to_string(all.linked()) + " tills were greeted in time, no more");
        MUDI_CHECK(all.look(Duration{50}));
    }
    return {};
}

/// From a server that runs to the moment when all are greeted; the first time also level with it.
Result<Back> come_back(WireShop& shop, StormTills& all, std::int64_t count, bool first) {
    MUDI_TRY(const ProcessCounts before, shop.process());
    const Watch watch;
    MUDI_CHECK(wait_until(all, [&] { return all.linked() == count && (!first || all.level() == count); }));
    Back back;
    back.seconds = watch.seconds();
    MUDI_TRY(const ProcessCounts after, shop.process());
    const auto tills_back = static_cast<double>(count);
    back.handshake_ms =
        static_cast<double>(after.ticks - before.ticks) * 1000 / ticks_per_second / tills_back;
    back.connection_kib = static_cast<double>(after.rss_kib - before.rss_kib) / tills_back;
    back.rss_mib = static_cast<double>(after.rss_kib) / 1024;
    return back;
}

/// `handshake`: processor seconds of a bare one, both ends.
void report(Sheet& sheet, const std::string& who, const Back& back, double count, double handshake) {
    const auto figure = [&](const char* what, double value, std::string_view unit) {
        return Figure{.group = "storm", .what = who + what, .value = value, .unit = unit};
    };
    Figure seconds = figure(": all greeted and in step", back.seconds, "s");
    seconds.anchor = count * handshake / look_at_machine().cores;
    seconds.anchor_what = "both ends of the bare TLS handshakes, all cores ours";
    seconds.aim = Aim::at_most;
    seconds.target = back_seconds_max;
    sheet.add(seconds);
    Figure time = figure(": server's processor time a till", back.handshake_ms, "ms");
    time.anchor = handshake * 1000 / 2;
    time.anchor_what = "half of a bare TLS handshake";
    sheet.add(time);
    Figure memory = figure(": server's memory a connection", back.connection_kib, "KiB");
    memory.aim = Aim::at_most;
    memory.target = connection_kib_max;
    sheet.add(memory);
    sheet.add(figure(": server's memory", back.rss_mib, "MiB"));
}

} // namespace

Status measure_storm(const Options& options, Sheet& sheet) {
    const std::int64_t count = options.quick ? 200 : tills_in_step;
    MUDI_TRY(auto shop, WireShop::make(options, "storm", count));
    MUDI_CHECK(shop->start());
    const std::string who = std::to_string(count) + " tills over TLS";
    MUDI_TRY(const sync::TlsServer tls, shop->server_tls());
    MUDI_TRY(const WireServer wire, shop->server());
    MUDI_TRY(const double handshake, handshake_processor_seconds(tls, wire.tls, bare_handshakes));
    MUDI_TRY(auto all,
             StormTills::start(options.programs / "mudi-bench", *shop, count, options.folder / "storm.log"));
    MUDI_TRY(const Back first, come_back(*shop, *all, count, true));
    report(sheet, who + " come", first, static_cast<double>(count), handshake);

    shop->kill();
    MUDI_CHECK(wait_until(*all, [&] { return all->linked() == 0; }));
    MUDI_CHECK(shop->start());
    MUDI_TRY(const Back again, come_back(*shop, *all, count, false));
    report(sheet, who + " after a restart", again, static_cast<double>(count), handshake);
    return {};
}

} // namespace mudi::bench
