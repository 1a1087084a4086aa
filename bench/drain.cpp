#include <algorithm>
#include <barrier>
#include <thread>
#include <utility>

#include <nlohmann/json.hpp>

#include <mudi/base/clock.hpp>

#include "bench/anchor.hpp"
#include "bench/peers.hpp"
#include "bench/raw_till.hpp"
#include "bench/server_desk.hpp"
#include "bench/wire_shop.hpp"

namespace mudi::bench {
namespace {

constexpr double accept_tcp_min = 80'000;
constexpr double accept_tls_min = 60'000;
constexpr double apply_min = 12'000;
constexpr double anchor_share_min = 0.6;
constexpr std::size_t events_per_push = 500;
constexpr std::chrono::seconds patience{300};

struct Sales {
    std::vector<Outbox> outboxes;
    std::vector<std::string> bodies;    ///< as Mudi sends them
    std::vector<std::string> documents; ///< the same as JSON
};

std::string document_of(const crm::RetailTransaction& sale) {
    nlohmann::json document{{"id", to_hex(sale.id.value)},
                            {"store", sale.key.store.value},
                            {"workstation", sale.key.workstation.value},
                            {"day", sale.key.day.yyyymmdd},
                            {"number", sale.key.number},
                            {"begin", to_ms(sale.begin)},
                            {"end", to_ms(sale.end)},
                            {"operator", sale.operator_id},
                            {"total", sale.total.minor},
                            {"tax_total", sale.tax_total.minor}};
    if (sale.member) document["member"] = sale.member->identifier.value;
    for (const crm::LineItem& line : sale.lines) {
        document["lines"].push_back({{"number", line.number},
                                     {"item", line.item_id},
                                     {"description", line.description},
                                     {"category", line.category},
                                     {"unit", line.unit},
                                     {"quantity", line.quantity.thousandths},
                                     {"unit_price", line.unit_price->minor},
                                     {"amount", line.amount.minor},
                                     {"tax_rate", line.tax_rate.value},
                                     {"tax", line.tax.minor}});
    }
    return document.dump();
}

Sales make_sales(std::size_t count, Time now) {
    Sales sales;
    Grocery grocery{31, now - std::chrono::days{90}};
    for (std::int64_t till = 1; till <= tills; ++till) sales.outboxes.emplace_back(till);
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t box = i % sales.outboxes.size();
        const auto sale = grocery.sale(static_cast<std::int64_t>(box) + 1);
        sales.outboxes[box].capture(sale);
        sales.bodies.push_back(sync::encode(sale));
        sales.documents.push_back(document_of(sale));
    }
    return sales;
}

using StoreOf = StoreId (*)(std::int64_t);
using WorkstationOf = WorkstationId (*)(std::int64_t);

/// One till on a thread of its own. `begin`: all are greeted. Gives when it had its last answer.
Result<Watch> sell_one(const WireServer& to, const Outbox& sales, TillId till, StoreId store,
                       WorkstationId workstation, std::barrier<>& begin) {
    Outbox outbox{till.value};
    WireTills one{to};
    Status ready = one.add(till, std::move(store), std::move(workstation), &outbox);
    if (ready) ready = one.run_until([&] { return one.linked() == 1; }, patience);
    begin.arrive_and_wait();
    MUDI_CHECK(ready);
    outbox = sales;
    one.captured();
    MUDI_CHECK(one.run_until([&] { return one.acked() == outbox.last().value; }, patience));
    return Watch{};
}

/// Seconds from the moment all tills are greeted and have their sales until the last one is acknowledged.
Result<double> sell_all(const WireServer& to, const Sales& sales, StoreOf store, WorkstationOf workstation) {
    std::vector<Result<Watch>> ended(tills, Watch{});
    std::barrier<> begin{tills + 1};
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < tills; ++i) {
        threads.emplace_back([&, i] {
            const auto till = static_cast<std::int64_t>(i) + 1;
            ended[i] = sell_one(to, sales.outboxes[i], TillId{till}, store(till), workstation(till), begin);
        });
    }
    begin.arrive_and_wait();
    const Watch watch;
    threads.clear();
    double seconds = 0;
    const double now = watch.seconds();
    for (const auto& end : ended) {
        if (!end) return tl::make_unexpected(end.error());
        seconds = std::max(seconds, now - end->seconds());
    }
    return seconds;
}

/// The same with everything packed beforehand.
Result<double> send_all_raw(const WireServer& to, const Sales& sales) {
    std::vector<std::unique_ptr<RawTill>> raw;
    for (std::int64_t till = 1; till <= tills; ++till)
        raw.push_back(std::make_unique<RawTill>(sales.outboxes[static_cast<std::size_t>(till - 1)],
                                                TillId{till}, events_per_push));
    std::vector<Status> ended(tills);
    std::barrier<> begin{tills + 1};
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < tills; ++i) {
        threads.emplace_back([&, i] {
            ended[i] = raw[i]->greet(to, patience);
            begin.arrive_and_wait();
            if (ended[i]) ended[i] = raw[i]->send_all(patience);
        });
    }
    begin.arrive_and_wait();
    const Watch watch;
    threads.clear();
    const double seconds = watch.seconds();
    for (const Status& end : ended) MUDI_CHECK(end);
    return seconds;
}

