#include <array>
#include <memory>
#include <utility>

#include <nlohmann/json.hpp>

#include <mudi/base/clock.hpp>
#include <mudi/base/db/statement.hpp>
#include <mudi/http/message.hpp>
#include <mudi/till/name_fold.hpp>

#include "bench/bench.hpp"
#include "bench/till_desk.hpp"
#include "cli/fleet.hpp"
#include "cli/server_client.hpp"

namespace mudi::bench {
namespace {

using nlohmann::json;

constexpr double identify_us_max = 5'000;
constexpr double offers_us_max = 10'000;
constexpr double search_us_max = 20'000;

/// Beginnings as a cashier types them, in each of the scripts.
constexpr std::array<std::string_view, 16> typed{"kam",       "pat",    "সু",  "রহি", "दत्त",   "পাল",
                                                 "शर्मा",      "हार्द",   "ભા", "પટેલ", "rames", "dso",
                                                 "sunita pa", "anil k", "व",  "mukh"};

till::Presented presented(std::int64_t serial, bool phone) {
    if (phone) return {till::PresentedKind::phone, phone_number(serial)};
    return {till::PresentedKind::card, card_number(serial)};
}

/// The bare thing: one row of 300 bytes out of as many, by its key, through a kept statement.
class BareRows {
public:
    static Result<std::unique_ptr<BareRows>> make(const std::filesystem::path& folder, std::int64_t rows) {
        db::Options options;
        options.target = (folder / "bare.db").string();
        MUDI_TRY(auto connection, db::Connection::open(options));
        MUDI_CHECK(
            connection->execute("CREATE TABLE bare (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT"));
        db::Command<std::int64_t, Bytes> insert{*connection,
                                                "INSERT INTO bare (id, body) VALUES (:id, :body)"};
        MUDI_TRY(auto transaction, db::WriteTransaction::begin(*connection));
        const Bytes body{std::string(300, 'x')};
        for (std::int64_t id = 1; id <= rows; ++id) MUDI_CHECK(insert(id, body));
        MUDI_CHECK(transaction.commit());
        return std::unique_ptr<BareRows>(new BareRows(std::move(connection)));
    }

    Status read(std::int64_t id) {
        const Watch watch;
        MUDI_TRY(const auto row, find_.first(id));
        samples.add(watch.us());
        if (!row) return fail(Code::not_found, "bench.row", "a row is not there");
        return {};
    }

    Samples samples;

private:
    explicit BareRows(std::unique_ptr<db::Connection> connection) : connection_(std::move(connection)) {}

    std::unique_ptr<db::Connection> connection_;
    db::Query<db::Columns<Bytes>, db::Params<std::int64_t>> find_{*connection_,
                                                                  "SELECT body FROM bare WHERE id = :id"};
};

struct Asked {
    Samples identify;
    Samples with_offers;
    Samples search;
};

Status ask(TillDesk& till, BareRows& bare, Grocery& grocery, std::int64_t customers, std::size_t count,
           Asked& asked) {
    const SystemClock clock;
    till::Desk& desk = till.desk();
    SeededRandom random{19};
    const auto serial = [&] {
        return static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(customers))) + 1;
    };
    const auto anybody = [&] { return presented(serial(), random.below(2) == 0); };
    for (std::size_t i = 0; i < count; ++i) {
        const till::TransactionName empty{"E" + std::to_string(i), {}}, full{"F" + std::to_string(i), {}};
        MUDI_CHECK(desk.begin({.name = empty, .operator_id = {}, .host = {}, .training = {}}, clock.wall()));
        MUDI_CHECK(desk.begin({.name = full, .operator_id = {}, .host = {}, .training = {}}, clock.wall()));
        MUDI_CHECK(desk.set_basket(full, grocery.basket(), {}, clock.wall()));
        const auto first = anybody(), second = anybody();
        Watch watch;
        MUDI_CHECK(desk.identify(empty, first, clock.wall()));
        asked.identify.add(watch.us());
        watch.restart();
        MUDI_CHECK(desk.identify(full, second, clock.wall()));
        MUDI_TRY(const auto offers, desk.offers(full, clock.wall()));
        asked.with_offers.add(watch.us());
        if (offers.size() != 2)
            return fail(Code::not_found, "bench.offers", "a customer's offers are not there");
        watch.restart();
        MUDI_CHECK(desk.search(typed[i % typed.size()], clock.wall()));
        asked.search.add(watch.us());
        MUDI_CHECK(bare.read(serial()));
        MUDI_CHECK(desk.cancel(empty, clock.wall()));
        MUDI_CHECK(desk.cancel(full, clock.wall()));
    }
    return {};
}

