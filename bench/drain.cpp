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
#include "bench/till_outbox.hpp"
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
    std::vector<TillOutbox> databases;  ///< with the same
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

Result<Sales> make_sales(const Options& options, std::size_t count) {
    const Time now = SystemClock{}.wall();
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
    for (std::int64_t till = 1; till <= tills; ++till) {
        const auto file = options.folder / ("till-" + std::to_string(till) + ".db");
        MUDI_TRY(auto database,
                 TillOutbox::fill(file, TillId{till}, sales.outboxes[static_cast<std::size_t>(till - 1)]));
        sales.databases.push_back(std::move(database));
    }
    return sales;
}

using StoreOf = StoreId (*)(std::int64_t);
using WorkstationOf = WorkstationId (*)(std::int64_t);

/// One till on a thread of its own. `begin`: all are greeted. Gives when it had its last answer.
Result<Watch> sell_one(const WireServer& to, till::Replica& replica, TillId till, StoreId store,
                       WorkstationId workstation, std::barrier<>& begin) {
    WireTills one{to};
    Status ready = one.add(till, std::move(store), std::move(workstation), replica);
    if (ready) ready = one.run_until([&] { return one.linked() == 1; }, patience);
    begin.arrive_and_wait();
    MUDI_CHECK(ready);
    one.captured();
    const std::int64_t all = replica.state().last.value;
    MUDI_CHECK(one.run_until([&] { return one.acked() == all; }, patience));
    return Watch{};
}

/// Seconds from the moment all tills are greeted until the last one's last sale is acknowledged.
Result<double> sell_all(const WireServer& to, const Sales& sales, StoreOf store, WorkstationOf workstation) {
    std::vector<Result<Watch>> ended(tills, Watch{});
    std::barrier<> begin{tills + 1};
    SeededRandom random{19};
    std::vector<std::unique_ptr<till::Store>> stores(tills);
    for (std::size_t i = 0; i < tills; ++i) {
        MUDI_TRY(stores[i], sales.databases[i].open_copy(random));
    }
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < tills; ++i) {
        threads.emplace_back([&, i] {
            const auto till = static_cast<std::int64_t>(i) + 1;
            ended[i] =
                sell_one(to, stores[i]->replica(), TillId{till}, store(till), workstation(till), begin);
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
        desk.reset();
        const Watch rest;
        MUDI_CHECK(shop->checkpoint());
        seconds += rest.seconds();
    }
    for (const char* ending : {"", "-wal", "-shm"}) std::filesystem::remove(file.string() + ending);
    return seconds;
}

Result<AnchorRun> anchor_run(const Options& options, const WireServer& to, const sync::TlsServer& tls,
                             const std::string& url, std::span<const std::string> bodies, bool packed,
                             bool lines) {
    AnchorOptions anchor;
    anchor.folder = options.folder / "anchor";
    anchor.url = url;
    anchor.server_tls = tls;
    anchor.client_tls = to.tls;
    anchor.packed = packed;
    anchor.lines = lines;
    return run_anchor(anchor, bodies);
}

void add(Sheet& sheet, std::string what, double value, double anchor, std::string_view anchor_what,
         double target) {
    Figure figure{.group = "drain", .what = std::move(what), .value = value, .unit = "purchases/s"};
    figure.anchor = anchor;
    figure.anchor_what = anchor_what;
    figure.aim = Aim::at_least_or_share;
    figure.target = target;
    figure.share = anchor_share_min;
    sheet.add(std::move(figure));
}

struct Way {
    const char* what;
    const char* url;
    double target;
};

/// By turns, so that all meet the same neighbours.
Status drain_accepted(const Options& options, const WireServer& wire, const sync::TlsServer& tls,
                      const Sales& sales, const Way& way, Sheet& sheet) {
    const int rounds = options.quick ? 1 : 5;
    const double count = static_cast<double>(sales.bodies.size()) * rounds;
    double bare[2] = {}, ours[2] = {};
    std::int64_t bare_bytes = 0;
    for (int round = 0; round < rounds; ++round) {
        for (const bool packed : {true, false}) {
            MUDI_TRY(const AnchorRun of_bare,
                     anchor_run(options, wire, tls, way.url, sales.bodies, packed, false));
            MUDI_TRY(const double of_ours, accept_seconds(options, wire, tls, way.url, sales, packed));
            bare[packed] += of_bare.seconds;
            ours[packed] += of_ours;
            bare_bytes = of_bare.bytes;
        }
    }
    const std::string what = way.what;
    add(sheet, what + ", pushes packed beforehand", count / ours[true], count / bare[true],
        "NNG, zstd, SQLite at the server; the same beforehand", way.target);
    add(sheet, what + ", from the tills' disks", count / ours[false], count / bare[false],
        "SQLite, zstd, NNG, SQLite and nothing else", way.target);
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < sales.outboxes.size(); ++i)
        bytes +=
            RawTill(sales.outboxes[i], TillId{static_cast<std::int64_t>(i) + 1}, events_per_push).bytes();
    const auto purchases = static_cast<double>(sales.bodies.size());
    sheet.add({.group = "drain",
               .what = what + ", bytes a purchase in the requests",
               .value = static_cast<double>(bytes) / purchases,
               .unit = "bytes",
               .anchor = static_cast<double>(bare_bytes) / purchases,
               .anchor_what = "zstd level 3 of the same bodies"});
    return {};
}

/// Accepted and applied by a real server, while it also answers its tills.
Status drain_applied(const Options& options, WireShop& shop, const WireServer& wire,
                     const sync::TlsServer& tls, const Sales& sales, Sheet& sheet) {
    MUDI_TRY(const AnchorRun bare,
             anchor_run(options, wire, tls, "tls+tcp://127.0.0.1:0", sales.documents, false, true));
    const auto total = static_cast<std::int64_t>(sales.bodies.size());
    MUDI_TRY(const double acked, sell_all(wire, sales, WireShop::store, WireShop::workstation));
    const Watch watch;
    while (shop.applied() < total) {
        if (watch.seconds() > static_cast<double>(patience.count()))
            return fail(Code::unavailable, "bench.apply", "the server did not apply every sale in time");
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
    const double applied = acked + watch.seconds();
    sheet.add({.group = "drain",
               .what = "real server over TLS, accepted while it applies",
               .value = static_cast<double>(total) / acked,
               .unit = "purchases/s"});
    add(sheet, "real server over TLS, from the tills' disks until applied",
        static_cast<double>(total) / applied, static_cast<double>(bare.events) / bare.seconds,
        "SQLite, zstd, NNG TLS, SQLite, lines into 3 indexes by json_each", apply_min);
    return {};
}

} // namespace

Status measure_drain(const Options& options, Sheet& sheet) {
    MUDI_TRY(const Sales sales, make_sales(options, options.quick ? 4'000 : 40'000));
    MUDI_TRY(auto shop, WireShop::make(options, "drain", tills));
    MUDI_CHECK(shop->start());
    MUDI_TRY(const WireServer wire, shop->server());
    MUDI_TRY(const sync::TlsServer tls, shop->server_tls());
    for (const Way& way : {Way{"accepted over tcp", "tcp://127.0.0.1:0", accept_tcp_min},
                           Way{"accepted over TLS", "tls+tcp://127.0.0.1:0", accept_tls_min}})
        MUDI_CHECK(drain_accepted(options, wire, tls, sales, way, sheet));
    MUDI_CHECK(drain_applied(options, *shop, wire, tls, sales, sheet));
    shop->kill();
    return measure_peers(options, sales.bodies, sheet);
}

} // namespace mudi::bench