/// A server that only accepts. `raw`: the tills have packed everything beforehand.
Result<double> accept_seconds(const Options& options, const WireServer& to, const sync::TlsServer& tls,
                              const std::string& url, const Sales& sales, bool raw) {
    const auto file = options.folder / "drain-accept.db";
    double seconds = 0;
    {
        MUDI_TRY(auto shop, ServerShop::open(file, SystemClock{}.wall()));
        MUDI_TRY(auto desk, ServerDesk::start(url, tls, *shop));
        WireServer server = to;
        server.url = desk->url();
        if (!url.starts_with("tls")) server.tls = {};
        MUDI_TRY(seconds,
                 raw ? send_all_raw(server, sales) : sell_all(server, sales, store_of, workstation_of));
    }
    for (const char* ending : {"", "-wal", "-shm"}) std::filesystem::remove(file.string() + ending);
    return seconds;
}

Result<double> anchor_seconds(const Options& options, const WireServer& to, const sync::TlsServer& tls,
                              const std::string& url, std::span<const std::string> bodies, bool lines) {
    AnchorOptions anchor;
    anchor.folder = options.folder / "anchor";
    anchor.url = url;
    anchor.server_tls = tls;
    anchor.client_tls = to.tls;
    anchor.lines = lines;
    MUDI_TRY(const AnchorRun ran, run_anchor(anchor, bodies));
    return ran.seconds;
}

void add(Sheet& sheet, std::string what, double value, std::optional<double> anchor, double target) {
    Figure figure{.group = "drain", .what = std::move(what), .value = value, .unit = "purchases/s"};
    figure.anchor = anchor;
    figure.anchor_what = "SQLite, zstd, NNG, SQLite and nothing else";
    if (target > 0) {
        figure.aim = Aim::at_least_or_share;
        figure.target = target;
        figure.share = anchor_share_min;
    }
    sheet.add(std::move(figure));
}

/// By turns, so that both meet the same neighbours.
Status drain_accepted(const Options& options, const WireServer& wire, const sync::TlsServer& tls,
                      const Sales& sales, Sheet& sheet) {
    struct Way {
        const char* what;
        const char* url;
        double target;
    };
    const int rounds = options.quick ? 1 : 3;
    const double count = static_cast<double>(sales.bodies.size()) * rounds;
    for (const Way& way : {Way{"accepted over tcp", "tcp://127.0.0.1:0", accept_tcp_min},
                           Way{"accepted over TLS", "tls+tcp://127.0.0.1:0", accept_tls_min}}) {
        double bare = 0, ours = 0, packing = 0;
        for (int round = 0; round < rounds; ++round) {
            MUDI_TRY(const double of_bare, anchor_seconds(options, wire, tls, way.url, sales.bodies, false));
            MUDI_TRY(const double of_ours, accept_seconds(options, wire, tls, way.url, sales, true));
            MUDI_TRY(const double with_tills, accept_seconds(options, wire, tls, way.url, sales, false));
            bare += of_bare;
            ours += of_ours;
            packing += with_tills;
        }
        add(sheet, way.what, count / ours, count / bare, way.target);
        add(sheet, std::string(way.what) + ", the tills packing on the same processors", count / packing,
            count / bare, 0);
    }
    return {};
}

/// Accepted and applied by a real server, while it also answers its tills.
Status drain_applied(const Options& options, WireShop& shop, const WireServer& wire,
                     const sync::TlsServer& tls, const Sales& sales, Sheet& sheet) {
    const std::span<const std::string> documents{sales.documents.data(), sales.documents.size() / 4};
    MUDI_TRY(const double bare, anchor_seconds(options, wire, tls, "tls+tcp://127.0.0.1:0", documents, true));
    const auto total = static_cast<std::int64_t>(sales.bodies.size());
    MUDI_TRY(const double acked, sell_all(wire, sales, WireShop::store, WireShop::workstation));
    const Watch watch;
    while (shop.applied() < total) {
        if (watch.seconds() > static_cast<double>(patience.count()))
            return fail(Code::unavailable, "bench.apply", "the server did not apply every sale in time");
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
    const double applied = acked + watch.seconds();
    add(sheet, "real server over TLS, accepted while it applies", static_cast<double>(total) / acked, {}, 0);
    add(sheet, "real server over TLS, applied", static_cast<double>(total) / applied,
        static_cast<double>(documents.size()) / bare, apply_min);
    return {};
}

} // namespace

Status measure_drain(const Options& options, Sheet& sheet) {
    const Sales sales = make_sales(options.quick ? 4'000 : 40'000, SystemClock{}.wall());
    MUDI_TRY(auto shop, WireShop::make(options, "drain", tills));
    MUDI_CHECK(shop->start());
    MUDI_TRY(const WireServer wire, shop->server());
    MUDI_TRY(const sync::TlsServer tls, shop->server_tls());
    MUDI_CHECK(drain_accepted(options, wire, tls, sales, sheet));
    MUDI_CHECK(drain_applied(options, *shop, wire, tls, sales, sheet));
    shop->kill();
    return measure_peers(options, sales.bodies, sheet);
}

} // namespace mudi::bench