json lines_document(const std::vector<crm::LineItem>& lines) {
    json all = json::array();
    for (const crm::LineItem& line : lines) {
        all.push_back({{"item", line.item_id},
                       {"description", line.description},
                       {"category", line.category},
                       {"unit", line.unit},
                       {"quantity", line.quantity.thousandths},
                       {"unit_price", line.unit_price->minor},
                       {"amount", line.amount.minor},
                       {"tax_rate", line.tax_rate.value},
                       {"tax", line.tax.minor}});
    }
    return all;
}

struct AskedProcess {
    Samples hello; ///< the bare round trip
    Samples with_offers;
    Samples search;
};

/// The same of a real agent that takes over the folder, over its Unix socket.
Status ask_process(const std::string& socket, Grocery& grocery, std::int64_t customers, std::size_t count,
                   AskedProcess& asked) {
    cli::ApiClient client(http::Target::unix_socket(socket), {});
    SeededRandom random{23};
    for (std::size_t i = 0; i < count; ++i) {
        const std::string txn = "/v1/txn/H" + std::to_string(i);
        const json basket{{"lines", lines_document(grocery.basket())}};
        MUDI_CHECK(client.send("PUT", txn, "{}", true));
        MUDI_CHECK(client.send("PUT", txn + "/basket", basket.dump(), true));
        const auto serial =
            static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(customers))) + 1;
        const json who{{"kind", "card"}, {"value", card_number(serial)}};
        Watch watch;
        MUDI_TRY(const auto customer, client.send("POST", txn + "/identify", who.dump(), true));
        asked.with_offers.add(watch.us());
        if (!customer.contains("offers") || customer["offers"].size() != 2)
            return fail(Code::not_found, "bench.offers", "a customer's offers are not there");
        const std::string query = "/v1/customers?q=" + http::percent_encode(typed[i % typed.size()]);
        watch.restart();
        MUDI_CHECK(client.get(query));
        asked.search.add(watch.us());
        watch.restart();
        MUDI_CHECK(client.get("/v1/hello"));
        asked.hello.add(watch.us());
        MUDI_CHECK(client.send("POST", txn + "/cancel", "{}", false));
    }
    return {};
}

void report(Sheet& sheet, const Asked& here, const AskedProcess& there, const Samples& reads) {
    const auto figure = [](std::string what, std::string_view anchor, double target) {
        Figure made{.group = "identify", .what = std::move(what), .anchor_what = anchor};
        made.aim = Aim::at_most;
        made.target = target;
        return made;
    };
    constexpr std::string_view read = "one row by its key";
    constexpr std::string_view hello = "GET /v1/hello";
    here.identify.report(sheet, figure("desk, empty basket", read, identify_us_max), reads);
    here.with_offers.report(sheet, figure("desk, and offers for 8 lines", read, offers_us_max), reads);
    here.search.report(sheet, figure("desk, beginning of a name", read, search_us_max), reads);
    there.with_offers.report(sheet, figure("agent, with offers for 8 lines", hello, offers_us_max),
                             there.hello);
    there.search.report(sheet, figure("agent, beginning of a name", hello, search_us_max), there.hello);
}

} // namespace

Status measure_identify(const Options& options, Sheet& sheet) {
    const std::int64_t customers = options.quick ? 10'000 : 100'000;
    const std::size_t count = options.quick ? 200 : 2000;
    const SystemClock clock;
    Grocery grocery{2, clock.wall()};

    cli::FleetOptions fleet_options;
    fleet_options.programs = options.programs;
    fleet_options.folder = options.folder / "identify";
    fleet_options.tills = {
        {TillDesk::till, store_of(TillDesk::till).value, workstation_of(TillDesk::till).value}};
    cli::Fleet fleet(fleet_options);
    const auto folder = fleet_options.folder / ("till-" + std::to_string(TillDesk::till));

    MUDI_TRY(auto bare, BareRows::make(options.folder, customers));
    Asked here;
    {
        MUDI_TRY(auto till, TillDesk::open(folder));
        const Watch watch;
        MUDI_CHECK(till->fill(grocery, customers, clock.wall()));
        sheet.add({.group = "identify",
                   .what = "feed applied at the till",
                   .value = static_cast<double>(customers) / watch.seconds(),
                   .unit = "customers/s"});
        sheet.add({.group = "identify",
                   .what = "database, a customer",
                   .value = static_cast<double>(till->size_bytes()) / static_cast<double>(customers),
                   .unit = "bytes"});
        MUDI_CHECK(ask(*till, *bare, grocery, customers, count, here));
    }
    AskedProcess there;
    MUDI_CHECK(fleet.start_till(0));
    MUDI_CHECK(ask_process(fleet.till(0).socket, grocery, customers, count / 2, there));
    fleet.stop();
    report(sheet, here, there, bare->samples);
    return {};
}

} // namespace mudi::bench
